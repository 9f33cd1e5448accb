"""What rules, supervision and legal basis say, as data.

The engine turns it into inputs of `step`, into timers and counts.
Whoever judges knows no alert: only conditions, by key. A key is `rule/device` or `rule/place`, with
`/channel` where there is one, and `/test` for what is only tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.alerts.inputs import Occurred, Suppression
from gateway.model.alert import Concern, Priority
from gateway.model.clock import Instant
from gateway.model.trouble import Trouble

RuleTimerKind: TypeAlias = Literal["held", "missing", "look"]
"""A condition has lasted long enough; something has not come for too long; a combination may have changed
with time alone."""

SILENCE_TIMERS: frozenset[str] = frozenset({"missing", "look"})
"""Kinds that start anew after an unsynced boot instead of firing at once, or each power cut would ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A condition holds, or an event happened: raise the alert with this key, or join the open one."""

    key: str
    rule: str
    kind: str
    concern: Concern
    priority: Priority
    policy: str
    device: str | None
    place: str | None
    channel: int | None = None
    label: str
    title: dict[str, str]
    do: dict[str, str]
    latching: bool
    auto_resolve: bool = False
    suppressed: Suppression | None = None
    suppressed_until: Instant | None = None
    """When the reason to hold it back ends, as far as can be told now; ask `suppression` again then."""
    test: bool = False
    reading: str | None = None
    """The id of the record that brought it, if one did: its evidence."""
    detail: str = ""
    """One technical sentence in English."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_input(self, alert: str) -> Occurred:
        """Give the input for `step`; `alert` is the id of the alert, should this open one."""
        return Occurred(
            id=alert,
            key=self.key,
            rule=self.rule,
            kind=self.kind,
            concern=self.concern,
            priority=self.priority,
            policy=self.policy,
            device=self.device,
            place=self.place,
            channel=self.channel,
            label=self.label,
            title=self.title,
            do=self.do,
            latching=self.latching,
            auto_resolve=self.auto_resolve,
            suppressed=self.suppressed,
            test=self.test,
            readings=(self.reading,) if self.reading else (),
            detail=self.detail,
            extra=dict(self.extra),
        )


@dataclass(frozen=True, slots=True)
class Gone:
    """The condition with this key no longer holds."""

    key: str
    reading: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The device itself says that it was a mistake; shown on the open alert, if there is one."""

    key: str
    reading: str | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """Set the timer (subject, kind), or move it. When it is due, ask `RuleBook.due`."""

    subject: str
    """`rule:<key>`."""
    kind: RuleTimerKind
    due: Instant


@dataclass(frozen=True, slots=True)
class Disarm:
    """Remove the timer (subject, kind)."""

    subject: str
    kind: RuleTimerKind


@dataclass(frozen=True, slots=True)
class NoBasis:
    """A rule would have fired, and no legal basis allows it: counted and listed, never an alert."""

    rule: str
    place: str
    concern: Concern


Verdict: TypeAlias = Occurrence | Gone | Cancel | Arm | Disarm | NoBasis


@dataclass(frozen=True, slots=True)
class Failed:
    """A rule could not judge. The others have; the record stays unjudged for this rule alone."""

    rule: str
    error: str
    """The class of the error and where it came from; never a value."""
    calls_unheard: bool
    """Whether the rule is one about calls, falls or emergencies."""

    def trouble(self) -> Trouble:
        """Give the technical alert that says so."""
        return Trouble(
            kind="rule.failing",
            subject=self.rule,
            present=True,
            detail=f"rule {self.rule} could not judge: {self.error}",
            calls_unheard=self.calls_unheard,
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What one record or timer came to."""

    verdicts: tuple[Verdict, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def raises(self) -> bool:
        """Whether the record is evidence of something, and is to be kept with it."""
        return any(isinstance(verdict, Occurrence | Gone | Cancel) for verdict in self.verdicts)
