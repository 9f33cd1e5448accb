"""What the base of the configuration brings: rules, policies and product profiles, as tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docs.making.markdown import code, codes, table
from gateway.model.catalogue import shipped
from gateway.settings.alerting import Step
from gateway.settings.conditions import Condition, Schedule, When
from gateway.settings.layers import base_folder, read
from gateway.settings.merge import plain
from gateway.settings.models import Settings
from gateway.settings.rules import Rule
from gateway.settings.span import write_span


@cache
def base() -> Settings:
    """Read the base alone, for a site that does not exist."""
    tree = plain(read(Path("/nonexistent"), base_folder()).tree)
    assert isinstance(tree, dict)
    return Settings.model_validate({**tree, "site": {"municipality": "m", "home": "h", "gateway": "g"}})


def rules_table() -> str:
    """Give the rules that ship."""
    rows = [
        (
            code(name),
            _when(rule.when),
            _title(rule),
            code(rule.concern),
            _priority(rule),
            code(rule.policy),
            _limits(rule),
        )
        for name, rule in base().alerts.rules.items()
    ]
    return table(("rule", "watches", "says", "concern", "priority", "policy", ""), rows)


def policies_table() -> str:
    """Give the escalation policies that ship."""
    rows = [
        (
            code(name),
            "; then ".join(map(_step, policy.steps)),
            write_span(policy.return_after),
            write_span(policy.presence_after),
        )
        for name, policy in base().alerts.policies.items()
    ]
    return table(("policy", "steps", "comes back after", "with presence after"), rows)


def profiles_table() -> str:
    """Give the product profiles that ship."""
    rows = [
        (
            code(name),
            profile.title.da if profile.title else "",
            profile.title.en if profile.title else "",
            ", ".join(f"{code(quantity)} → {_meaning(target)}" for quantity, target in profile.means.items()),
            write_span(profile.heard_every) if profile.heard_every is not None else "",
            profile.battery.type if profile.battery else "",
        )
        for name, profile in sorted(base().profiles.items())
    ]
    return table(("profile", "Danish", "English", "means", "heard every", "battery"), rows)


def _when(when: When) -> str:
    said = f"a person does {code(when.action)}" if when.action else _condition(when)
    if when.event:
        said += f": {codes(when.event)}"
    for also in when.also:
        said += f", and {'every ' if also.every else ''}{_condition(also)}"
    said += f", {_schedule(when.during)}" if when.during else ""
    return said + (f", for {write_span(when.held)}" if when.held else "")


def _condition(condition: Condition) -> str:
    said, state = codes(condition.quantity), condition.state
    if state is not None:
        said += f" is {code(str(state).lower() if isinstance(state, bool) else state)}"
    said += f" above {condition.above:g}" if condition.above is not None else ""
    said += f" below {condition.below:g}" if condition.below is not None else ""
    said += f" rises by {condition.rises_by:g}" if condition.rises_by is not None else ""
    said += f" falls by {condition.falls_by:g}" if condition.falls_by is not None else ""
    said += f" within {write_span(condition.within)}" if condition.within else ""
    return said + (f", not once in {write_span(condition.missing)}" if condition.missing else "")


def _title(rule: Rule) -> str:
    return ", ".join(
        dict.fromkeys(shipped().short(kind)["da"] for kind in (rule.kind, *(c.kind for c in rule.cases)))
    )


def _priority(rule: Rule) -> str:
    return codes(dict.fromkeys((rule.priority, *(case.priority for case in rule.cases))))


def _limits(rule: Rule) -> str:
    parts = []
    if rule.schedule is not None:
        parts.append(_schedule(rule.schedule))
    if rule.place_kinds:
        parts.append(f"at places of kind {codes(rule.place_kinds)}")
    if rule.per == "place":
        parts.append("all devices of a place together")
    if rule.auto_resolve:
        parts.append("closes by itself")
    return "; ".join(parts)


def _schedule(schedule: Schedule) -> str:
    return f"from {schedule.start:%H:%M} to {schedule.end:%H:%M}"


def _step(step: Step) -> str:
    return f"{codes(step.targets)} for {write_span(step.after)}"


def _meaning(target: object) -> str:
    if isinstance(target, dict):
        return ", ".join(f"{word}: {code(aim)}" for word, aim in target.items())
    return code(target)
