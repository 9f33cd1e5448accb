"""What rules and policies say together: that each fits what it watches, and that each reaches somebody.

Looks at settings whose shape is right. A value that base brings and that a home has not touched is judged
like any other, for it is the home that lives with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.model.alert import Concern, Priority
from gateway.model.problem import Finding
from gateway.settings import channel_checks, push_checks, retention_checks
from gateway.settings.alerting import DUTY, EVERYONE, PAGE, Policy, Step, split_target
from gateway.settings.channels import DIGEST
from gateway.settings.merge import Node
from gateway.settings.models import Settings
from gateway.settings.positions import Path
from gateway.settings.rule_checks import judge_rules, told

PUSH = frozenset({"web_push", "push"})
"""Kinds of channel that may be late or silent: never alone for an emergency (R8)."""
WAYS_MIN = 2  # kinds of channel in the first two steps of an emergency
FIRST_STEPS = 2


def judge(settings: Settings, tree: Node) -> Iterator[Finding]:
    """Say everything about rules and policies that one value alone does not show."""
    yield from judge_rules(settings, tree)
    yield from _answered(settings, tree)
    yield from _policies(settings, tree)
    yield from channel_checks.digests(settings, tree)
    yield from push_checks.judge(settings, tree)
    yield from retention_checks.judge(settings, tree)
    yield from _responsible(settings, tree)


def ways(settings: Settings, steps: Iterable[Step]) -> set[str]:
    """Give the ways by which some steps reach anybody: `page`, `webhook`, `mqtt`, `centre`, `email`, …"""
    found: set[str] = set()
    for target in (target for step in steps for target in step.targets):
        kind, name = split_target(target)
        if kind == "channel":
            found |= {known.way for each, known in settings.channel.items() if each == name}
        elif kind == "centre":
            found.add(kind)
        else:
            found.add(PAGE)
            if any(True for _ in _persons(settings, kind, name)):  # any of them may let a phone take pushes
                found |= {each.way for each in settings.channel.values() if each.kind == push_checks.KIND}
            for person in _persons(settings, kind, name):
                channels = settings.person[person].channels
                found |= {settings.channel[each].way for each in channels if each in settings.channel}
    return found


def _persons(settings: Settings, kind: str, name: str) -> Iterator[str]:
    by_name = {person.casefold(): person for person in settings.person}
    match kind:
        case "person":
            named: Iterable[str] = (name,)
        case "group":
            group = settings.group.get(name)
            shifts = group.shifts if group else ()
            named = [*(group.persons if group else ()), *(each for shift in shifts for each in shift.persons)]
        case "right":
            named = [person for person, known in settings.person.items() if name in known.rights]
        case _:
            named = settings.person if kind in (DUTY, EVERYONE) else ()
    return (by_name[each.casefold()] for each in named if each.casefold() in by_name)


def _answered(settings: Settings, tree: Node) -> Iterator[Finding]:
    """A call, a fall and a colleague who needs help must raise something."""
    for quantity in ("help_call", "fall") if settings.alerts.rules else ():
        holds = (
            rule.enabled and quantity in rule.when.quantity and rule.when.watches == "event"
            for rule in settings.alerts.rules.values()
        )
        if not any(holds):
            do = f"turn the rule on again that watches {quantity}"
            yield told(tree, ("alerts", "rules"), f"a rule that watches {quantity}", "none", do, warning=True)


def _policies(settings: Settings, tree: Node) -> Iterator[Finding]:
    """R8: an emergency has two kinds of channel in its first two steps, and never Web Push alone."""
    emergencies, lasting = _used(settings)
    for name, policy in settings.alerts.policies.items():
        at: Path = ("alerts", "policies", name)
        if name in emergencies:
            yield from _reach(settings, tree, (*at, "steps"), policy)
        if name in lasting and not policy.repeat:
            expected = "repeat = true: an emergency or a resident's call is never given up on"
            do = "take the line away; it has no effect on them"
            yield told(tree, (*at, "repeat"), expected, "false", do, warning=True)


def _used(settings: Settings) -> tuple[set[str], set[str]]:
    """Give the policies of emergencies, and those of whatever is never given up on."""
    emergencies: set[str] = set()
    lasting: set[str] = set()
    for rule in settings.alerts.rules.values():
        if not rule.enabled:
            continue
        pairs = [(rule.priority, rule.policy), *((case.priority, case.policy) for case in rule.cases)]
        pairs += [(row.priority or rule.priority, row.policy or rule.policy) for row in rule.override]
        grave = {policy for priority, policy in pairs if priority is Priority.EMERGENCY}
        emergencies |= grave
        lasting |= {policy for _, policy in pairs} if rule.concern is Concern.SELF else grave
    return emergencies, lasting


def _reach(settings: Settings, tree: Node, at: Path, policy: Policy) -> Iterator[Finding]:
    every, first = ways(settings, policy.steps), ways(settings, policy.steps[:FIRST_STEPS])
    if every and every <= PUSH | {DIGEST}:
        do = "add  page, a person's other channel, or a duty centre"
        yield told(tree, at, "more than Web Push for an emergency: it may be late or silent", "it alone", do)
    elif len(first) < WAYS_MIN:
        expected = f"at least {WAYS_MIN} kinds of channel in the first two steps of an emergency"
        do = "define a channel and give it to persons or steps; until then, staff must have the page in view"
        yield told(
            tree, at, expected, f"{len(first)} ({', '.join(sorted(first)) or 'none'})", do, warning=True
        )


def _responsible(settings: Settings, tree: Node) -> Iterator[Finding]:
    personal = any(rule.enabled and rule.concern.personal for rule in settings.alerts.rules.values())
    if personal and settings.person and not any("basis" in each.rights for each in settings.person.values()):
        expected = "somebody with the right `basis`, to record a legal basis and hear of objections"
        do = 'give it:  person.NAME.rights = ["basis"]'
        yield told(tree, ("person",), expected, "nobody", do, warning=True)
