"""Escalation policies and supervision as data; the rules themselves stand in `rules.py`.

What one value says by itself is judged here, while it is read; what only several together say
(R8: how many ways lead to a person, who is named where) is judged in `alerting_checks.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.load import Load, ScheduledTests
from gateway.settings.rules import Rule
from gateway.settings.values import Lasting, Name, RuleName, Table

PAGE = "page"
"""The staff page."""
DUTY = "duty"
"""Everybody who is on duty for the place; where no roster says who, everybody of the home."""
EVERYONE = "everyone"
"""Everybody of the home, on duty or not."""
NAMED = ("group", "person", "channel", "centre", "right")
"""Targets with a name: `group:NAME`, `person:NAME`, `channel:NAME`, `centre:NAME`, `right:NAME`."""

TECHNICAL = "technical"
"""The policy that the gateway's own troubles use where `alerts.supervision` names no other."""


def split_target(target: str) -> tuple[str, str]:
    """Split a target into kind and name: `("group", "nat-oest")`, `("page", "")`. Raises ValueError."""
    if target in (PAGE, DUTY, EVERYONE):
        return target, ""
    kind, _, name = target.partition(":")
    if kind not in NAMED or not name:
        words = ", ".join((PAGE, DUTY, EVERYONE, *(f"{kind}:NAME" for kind in NAMED)))
        raise ValueError(words)
    return kind, name


def _target(text: str) -> str:
    split_target(text)
    return text


Target = Annotated[str, AfterValidator(_target)]


class Step(Table):
    """Whom to tell, and how long to wait for somebody to take it.

    A target is `page` (the staff page), `duty` (who is on duty for the place; without a roster,
    everybody), `everyone`, or one with a name: `group:`, `person:`, `channel:`, `centre:`, `right:`
    (everybody with that right).
    """

    targets: tuple[Target, ...] = Field(min_length=1)
    """Whom to tell."""
    after: Lasting
    """How long to wait for somebody to take it."""


class Policy(Table):
    """Who is told when."""

    steps: tuple[Step, ...] = Field(min_length=1)
    return_after: Lasting = timedelta(minutes=10)
    """How long after somebody took it an alert comes back, if nobody closes it."""
    presence_after: Lasting = timedelta(minutes=30)
    """The same, once somebody is with the resident."""
    repeat: bool = True
    """Whether the last step begins again; always so for an emergency and for `self`."""


class Supervision(Table):
    """How silence, batteries and the gateway's own troubles are watched."""

    policy: str = TECHNICAL
    """Who is told of a trouble on which no call or fall hangs."""
    policy_unheard: str = "high"
    """Who is told where calls or falls may go unheard."""
    policy_basis: str = "basis"
    """Who is told that a resident has objected."""
    intervals: int = Field(default=3, ge=2)
    """A device is silent after so many of its intervals,"""
    at_least: Lasting = timedelta(seconds=60)
    """and never before this."""
    refused_after: Lasting = timedelta(seconds=45)
    """How long all frames of a device may be refused before it is told; a minute at most."""
    battery_hysteresis: float = Field(default=5, ge=0)
    """How far above its threshold (%) a battery counts as good again."""
    clock_after: Lasting = timedelta(minutes=5)
    """How long the clock may be unsynced after start before it is told."""
    announce_days: tuple[int, ...] = (30, 14, 3, 1)
    """How many days before its end a decision is announced to end."""

    @model_validator(mode="after")
    def _within_a_minute(self) -> Supervision:
        if self.refused_after > timedelta(seconds=55):
            raise ValueError("refused_after of at most 55s: a call must not go unheard for a minute")
        return self


class Alerts(Table):
    """The table `alerts`."""

    rules: dict[RuleName, Rule] = Field(default_factory=dict)
    policies: dict[Name, Policy] = Field(default_factory=dict)
    supervision: Supervision = Field(default_factory=Supervision)
    load: Load = Field(default_factory=Load)
    """How many alerts are a flood, and what chatters; nothing is held back by it."""
    tests: ScheduledTests = Field(default_factory=ScheduledTests)
    """Chain tests that the gateway makes by itself, and when a device is overdue for one."""
