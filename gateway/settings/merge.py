"""Layers laid over each other, each value remembering where it was written. Pure.

Tables merge key by key, a list replaces the list below it, and a table whose keys count into a list
(`steps.0.after = "90s"`) changes that item alone. Merging is associative: `municipality` and `home`
may be joined first and laid over `base` later, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.settings.positions import BARE, Path


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written. `file` is the name people know it by, e.g. `home/10-rooms.toml`."""

    layer: str
    file: str
    line: int

    def __str__(self) -> str:
        """Write it as an error names it: `file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its origin; tables and lists hold nodes."""

    value: Any
    """A scalar, `dict[str, Node]` or `tuple[Node, ...]`."""
    origin: Origin

    def get(self, *path: str | int) -> Node | None:
        """Find what stands at a path below this node."""
        node = self
        for step in path:
            held = node.value
            if isinstance(held, dict) and str(step) in held:
                node = held[str(step)]
            elif isinstance(held, tuple) and str(step).isdecimal() and int(step) < len(held):
                node = held[int(step)]
            else:
                return None
        return node

    def items(self) -> Iterator[tuple[str | int, Node]]:
        """Give what a table or list holds; nothing for a scalar."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, tuple):
            yield from enumerate(self.value)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that cannot be laid over what is below it."""

    path: Path
    origin: Origin
    below: Origin
    expected: str
    found: str


def node(
    value: Any, lines: Mapping[Path, int], layer: str, file: str, path: Path = (), line: int = 1
) -> Node:
    """Give what `tomllib` read its lines; what has no line of its own has that of its table."""
    line = lines.get(path, line)
    if isinstance(value, dict):
        held: Any = {key: node(item, lines, layer, file, (*path, key), line) for key, item in value.items()}
    elif isinstance(value, list):
        held = tuple(node(item, lines, layer, file, (*path, n), line) for n, item in enumerate(value))
    else:
        held = value
    return Node(held, Origin(layer, file, line))


def plain(tree: Node) -> Any:
    """Give the values alone, as `tomllib` would."""
    if isinstance(tree.value, dict):
        return {key: plain(item) for key, item in tree.value.items()}
    if isinstance(tree.value, tuple):
        return [plain(item) for item in tree.value]
    return tree.value


def merge(below: Node, above: Node, misfits: list[Misfit], path: Path = ()) -> Node:
    """Lay one tree over another. What does not fit is noted in `misfits`, and what is below, kept.

    A single value replaces whatever is below it, a table never a single value: only so does it make no
    difference which layers are joined first.
    """
    under, over = below.value, above.value
    if not isinstance(over, dict):
        return above
    if isinstance(under, dict):
        merged = dict(under)
        for key, item in over.items():
            merged[key] = merge(under[key], item, misfits, (*path, key)) if key in under else item
        return Node(merged, below.origin)
    if isinstance(under, tuple):
        return Node(_patched(below, over, misfits, path), below.origin)
    expected = "a single value, as below it"
    misfits.append(Misfit(path, above.origin, below.origin, expected, "a table"))
    return below


def _patched(below: Node, over: dict[str, Node], misfits: list[Misfit], path: Path) -> tuple[Node, ...]:
    items = list(below.value)
    for key, item in over.items():
        if key.isdecimal() and int(key) < len(items):
            items[int(key)] = merge(items[int(key)], item, misfits, (*path, int(key)))
            continue
        expected = f"a number from 0 to {len(items) - 1}" if items else "a list; the one below it is empty"
        misfits.append(Misfit((*path, key), item.origin, below.origin, expected, repr(key)))
    return tuple(items)


def written(path: Path) -> str:
    """Write a key path as TOML would: `device.bed-12.key`, `steps.0.after`, `group."nat øst"`."""
    return ".".join(
        str(step) if isinstance(step, int) or BARE.fullmatch(step) else '"' + step.replace('"', '\\"') + '"'
        for step in path
    )


def walk(tree: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Give every leaf with its path, in order; an empty table or list is a leaf."""
    if isinstance(tree.value, dict | tuple) and tree.value:
        for key, item in tree.items():
            yield from walk(item, (*path, key))
    else:
        yield path, tree


def match(tree: Node, pattern: str) -> Iterator[tuple[Path, Node]]:
    """Find what stands at a pattern such as `device.*.place`; `*` is any key or list item."""

    def below(found: Node, steps: list[str], path: Path) -> Iterator[tuple[Path, Node]]:
        if not steps:
            yield path, found
            return
        for key, item in found.items():
            if steps[0] in ("*", str(key)):
                yield from below(item, steps[1:], (*path, key))

    yield from below(tree, pattern.split("."), ())
