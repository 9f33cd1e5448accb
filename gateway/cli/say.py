"""How commands speak: data on stdout, everything for people on stderr, colours only where they are wanted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from gateway.model.problem import Exit, Finding, Problem

BOLD, RED, YELLOW, GREEN, DIM = "1", "31", "33", "32", "2"


def say(text: str = "") -> None:
    """Tell a person something, on stderr."""
    sys.stderr.write(text + "\n")


def show(text: str) -> None:
    """Print what was asked for, on stdout."""
    sys.stdout.write(text + "\n")


def emit(document: Any) -> None:
    """Print one JSON document on one line of stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, separators=(", ", ": ")) + "\n")
    sys.stdout.flush()


def coloured(stream: TextIO) -> bool:
    """Tell whether a stream takes colours: a terminal, and nobody asked for none (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """Colour a text where the stream takes colours; stderr if not given."""
    return f"\x1b[{style}m{text}\x1b[0m" if coloured(stream or sys.stderr) else text


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under heads, in columns as wide as they need; numbers stand right."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(cells) and all(_number(row[n]) for row in cells) for n in range(len(heads))]
    widths = [max([len(head), *(len(row[n]) for row in cells)]) for n, head in enumerate(heads)]
    show(paint(_line(heads, widths, right), BOLD, sys.stdout))
    for row in cells:
        show(_line(row, widths, right))


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(map(str, value)) or "–"
        case _:
            return str(value)


def _number(text: str) -> bool:
    return text == "–" or text.lstrip("-").replace(".", "", 1).isdigit()


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = [
        text.rjust(width) if far else text.ljust(width)
        for text, width, far in zip(row, widths, right, strict=True)
    ]
    return "  ".join(cells).rstrip()


def explain(findings: Iterable[Finding]) -> None:
    """Say each finding: where, expected, found, what to do."""
    for finding in findings:
        key = f"  {finding.key}" if finding.key else ""
        mark = paint("  (warning)", YELLOW) if finding.warning else ""
        say(paint(finding.where, YELLOW if finding.warning else RED) + key + mark)
        say(f"  expected  {finding.expected}")
        say(f"  found     {finding.found}")
        say(f"  do        {finding.do}")


def explain_problem(problem: Problem) -> Exit:
    """Say what a problem is and give its exit code."""
    explain(problem.findings)
    return problem.exit


def local(stamp: str, form: str = "%H:%M") -> str:
    """Write an RFC 3339 time as the clock on the wall shows it."""
    from datetime import datetime

    return datetime.fromisoformat(stamp).astimezone().strftime(form)


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: `1 error`, `3 errors`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@contextmanager
def progress(what: str, seconds: float | None = None) -> Iterator[Progress]:
    """Show on a terminal that something takes its time; silent where stderr is piped."""
    shown = Progress(what, seconds)
    try:
        yield shown
    finally:
        shown.end()


class Progress:
    """One line that is written over and over."""

    def __init__(self, what: str, seconds: float | None) -> None:
        """Begin; `seconds` is how long it will take at most, if that is known."""
        self.what, self.seconds = what, seconds
        self.live = sys.stderr.isatty()

    def at(self, elapsed_s: float, note: str = "") -> None:
        """Say how far it is."""
        if self.live:
            left = "" if self.seconds is None else f"  {max(0.0, self.seconds - elapsed_s):.0f} s"
            sys.stderr.write(f"\r\x1b[K{self.what}{left}  {note}".rstrip())
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self.live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
