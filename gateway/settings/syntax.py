"""TOML that people wrote by hand: each broken line is told, and the rest of the file is read all the same."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

LINES_MAX = 10  # broken lines told of one file; more show when these are mended

_WORDS = (
    (r"Illegal character '\\n'", "closing quotation marks", "the end of the line"),
    (r"Illegal character|invalid character", "characters that may stand here", "another one"),
    (r"Expected '='", "key = value", "no = after the key"),
    (
        r"Invalid value",
        "a text in quotation marks, number, date, true, false, [list], {table}",
        "something else",
    ),
    (r"Invalid statement|Invalid initial", "key = value, or [table]", "something else"),
    (r"overwrite|twice|Duplicate|immutable|redefine", "each key and table once in a file", "a second one"),
    (r"Unclosed array", "] at the end of the list", "none"),
    (r"Unclosed inline table", "} at the end of the table, on the same line", "none"),
    (r"Unterminated string", "closing quotation marks", "none"),
    (r"Expected newline", "nothing more on this line", "more"),
    (r"Unescaped|Escaped|hex value", "a backslash only before what it may escape", "another"),
    (r"Invalid date", "a date that exists", "another"),
)
"""What `tomllib` says; what was expected and what was found, in a technician's words and without the text."""

_PLACE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line that is not TOML."""

    line: int
    expected: str
    found: str


@dataclass(slots=True)
class Parsed:
    """What could be read of a text."""

    values: dict[str, Any]
    text: str
    """The text with its broken lines blank: TOML, unless nothing could be read."""
    mistakes: list[Mistake] = field(default_factory=list)
    broken: str = ""
    """The broken lines."""
    complete: bool = True
    """False where no single line is to blame, and so nothing of the text was read."""


def parse(text: str) -> Parsed:
    """Read a text, blanking the lines that are not TOML. Raises nothing."""
    rows = text.split("\n")
    found = Parsed({}, "")
    last = -1  # a line right after a broken one is most likely the rest of it
    for _ in range(LINES_MAX):
        try:
            found.values = tomllib.loads("\n".join(rows))
        except tomllib.TOMLDecodeError as error:
            line, mistake = _mistake(str(error), len(rows))
            if line != last + 1 or not found.mistakes:
                found.mistakes.append(mistake)
            if line > len(rows) or not rows[line - 1].strip():
                break  # something is open until the end
            found.broken += rows[line - 1] + "\n"
            rows[line - 1] = ""
            last = line
        else:
            found.text = "\n".join(rows)
            return found
    return Parsed({}, "", found.mistakes[:1], text, complete=False)


def _mistake(message: str, lines: int) -> tuple[int, Mistake]:
    """Read a message of `tomllib`. What is found only at the end has the line behind the last."""
    place = _PLACE.match(message)
    what = place["what"] if place else message
    line = int(place["line"]) if place and place["line"] else lines + 1
    expected, found = next(
        ((want, have) for seen, want, have in _WORDS if re.search(seen, what)), ("TOML", what)
    )
    if place and place["column"]:
        found += f" (column {place['column']})"
    return line, Mistake(min(line, lines), expected, found)
