"""The drivers that the documentation shows, written out and run as a reader would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.driver import Advertisement, Counter, Match, Sequence, Truncated, Unsupported
from gateway.driver import quantities as q
from gateway.model import frames
from support.doc_pages import DOCS, Block, blocks

TUTORIAL = DOCS / "tutorials" / "first-driver.md"
HOW_TO = DOCS / "how-to" / "write-a-driver.md"


def on(page: Path, language: str) -> list[Block]:
    return [block for block in blocks(language) if block.page == page]


@pytest.fixture
def dorsen(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The package of the tutorial as pip would leave it, and the environment in which it is found."""
    files = {b.info: b.text for b in [*on(TUTORIAL, "python"), *on(TUTORIAL, "jsonl")] if b.info}
    assert set(files) == {"dorsen_bed.py", "dorsen_bed.jsonl", "test_dorsen_bed.py"}
    (package,) = (tomllib.loads(block.text) for block in on(TUTORIAL, "toml"))
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (unnamed,) = (block for block in on(TUTORIAL, "jsonl") if not block.info)
    (tmp_path / "frames.jsonl").write_text(unnamed.text, encoding="utf-8")
    info = tmp_path / "dorsen_bed-1.0.0.dist-info"
    info.mkdir()
    name, version = package["project"]["name"], package["project"]["version"]
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = package["project"]["entry-points"]["velgate.drivers"]
    lines = [f"{driver} = {value}\n" for driver, value in points.items()]
    (info / "entry_points.txt").write_text("[velgate.drivers]\n" + "".join(lines))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return tmp_path, {**os.environ, "PYTHONPATH": str(tmp_path), "PATH": path}


def run(folder: Path, env: dict[str, str], *words: str) -> str:
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_driver_does_what_the_tutorial_says(dorsen: tuple[Path, dict[str, str]]) -> None:
    """It is listed, apart from those that ship; the frame gives the printed readings; its test passes."""
    folder, env = dorsen
    bare = {key: value for key, value in env.items() if key != "PYTHONPATH"}
    assert '"driver":null' in run(folder, bare, "velgate", "decode", "frames.jsonl")
    assert "in a process of its own" in run(folder, env, "velgate", "driver", "list")
    assert "company 0xffff starting bd02" in run(folder, env, "velgate", "driver", "show", "dorsen-bed")
    (printed,) = (json.loads(block.text) for block in on(TUTORIAL, "json"))
    assert json.loads(run(folder, env, "velgate", "decode", "frames.jsonl")) == printed
    assert "truncated" in run(folder, env, "velgate", "decode", "dorsen_bed.jsonl").splitlines()[-1]
    said = run(
        folder, env, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_dorsen_bed.py"
    )
    assert "1 passed" in said


def test_a_wrong_factor_is_found_by_the_test_of_the_tutorial(dorsen: tuple[Path, dict[str, str]]) -> None:
    """As it says: change `per=100` to `per=10`, and see it fail."""
    folder, env = dorsen
    driver = folder / "dorsen_bed.py"
    driver.write_text(driver.read_text().replace("per=100", "per=10"))
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_dorsen_bed.py"]
    done = subprocess.run(test, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 failed" in done.stdout


def examples() -> dict[str, dict[str, Any]]:
    """Run each example of the how-to; by the heading above it."""
    found = {}
    text = HOW_TO.read_text(encoding="utf-8").splitlines()
    for block in on(HOW_TO, "python"):
        heading = next(line for line in reversed(text[: block.line]) if line.startswith("## "))
        names: dict[str, Any] = {}
        exec(compile(block.text, str(block), "exec"), names)  # noqa: S102  (our own documentation)
        found[heading.removeprefix("## ")] = names
    assert len(found) == 3
    return found


def view(payload: bytes, key: bytes | None = None) -> Advertisement:
    frame = frames.Advertisement(address="D0:4E:00:00:00:01", manufacturer_data={0xFFFF: payload})
    return Advertisement(frame, payload, Match.company(0xFFFF), lambda _: key)


def test_the_generator_of_the_how_to_reads_blocks() -> None:
    """What it yields stands; what it raises names what it knows."""
    decode = examples()["Decode: a table, or a generator"]["decode"]
    assert list(decode(view(bytes.fromhex("071001203f")))) == [
        Sequence(7, 256),
        q.help_call("press"),
        q.battery(63),
    ]
    with pytest.raises(Unsupported, match="known: 0x10, 0x20"):
        list(decode(view(b"\x07\x30")))
    with pytest.raises(Truncated):
        list(decode(view(b"\x07\x10")))


def test_the_encrypted_example_opens_a_frame() -> None:
    """Encrypted here by the library itself, with the nonce that the example names."""
    decode = examples()["Encrypted frames"]["decode"]
    key, counter = bytes(range(16)), (41).to_bytes(4, "little")
    nonce = bytes.fromhex("D04E00000001") + counter
    body = AESCCM(key, tag_length=4).encrypt(nonce, b"\x3f", None)
    assert list(decode(view(body + counter, key))) == [Counter(41), q.battery(63)]


def test_the_connected_example_is_a_driver() -> None:
    """It says what it reads, listens to and reports."""
    driver = examples()["Connected devices"]["driver"]
    assert (driver.read, driver.listen, driver.said) == (("2a19",), ("ffe4",), (q.battery,))
