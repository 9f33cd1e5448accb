"""What a rule says that no reading can fulfil, or that passes by what protects a resident.

Looks at settings whose shape is right; each finding names the line that somebody has written.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gateway.model import quantities
from gateway.model.alert import Concern
from gateway.model.problem import Finding
from gateway.model.quantity import Quantity
from gateway.model.readings import Kind
from gateway.settings.checks import finding
from gateway.settings.conditions import Condition
from gateway.settings.merge import Node
from gateway.settings.models import Settings
from gateway.settings.positions import Path
from gateway.settings.rules import Rule

_OWN_CONCERN = (Concern.SELF, Concern.FALL, Concern.VITAL, Concern.PRESENCE)
"""Concerns that a quantity gives to the rule that watches it; of several the first is the graver."""


def judge_rules(settings: Settings, tree: Node) -> Iterator[Finding]:
    """Say everything about rules that one value alone does not show."""
    for name, rule in settings.alerts.rules.items():
        at: Path = ("alerts", "rules", name)
        when: Path = (*at, "when")
        yield from _watches(tree, when, rule.when, _kind(rule))
        for number, also in enumerate(rule.when.also):
            yield from _watches(tree, (*when, "also", number), also, _lasting(also))
        yield from _events(tree, at, rule)
        yield from _concern(tree, at, rule)
        yield from _held_back(tree, at, rule)
        if rule.enabled and rule.limits_vital_signs and settings.intended_use is None:
            expected = "[intended_use] filled in: who answers for limits on vital signs, since when, why"
            do = "the rule is off; fill it in, or write  enabled = false  to say so"
            yield told(tree, at, expected, "none", do, warning=True)


def told(tree: Node, path: Path, expected: str, found: str, do: str, *, warning: bool = False) -> Finding:
    """Say what is wrong at a path, or at the nearest table above that somebody has written."""
    held, at = tree, path
    for size in range(len(path), 0, -1):
        near = tree.get(*path[:size])
        if near is not None:
            held, at = near, path[:size]
            break
    return finding(at, held, expected, found, do, warning=warning)


def _kind(rule: Rule) -> Kind | None:
    return Kind.EVENT if rule.when.watches == "event" else _lasting(rule.when)


def _lasting(condition: Condition) -> Kind | None:
    """Give the kind of what it watches; None where any will do."""
    if condition.limit:
        return Kind.MEASUREMENT
    return Kind.STATE if condition.state is not None else None


def _watches(tree: Node, at: Path, condition: Condition, wanted: Kind | None) -> Iterator[Finding]:
    """A state needs a state, a limit a measurement."""
    for name in condition.quantity:
        rows = quantities.named(name)
        if not rows:
            continue  # told elsewhere, with its line
        row = next((row for row in rows if row.kind is wanted), None) if wanted else rows[0]
        if row is None:
            kinds = " or ".join(each.kind.value for each in rows)
            do = f"watch {name} as {kinds}, or name another quantity"
            expected, found = f"a quantity that is reported as {wanted}", f"{name}, {kinds}"
            yield told(tree, (*at, "quantity"), expected, found, do)
        elif condition.state is not None and row.kind is Kind.STATE:
            yield from _state(tree, at, condition.state, row)


def _state(tree: Node, at: Path, state: bool | str, row: Quantity) -> Iterator[Finding]:
    fits = state in row.words if row.words else isinstance(state, bool)
    if not fits:
        expected = f"one of {', '.join(row.words)}" if row.words else "true or false"
        yield told(tree, (*at, "state"), expected, repr(state), "correct the value")


def _events(tree: Node, at: Path, rule: Rule) -> Iterator[Finding]:
    named: list[tuple[Path, str]] = [(("when", "event"), word) for word in rule.when.event]
    named += [(("cases", n, "event"), word) for n, case in enumerate(rule.cases) for word in case.event]
    for name in rule.when.quantity if rule.when.watches == "event" else ():
        row = quantities.find(name, Kind.EVENT)
        if row is None or not row.words:
            continue
        # A button of another make may say more than a call of ours does: presses of any kind are known.
        known = {*row.words, *(quantities.PRESSES if "press" in row.words else ())}
        for path, word in named:
            if word not in known:
                near = get_close_matches(word, known, 1)
                do = f"did you mean {near[0]}?" if near else "use one of these"
                expected = f"a word of {row.name}: {', '.join(sorted(known))}"
                yield told(tree, (*at, *path), expected, repr(word), do)


def _concern(tree: Node, at: Path, rule: Rule) -> Iterator[Finding]:
    """What tells of a person keeps its concern: else a basis would be passed by, or a call held back."""
    tells = [
        (row.concern, name)
        for condition in rule.when.conditions
        for name in condition.quantity
        for row in quantities.named(name)
        if row.concern in _OWN_CONCERN
    ]
    if not tells:
        return
    concern, name = min(tells, key=lambda each: _OWN_CONCERN.index(each[0]))
    if rule.concern is not concern:
        expected = f"{concern.value}: {name} tells of it"
        do = f'write  concern = "{concern.value}"'
        yield told(tree, (*at, "concern"), expected, repr(rule.concern.value), do)


def _held_back(tree: Node, at: Path, rule: Rule) -> Iterator[Finding]:
    if rule.schedule is not None and rule.concern in (Concern.SELF, Concern.FALL):
        expected = f"no schedule for {rule.concern.value}: it always goes out"
        do = "take the schedule away; it has no effect"
        yield told(tree, (*at, "schedule"), expected, "a schedule", do, warning=True)
