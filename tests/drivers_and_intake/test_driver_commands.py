"""`velgate driver list` and `show`: what is installed, what it takes and reports, in words and as JSON."""

from __future__ import annotations

import json

import pytest

from gateway.cli.main import main
from support.vectors import MODULES, vectors


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command; give exit code, stdout and stderr."""
    code = main(["driver", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_list_names_every_driver(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, and how many."""
    code, out, err = run(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == [name.replace("_", "-") for name in MODULES]
    assert "6 drivers" in err


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One document: what each takes and reports, how many vectors it has, and what did not load."""
    code, out, _ = run(capsys, "list", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["not_loaded"] == []
    bthome = next(each for each in document["drivers"] if each["name"] == "bthome")
    assert bthome["match"] == ["service data fcd2", "service data 181c", "service data 181e"]
    assert {"quantity": "button", "kind": "event", "unit": None, "concern": "self"} in bthome["reports"]
    assert (bthome["shipped"], bthome["heard_every"]) == (True, None)
    assert bthome["vectors"] == len(vectors("bthome"))


def test_one_driver_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """How its devices speak, and what is plausible of what they say."""
    code, out, _ = run(capsys, "show", "ruuvi")
    assert code == 0
    assert "company 0x0499" in out
    assert "30s" in out
    humidity = next(line for line in out.splitlines() if line.startswith("humidity"))
    assert humidity.split() == ["humidity", "measurement", "%", "0", "to", "100", "luftfugtighed"]


def test_a_driver_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4, and where to look."""
    code, out, err = run(capsys, "show", "acme")
    assert (code, out) == (4, "")
    assert "velgate driver list" in err
