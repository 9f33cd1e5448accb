"""Layers over layers: keys join, lists replace, a path counts into a list; grouping makes no difference."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.merge import Misfit, Node, match, merge, node, plain, walk, written

KEYS = st.sampled_from(["a", "b", "0", "1"])
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.integers(0, 9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


def tree(value: Any, layer: str = "home") -> Node:
    """A tree whose every node says which layer it is of."""
    return node(value, {}, layer, f"{layer}.toml")


def merged(*values: Any) -> Any:
    """Lay values over each other, from the left."""
    whole = tree(values[0])
    for value in values[1:]:
        whole = merge(whole, tree(value), [])
    return plain(whole)


def test_tables_join_and_lists_replace() -> None:
    """The rule of contracts, in small."""
    assert merged({"a": {"x": 1, "y": 2}, "l": [1, 2]}, {"a": {"y": 3}, "l": [9]}) == {
        "a": {"x": 1, "y": 3},
        "l": [9],
    }


def test_a_path_counts_into_a_list() -> None:
    """`steps.0.after` changes that item alone; a number past the end is told and changes nothing."""
    steps = {"steps": [{"to": "page", "after": "2m"}, {"to": "duty", "after": "5m"}]}
    assert merged(steps, {"steps": {"1": {"after": "1m"}}})["steps"] == [
        {"to": "page", "after": "2m"},
        {"to": "duty", "after": "1m"},
    ]
    misfits: list[Misfit] = []
    same = merge(tree(steps), tree({"steps": {"2": {"after": "1m"}, "x": 1}}), misfits)
    assert plain(same) == steps
    assert [misfit.path for misfit in misfits] == [("steps", "2"), ("steps", "x")]
    assert misfits[0].expected == "a number from 0 to 1"


def test_a_table_never_lies_over_a_single_value() -> None:
    """It would make a difference which layers are joined first; so it is told."""
    misfits: list[Misfit] = []
    assert plain(merge(tree({"a": 1}), tree({"a": {"b": 2}}), misfits)) == {"a": 1}
    assert misfits[0].found == "a table"


@given(TREES, TREES, TREES)
def test_merging_is_associative(one: Any, two: Any, three: Any) -> None:
    """(base ← municipality) ← home is base ← (municipality ← home)."""
    first, second, third = tree(one), tree(two), tree(three)
    left = merge(merge(first, second, []), third, [])
    right = merge(first, merge(second, third, []), [])
    assert plain(left) == plain(right)


@given(TREES, TREES)
def test_each_value_keeps_the_layer_that_wrote_it(below: Any, above: Any) -> None:
    """A leaf of the result comes from the layer whose own tree has it with that value."""
    trees = {"home": tree(below, "home"), "gateway": tree(above, "gateway")}
    for path, held in walk(merge(trees["home"], trees["gateway"], [])):
        mine = trees[held.origin.layer].get(*path)
        if not isinstance(held.value, dict | tuple):
            assert mine is not None
            assert mine.value == held.value
            if held.origin.layer == "home":
                assert trees["gateway"].get(*path) is None or held.value == below_value(trees["home"], path)


def below_value(whole: Node, path: tuple[str | int, ...]) -> Any:
    """What a tree holds at a path."""
    held = whole.get(*path)
    return held.value if held else None


def test_patterns_and_paths() -> None:
    """`*` stands for any key or item; odd keys are quoted."""
    whole = tree({"device": {"a": {"place": "x"}, "b": {"place": "y"}}, "l": [{"k": 1}]})
    assert [path for path, _ in match(whole, "device.*.place")] == [
        ("device", "a", "place"),
        ("device", "b", "place"),
    ]
    assert [path for path, _ in match(whole, "l.*.k")] == [("l", 0, "k")]
    assert written(("group", "nat øst", 0, "bed-12")) == 'group."nat øst".0.bed-12'
