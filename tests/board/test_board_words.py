"""The page's words: no key that is used is missing, none that stands there is unused, values fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway import board
from gateway.board.words import CLIENT_SECTIONS
from gateway.model.catalogue import placeholders, shipped

FOLDER = Path(board.__file__).parent
TEXTS = shipped().texts["da"]
CALL = re.compile(
    r"\b(?:t|tPhone|words\.t|words\.phone|w\.known|words\.known)\(\s*f?([\"'`])(.+?)\1(\s*~\s*[\w.]+)?"
)

KEY = re.compile(rf"[\"'`]((?:{'|'.join(CLIENT_SECTIONS)})\.[a-z0-9_.]+)[\"'`]")


def sources() -> list[tuple[str, str]]:
    """Give every file of the board that may say something."""
    files = [*FOLDER.rglob("*.py"), *(FOLDER / "assets").glob("*.js"), *(FOLDER / "templates").glob("*.html")]
    assert len(files) > 60
    return [(str(path.relative_to(FOLDER)), path.read_text("utf-8")) for path in files]


def used() -> tuple[dict[str, str], dict[str, str]]:
    """Give the whole keys that are used, and the beginnings of those that are put together, by place."""
    whole, begun = {}, {}
    for name, text in sources():
        for found in CALL.finditer(text):
            key, joined = found[2], found[3]
            beginning = re.split(r"[{$]", key)[0]
            if joined or beginning != key:
                begun[beginning] = name
            else:
                whole[key] = name
        for key in KEY.findall(text):
            whole.setdefault(key, name)
    return whole, begun


def test_no_key_is_missing() -> None:
    """A word that is not there would be a blank on the wall."""
    whole, begun = used()
    assert len(whole) > 150
    missing = {key: where for key, where in whole.items() if key not in TEXTS and "." in key}
    others = {".css", ".js", ".png", ".svg", ".html", ".certificate"}  # files, and a key of the configuration
    assert {k: w for k, w in missing.items() if Path(k).suffix not in others and k not in begun} == {}
    for beginning, where in begun.items():
        assert any(key.startswith(beginning) for key in TEXTS), (beginning, where)


def test_no_word_of_the_page_is_unused() -> None:
    """What nobody says any more is translated for nothing."""
    whole, begun = used()
    unused = [
        key
        for key in TEXTS
        if key.startswith("page.") and key not in whole and not any(b and key.startswith(b) for b in begun)
    ]
    assert unused == []


@pytest.mark.parametrize("kind", ["*.js", "*.html"])
def test_values_fit_their_places(kind: str) -> None:
    """Each text gets the values it has places for."""
    checked = 0
    for path in FOLDER.rglob(kind):
        text = path.read_text("utf-8")
        for found in re.finditer(r"\bt\([\"']([a-z_.0-9]+)[\"'](?:,\s*(.*?))?\)(?![^{]*=>)", text):
            key, arguments = found[1], found[2] or ""
            if key not in TEXTS or arguments.count("(") or arguments.count("`"):
                continue
            if kind == "*.js":
                names = set(re.findall(r"(\w+)(?=\s*[,:}])", re.sub(r":[^,}]*", ":", arguments)))
            else:
                names = set(re.findall(r"(\w+)=", arguments))
            if kind == "*.js" and arguments and not arguments.startswith("{"):
                continue  # values that come as one object
            needed = set(placeholders(TEXTS[key])) - {"phone"}
            assert needed <= names, (path.name, key, needed - names)
            checked += 1
    assert checked > 30
