"""Where in a TOML text each key and value stands: for errors with a line, and for edits of a few characters.

`tomllib` gives values without places, and tomlkit places without lines; so this reads a text that
`tomllib` has already accepted and only notes where things are. Nothing here judges a value.
Source: TOML 1.0.0, toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""A key path; integers count into lists from 0."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?""""{0,2}'  # up to two quotes may stand before the closing three
    r"|'''.*?''''{0,2}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:[^\s,\]}#]+)?|[^\s,\]}#]+")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


class Shape(Enum):
    """How a value is written."""

    SCALAR = "scalar"
    ARRAY = "array"
    INLINE = "inline"


class Part(NamedTuple):
    """One written piece of a key; `path` ends in it."""

    path: Path
    start: int
    end: int


class Value(NamedTuple):
    """One written value, from its first character to behind its last."""

    path: Path
    start: int
    end: int
    shape: Shape


class Pair(NamedTuple):
    """One `key = value`."""

    path: Path
    start: int
    end: int
    section: int
    """The header it stands under, as an index in `Positions.headers`; -1 above the first."""
    inline: bool
    """It stands in an inline table, not on a line of its own."""


class Header(NamedTuple):
    """One `[table]` or `[[table]]`; `path` counts into arrays of tables."""

    path: Path
    start: int
    end: int
    array: bool


@dataclass(slots=True)
class Positions:
    """Everything written in one text, in order. Offsets count characters, lines begin at 1."""

    text: str
    parts: list[Part] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Note where lines begin."""
        self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        """Give the line of an offset."""
        return bisect_right(self._starts, offset)

    def lines(self) -> dict[Path, int]:
        """Give the line of each path: where its key is first written, and of list items their value."""
        found: dict[Path, int] = {}
        for part in self.parts:
            found.setdefault(part.path, self.line(part.start))
        for header in self.headers:
            found.setdefault(header.path, self.line(header.start))
        for value in self.values:
            found.setdefault(value.path, self.line(value.start))
        return found


def scan(text: str) -> Positions:
    """Find every key and value of a text that `tomllib.loads` accepts."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found = Positions(text)
        self.table: Path = ()
        self.counts: dict[Path, int] = {}  # arrays of tables: how many items so far

    def scan(self) -> Positions:
        while self._skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                self._header()
            else:
                self._pair(self.table, inline=False)
        return self.found

    def _header(self) -> None:
        start, array = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        path: Path = ()
        pieces = self._key()
        for number, (name, begin, end) in enumerate(pieces):
            path = (*path, name)
            self.found.parts.append(Part(path, begin, end))
            if array and number == len(pieces) - 1:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        self._expect("]]" if array else "]")
        self.table = path
        self.found.headers.append(Header(path, start, self.at, array))

    def _pair(self, table: Path, *, inline: bool) -> None:
        path, start = table, self.at
        for name, begin, end in self._key():
            path = (*path, name)
            self.found.parts.append(Part(path, begin, end))
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)
        self.found.pairs.append(Pair(path, start, self.at, len(self.found.headers) - 1, inline))

    def _key(self) -> list[tuple[str, int, int]]:
        pieces = []
        while True:
            self._skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                token = self._match(_STRING)
                name = str(tomllib.loads(f"x = {token}")["x"])
            else:
                name = self._match(BARE)
            pieces.append((name, start, self.at))
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return pieces
            self.at += 1

    def _value(self, path: Path) -> None:
        start, first = self.at, self.text[self.at]
        if first == "[":
            self._items(path)
            shape = Shape.ARRAY
        elif first == "{":
            self._inline(path)
            shape = Shape.INLINE
        else:
            self._match(_STRING if first in "\"'" else _SCALAR)
            shape = Shape.SCALAR
        self.found.values.append(Value(path, start, self.at, shape))

    def _items(self, path: Path) -> None:
        self.at += 1
        count = 0
        while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "]":
            self._value((*path, count))
            count += 1
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
        self._expect("]")

    def _inline(self, path: Path) -> None:
        self.at += 1
        while self._skip(_BLANK) < len(self.text) and self.text[self.at] != "}":
            self._pair(path, inline=True)
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
        self._expect("}")

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.at

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise AssertionError(f"not TOML at offset {self.at}")
        self.at = found.end()
        return found[0]

    def _expect(self, token: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(token, self.at):
            raise AssertionError(f"not TOML at offset {self.at}: expected {token}")
        self.at += len(token)
