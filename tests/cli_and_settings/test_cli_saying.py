"""How commands speak: colours where they are wanted, tables that line up, progress on a terminal alone."""

from __future__ import annotations

import io

import pytest

from gateway.cli.options import ask, secret
from gateway.cli.say import count, emit, explain, local, paint, progress, table
from gateway.model.problem import Exit, Finding, Problem


class Terminal(io.StringIO):
    """A stream with somebody before it."""

    def isatty(self) -> bool:
        return True


def test_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, unless NO_COLOR or a dumb terminal says no; never in a pipe."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint("x", "31", Terminal()) == "\x1b[31mx\x1b[0m"
    assert paint("x", "31", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", "31", Terminal()) == "x"
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert paint("x", "31", Terminal()) == "x"


def test_tables_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Text to the left, numbers to the right, what is not known as a dash, no blanks at the end."""
    table(("name", "n", "on"), [("seng", 7, True), ("kald-12", None, False), ("", -61.5, ["a", "b"])])
    assert capsys.readouterr().out.splitlines() == [
        "name         n  on",
        "seng         7  yes",
        "kald-12      –  no",
        "–        -61.5  a, b",
    ]
    table(("name",), [])
    assert capsys.readouterr().out == "name\n"


def test_json_is_one_line_of_utf_8(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a stream is read line by line, with Danish letters as they are."""
    emit({"label": "Køkken\nto"})
    assert capsys.readouterr().out == '{"label": "Køkken\\nto"}\n'


def test_findings_go_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, in the order where, expected, found, do."""
    explain([Finding(where="a.toml:1", expected="x", found="y", do="z", key="k", warning=True)])
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "a.toml:1  k  (warning)\n  expected  x\n  found     y\n  do        z\n"


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line over and over, taken away at the end; nothing in a pipe."""
    piped = io.StringIO()
    monkeypatch.setattr("sys.stderr", piped)
    with progress("Listening", 10) as shown:
        shown.at(1)
    assert piped.getvalue() == ""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with progress("Listening", 10) as shown:
        shown.at(1, "3")
    assert "Listening  9 s  3" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked on a terminal; without one the default is taken, and without that it is wrong usage."""
    monkeypatch.setattr("sys.stdin", Terminal("svar\n\n\n"))
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert ask("Q", "--q", "do") == "svar"
    assert ask("Q", "--q", "do", "given") == "given"
    with pytest.raises(Problem) as raised:
        ask("Q", "--q", "do")
    assert raised.value.exit is Exit.USAGE
    monkeypatch.setattr("sys.stdin", io.StringIO("piped\n"))
    assert ask("Q", "--q", "do", "given") == "given"
    assert secret("Q", "--q", "do") == "piped"
    with pytest.raises(Problem):
        secret("Q", "--q", "do")


def test_a_secret_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two different ones change nothing."""
    typed = iter(["4711", "4711", "4711", "4712"])
    monkeypatch.setattr("sys.stdin", Terminal(""))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))
    assert secret("PIN", "PIN", "do", twice=True) == "4711"
    with pytest.raises(Problem, match="two different ones"):
        secret("PIN", "PIN", "do", twice=True)


def test_small_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers with their nouns, times as the wall shows them."""
    import time

    assert (count(1, "error"), count(2, "error"), count(0, "person", "people")) == (
        "1 error",
        "2 errors",
        "0 people",
    )
    monkeypatch.setenv("TZ", "Europe/Copenhagen")
    time.tzset()
    try:
        assert local("2026-11-24T14:00:00.000Z") == "15:00"
    finally:
        monkeypatch.undo()
        time.tzset()
