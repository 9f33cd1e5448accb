"""The pages themselves: links lead somewhere, examples are right, commands exist. Each sweep counts."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from firmware_sim.scenario import parse_scenario
from gateway.settings.loader import load
from support.doc_commands import command_lines, fault, known
from support.doc_pages import DOCS, ROOT, Block, anchors, blocks, links, pages, text_of

HOME = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
place.room-12 = {label = "Bolig 12"}
place.bath-12 = {label = "Bad 12", kind = "bath", within = "room-12"}
person.KL = {roles = ["care", "technician"]}
person.AB = {}
group.nat-oest = {label = "Nat øst", persons = ["KL", "AB"]}
channel.natcentral = {kind = "webhook", url = "https://natcentral.example/velgate"}
"""
"""What a fragment of configuration stands in."""
WHOLE = 30  # pages at least: a sweep over none would be green


def test_links_lead_somewhere() -> None:
    """Relative ones to a file of the project, and to a heading of it where they name one."""
    visited, wrong = 0, []
    for page, link in links():
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        visited += 1
        if not target.exists() or not target.is_relative_to(ROOT):
            wrong.append(f"{page.relative_to(ROOT)}: {link}")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(f"{page.relative_to(ROOT)}: {link} (no such heading)")
    assert wrong == []
    assert visited >= 150


def test_every_page_is_listed() -> None:
    """From docs/README.md, the decisions from a page of their own; generated files too."""
    listed = {(page.parent / link).resolve() for page, link in links() if page.name == "README.md"}
    made = [DOCS / "asyncapi.yaml", DOCS / "openapi.json", *(DOCS / "schemas").glob("*.json")]
    below = [page for page in pages() if page.is_relative_to(DOCS) and page.name != "README.md"]
    missing = [str(page.relative_to(ROOT)) for page in [*below, *made] if page not in listed]
    missing = [page for page in missing if not page.startswith("docs/changes/")]
    assert missing == []
    assert len(below) >= WHOLE


def test_pages_speak_of_velgate_alone() -> None:
    """Nothing undone, no path of somebody's machine, no heading twice at the top."""
    for page in pages():
        text = text_of(page)
        assert not re.search(r"\bTODO\b|\bFIXME\b|/home/\w|/root/", text), page
        if page.parent == DOCS / "changes" and page.name != "README.md":
            continue  # a note of one or two sentences, without a heading
        assert len(re.findall(r"^# ", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)) == 1, page  # noqa: FURB167
    assert len(pages()) >= WHOLE


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_parses(block: Block) -> None:
    """As it stands, or as the body of a class."""
    ast.parse(block.text)


@pytest.mark.parametrize("block", blocks("json", "jsonl"), ids=str)
def test_json_parses(block: Block) -> None:
    """One document, or one a line."""
    for text in block.text.splitlines() if block.language == "jsonl" else [block.text]:
        json.loads(text)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_what_it_says(block: Block, tmp_path: Path) -> None:
    """A whole configuration, a part of one, a profile, trust, a scenario, or a package."""
    said = tomllib.loads(block.text)
    match block.info.split()[:1]:
        case ["package"]:
            assert "project" in said
        case ["scenario"]:
            parse_scenario(block.text, str(block))
        case ["parts"]:
            pass
        case ["profile"]:
            write(tmp_path, HOME, {"gateway/profiles/acme.toml": block.text})
        case ["trust"]:
            write(tmp_path, HOME, {"trust.toml": block.text})
        case []:
            files = {"gateway.toml": block.text}
            write(tmp_path, "" if {"site", "place"} <= said.keys() else HOME, files)
        case _:
            pytest.fail(f"{block}: ```toml {block.info}: what is that?")


def write(folder: Path, home: str, files: dict[str, str]) -> None:
    """Write a configuration and see that nothing in it is an error."""
    for name, text in {"home.toml": home, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = load(folder)
    assert [f"{each.where} {each.key}: expected {each.expected}" for each in found.errors] == []


def test_commands_exist() -> None:
    """Each call of velgate in a block, and each that is named in a sentence: command, options, arguments."""
    visited, wrong = 0, []
    for block in blocks("", "sh", "console"):
        for words in command_lines(block.text):
            visited += 1
            if said := fault(words):
                wrong.append(f"{block}: {said}")
    for page in pages():
        for named in re.findall(r"`((?:sudo )?velgate(?:-sim)? [^`\n]+)`", text_of(page)):
            for words in command_lines(named):
                visited += 1
                if said := fault(words):
                    wrong.append(f"{page.relative_to(ROOT)}: `{named}`: {said}")
    assert wrong == []
    assert visited >= 150


def test_a_command_that_does_not_exist_is_found() -> None:
    """The test above would see it."""
    assert len(known()) >= 50
    for line, expected in {
        "velgate alert list --all": None,
        "sudo velgate staff pin KL": None,
        "velgate device": None,
        "velgate": None,
        "printf '1\\n' | velgate staff pin KL": None,
        "velgate decode frames.jsonl --key A=B --stats": None,
        "velgate alert forget 12": "no command",
        "velgate check --quick": "no option",
        "velgate staff pin KL 1234": "takes 1 arguments",
        "velgate device add kald-12 --place": "needs a value",
    }.items():
        (words,) = command_lines(line)
        said = fault(words)
        assert (said is None) if expected is None else (said is not None and expected in said), line
