"""Change a few characters of a TOML text and leave every other one as it was. Pure.

tomlkit would do, but it moves tables that are written out of order and cannot rename a key in place;
so the text is cut and filled at known positions, and `tomllib` is asked afterwards whether the result
says exactly what was meant. tomlkit writes the values.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

import tomlkit

from gateway.settings.merge import written
from gateway.settings.positions import Header, Pair, Path, Positions, Shape, scan


class CannotRewrite(Exception):
    """The text is written in a way that cannot be changed safely: a person must edit it."""


def put(text: str, path: Path, value: Any) -> str:
    """Set one value; a table is written as one, in the manner of its neighbours. Raises CannotRewrite."""
    data = tomllib.loads(text)
    path = _resolved(data, path)
    held: Any = data
    for step in path[:-1]:
        held = held[step] if isinstance(step, int) else held.setdefault(step, {})
        if not isinstance(held, dict | list):
            raise CannotRewrite
    held[path[-1]] = value
    return _checked(_put(scan(text), path, value), data)


def cut(text: str, path: Path) -> str:
    """Take away a key or list item with all that is below it. Raises CannotRewrite, KeyError.

    Comments on lines of their own stay, but for those inside a table that goes; one behind the value
    goes with it.
    """
    data = tomllib.loads(text)
    path = _resolved(data, path)
    del _table_of(data, path)[path[-1]]
    return _checked(_cut(scan(text), path), data)


def rename(text: str, path: Path, name: str) -> str:
    """Rename a key wherever the text writes it; its place stays. Raises CannotRewrite, KeyError."""
    data = tomllib.loads(text)
    held = _table_of(data, path)
    held[name] = held.pop(path[-1])
    spans = [(part.start, part.end, written((name,))) for part in scan(text).parts if part.path == path]
    return _checked(_filled(text, spans), data)


def _table_of(data: Any, path: Path) -> Any:
    for step in path[:-1]:
        data = data[step]
    return data


def _resolved(data: Any, path: Path) -> Path:
    """Make numbers of steps that count into a list, and words of all others."""
    steps: list[str | int] = []
    for step in path:
        inside = isinstance(data, list)
        steps.append(int(step) if inside else str(step))
        known = (int(step) < len(data)) if inside else isinstance(data, dict) and str(step) in data
        data = data[steps[-1]] if known else {}
    return tuple(steps)


def literal(value: Any) -> str:
    """Write a value as TOML, a table inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written((key,))} = {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return str(tomlkit.item(value).as_string())


def _checked(changed: str, meant: dict[str, Any]) -> str:
    """Give the changed text if it says what was meant, and nothing else."""
    try:
        if _filled_only(tomllib.loads(changed)) == _filled_only(meant):
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise CannotRewrite


def _filled_only(value: Any) -> Any:
    """Leave out empty tables: one whose last key went is gone, unless it had a header."""
    if isinstance(value, dict):
        inner = {key: _filled_only(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item != {}}
    return [_filled_only(item) for item in value] if isinstance(value, list | tuple) else value


def _filled(text: str, spans: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Give the offset behind the line break, or the end of the text."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _indent(text: str, offset: int) -> str:
    found = re.compile(r"[ \t]*").match(text, _line_start(text, offset))
    return found[0] if found else ""


def _put(found: Positions, path: Path, value: Any) -> str:
    text = found.text
    for held in found.values:
        if held.path == path:
            return _filled(text, [(held.start, held.end, literal(value))])
    if isinstance(value, dict) and any(part.path == path for part in found.parts):
        raise CannotRewrite  # a table that is written over several lines: set its keys
    for depth in range(len(path) - 1, -1, -1):
        changed = _put_below(found, path, depth, value)
        if changed is not None:
            return changed
    return _put_last(found, path, value)


def _put_below(found: Positions, path: Path, depth: int, value: Any) -> str | None:
    """Put a value into the table at `path[:depth]`, if the text writes one."""
    table, text = path[:depth], found.text
    for held in found.values:
        if held.path == table and held.shape is Shape.INLINE:
            inside = text[held.start + 1 : held.end - 1]
            comma = ", " if inside.strip() else ""
            at = held.start + 1 + len(inside.rstrip())
            return _filled(text, [(at, at, f"{comma}{written(path[depth:])} = {literal(value)}")])
    if depth:
        for number, header in enumerate(found.headers):
            if header.path == table:
                return _after(found, _last(found, number) or header, path[depth:], value)
    near: Pair | Header | None = None
    for pair in found.pairs:
        above = found.headers[pair.section].path if pair.section >= 0 else ()
        if not pair.inline and depth and pair.path[:depth] == table and len(above) < depth:
            near = pair
    for header in found.headers:
        if (
            depth
            and header.path[:depth] == table
            and not header.array
            and (near is None or header.start > near.start)
        ):
            near = header
    if isinstance(near, Header):
        return _section(found, found.headers.index(near), path, value)
    if near is not None:
        section = found.headers[near.section].path if near.section >= 0 else ()
        return _after(found, near, path[len(section) :], value)
    return None


def _last(found: Positions, section: int) -> Pair | None:
    below = [pair for pair in found.pairs if pair.section == section and not pair.inline]
    return below[-1] if below else None


def _after(found: Positions, near: Pair | Header, key: Path, value: Any) -> str:
    """Put a line behind the line on which a pair or header ends."""
    text, line = found.text, f"{written(key)} = {literal(value)}"
    at = _line_end(text, near.end)
    broken = text[:at].endswith("\n")
    line = _indent(text, near.start) + line
    new = line + _newline(text) if broken else _newline(text) + line
    return _filled(text, [(at, at, new)])


def _section(found: Positions, behind: int, path: Path, value: Any) -> str:
    """Put a `[table]` behind another one, as its neighbours are written."""
    last = _last(found, behind) or found.headers[behind]
    return _filled(
        found.text, [(at := _line_end(found.text, last.end), at, _table(found.text, at, path, value))]
    )


def _table(text: str, at: int, path: Path, value: Any) -> str:
    newline = _newline(text)
    header, rows = (path, value) if isinstance(value, dict) else (path[:-1], {str(path[-1]): value})
    lines = [f"[{written(header)}]", *(f"{written((key,))} = {literal(item)}" for key, item in rows.items())]
    before = text[:at]
    gap = "" if not before.strip() else newline if before.endswith("\n") else newline * 2
    tail = newline if text[at:].strip() and not text[at:].startswith(("\n", "\r\n")) else ""
    return gap + newline.join(lines) + newline + tail


def _put_last(found: Positions, path: Path, value: Any) -> str:
    """Put what has no neighbour: behind the last line above the first header, or as a table at the end."""
    text = found.text
    last = _last(found, -1)
    if last is not None:
        return _after(found, last, path, value)
    if found.headers and len(path) > 1:
        return text + _table(text, len(text), path, value)
    line = f"{written(path)} = {literal(value)}{_newline(text)}"
    if found.headers:  # below what heads the file
        at = head.end() if (head := re.match(r"(?:#[^\n]*\n)+\r?\n", text)) else 0
        return text[:at] + line + text[at:]
    gap = "" if not text or text.endswith("\n") else _newline(text)
    return text + gap + line


def _cut(found: Positions, path: Path) -> str:
    text, depth = found.text, len(path)
    spans: list[tuple[int, int]] = []
    for number, header in enumerate(found.headers):
        if header.path[:depth] == path:
            last = _last(found, number) or header
            spans.append((_line_start(text, header.start), _line_end(text, last.end)))
    for pair in sorted(found.pairs, key=lambda pair: pair.start):
        if pair.path[:depth] != path or any(start <= pair.start < end for start, end in spans):
            continue  # a table that goes takes what is in it along
        if pair.inline:
            spans.append(_with_comma(text, pair.start, pair.end))
        else:
            spans.append((_line_start(text, pair.start), _line_end(text, pair.end)))
    for held in found.values:
        if held.path == path and isinstance(path[-1], int) and not spans:
            spans.append(_with_comma(text, held.start, held.end))
    return _filled(text, [(start, end, "") for start, end in _joined(spans)])


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap: neighbours may claim the same comma."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _with_comma(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span by the comma that parted it from its neighbour."""
    behind = re.compile(r"[ \t\r\n]*,[ \t]*").match(text, end)
    if behind:
        return start, behind.end()
    before = re.search(r",[ \t\r\n]*$", text[:start])
    return (before.start(), end) if before else (start, end)
