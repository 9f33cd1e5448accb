"""Every key and value of a TOML text is found where it stands."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.merge import node, walk
from gateway.settings.positions import Path, scan

NESTED = '''\
# a comment with [brackets] and = signs
site = {municipality = "a", "home" = 'b', sub.x = 1}
plain.dotted."quoted.key" = [1, [2,
  3], # between items
  {x = 1979-05-27 07:32:00, y = """
more"" lines
"""}]

[[floor]]
key = "one"
[floor.sub]
z = 2
[[floor]] # second
key = "#not a comment"

[table.'literal key'] # header
text = \'\'\'
k = 3
\'\'\'
when = 07:32:00
empty = {}
none = []
last = "\\"]"
'''


def test_lines_of_nested_shapes() -> None:
    """Dotted keys, inline tables, lists over lines, arrays of tables, every kind of string."""
    lines = scan(NESTED).lines()
    wanted: dict[Path, int] = {
        ("site", "home"): 2,
        ("site", "sub", "x"): 2,
        ("plain", "dotted", "quoted.key", 0): 3,
        ("plain", "dotted", "quoted.key", 1, 1): 4,
        ("plain", "dotted", "quoted.key", 2, "y"): 5,
        ("floor", 0): 9,
        ("floor", 0, "key"): 10,
        ("floor", 0, "sub", "z"): 12,
        ("floor", 1): 13,
        ("floor", 1, "key"): 14,
        ("table", "literal key"): 16,
        ("table", "literal key", "text"): 17,
        ("table", "literal key", "when"): 20,
        ("table", "literal key", "last"): 23,
    }
    assert {path: lines.get(path) for path in wanted} == wanted


def test_spans_hold_exactly_what_is_written() -> None:
    """What a span cuts out, read alone, is the value."""
    found, data = scan(NESTED), tomllib.loads(NESTED)
    assert len(found.values) == 20
    for value in found.values:
        held: Any = data
        for step in value.path:
            held = held[step]
        assert tomllib.loads(f"x = {NESTED[value.start : value.end]}")["x"] == held


SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(),
    st.dates(),
    st.times().map(lambda at: at.replace(fold=0)),
    st.datetimes(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)


@given(DOCUMENTS)
def test_every_leaf_has_a_line(document: dict[str, Any]) -> None:
    """Whatever tomlkit writes: each leaf is found, and on a line that holds the last step of its key."""
    text = tomlkit.dumps(document)
    data = tomllib.loads(text)
    found = scan(text)
    lines = found.lines()
    for path, _ in walk(node(data, lines, "home", "home.toml")):
        if path:
            assert path in lines
    pairs = [pair for pair in found.pairs if not pair.inline]
    assert len({pair.path for pair in found.pairs}) == len(found.pairs)
    for pair in pairs:
        held: Any = data
        for step in pair.path:
            held = held[step]
        alone = tomllib.loads(text[pair.start : pair.end])
        assert _leaves(alone) == _leaves(held)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]
