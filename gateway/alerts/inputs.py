"""Everything that can happen to an alert, as data: what a device says, what a person does, what is due.

`gateway.alerts.lifecycle.step` decides each of them in each state. A person is named by initials or another
pseudonym; a centre's by begins with the centre's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.model.alert import Concern, Outcome, Priority
from gateway.model.clock import Instant

TimerKind: TypeAlias = Literal["escalate", "return", "warn", "shelf"]
"""The next step; the holder's time is up; it will be in 2 minutes; a shelved alert comes back."""

Suppression: TypeAlias = Literal["schedule", "maintenance"]

PresenceHow: TypeAlias = Literal["button", "tag", "page", "spoken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurred:
    """A rule fired, or a person called for help: opens an alert, or joins the open one with the same key."""

    id: str
    """The id of the alert if this opens one; drawn beforehand, so that it can be told before it is kept."""
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
    latching: bool = True
    auto_resolve: bool = False
    suppressed: Suppression | None = None
    """Why it is recorded and not notified; never so for `self` and `fall`."""
    test: bool = False
    trial: str | None = None
    readings: tuple[str, ...] = ()
    detail: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionGone:
    """What raised the alert no longer holds."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The device itself says that it was a mistake."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody takes it. `take_over`: also from whoever has it."""

    by: str
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody is coming too."""

    by: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody is with the resident."""

    by: str
    how: PresenceHow


@dataclass(frozen=True, slots=True)
class Extend:
    """The holder needs more time."""

    by: str


@dataclass(frozen=True, slots=True)
class Release:
    """The holder gives it back."""

    by: str


@dataclass(frozen=True, slots=True)
class Assist:
    """A colleague needs help at the same place: `call` is the emergency that this raises."""

    by: str
    call: Occurred
    already: bool = False
    """The same person called for help here a moment ago, and nobody has answered: a retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """A person closes it."""

    by: str
    outcome: Outcome
    spoken: bool = False
    presence: bool = False
    was_fall: Literal["yes", "no", "unknown"] | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """A person takes the closing back. `newer`: another alert with its key is open by now."""

    by: str
    newer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelve:
    """A person sets it aside until a time."""

    by: str
    until: Instant
    spoken: bool = False
    asked: str | None = None
    """`until` as it was asked for; a duration asked for again is a retry, although it ends later."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Somebody (a centre, mostly) sends a group or a person, and has it until one of them takes it over."""

    by: str
    to: str
    """A target: `group:NAME` or `person:NAME`."""


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer of this alert is due. `rev`: the revision it was set at."""

    kind: TimerKind
    rev: int


@dataclass(frozen=True, slots=True)
class NotificationFailed:
    """A step reached nobody: every channel failed, or its groups have nobody who can be reached."""

    step: int
    cycle: int
    why: Literal["channel.failing", "duty.empty", "duty.unreached"] = "channel.failing"


@dataclass(frozen=True, slots=True)
class ScheduleChanged:
    """The rule's schedule or the device's maintenance began or ended: why it would be suppressed now."""

    suppressed: Suppression | None


@dataclass(frozen=True, slots=True)
class BasisChanged:
    """The legal basis for the alert's concern was recorded, withdrawn or ended."""

    present: bool
    by: str | None = None


@dataclass(frozen=True, slots=True)
class HolderLeft:
    """Somebody ended the shift or signed out."""

    by: str


Deed: TypeAlias = (
    Acknowledge | Join | Presence | Extend | Release | Assist | Resolve | Reopen | Shelve | Dispatch
)
"""What a person does."""

Input: TypeAlias = (
    Occurred
    | ConditionGone
    | Cancelled
    | Deed
    | TimerDue
    | NotificationFailed
    | ScheduleChanged
    | BasisChanged
    | HolderLeft
)
