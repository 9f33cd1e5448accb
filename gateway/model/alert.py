"""An alert as data, in the words of ISA-18.2 / IEC 62682 and IEC 60601-1-8."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gateway.model.clock import Instant, iso

NAMES_FOR = timedelta(hours=24)
"""How long after its end an alert still names people; only the audit log does so longer."""


class Priority(StrEnum):
    """How urgent, from the gravest down; `rank` compares."""

    EMERGENCY = "emergency"
    HIGH = "high"
    MEDIUM = "medium"
    TECHNICAL = "technical"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Priority).index(self)


class Concern(StrEnum):
    """What it is about; `fall`, `presence` and `vital` need a recorded legal basis at the place."""

    SELF = "self"
    FALL = "fall"
    PRESENCE = "presence"
    VITAL = "vital"
    ROOM = "room"
    TECHNICAL = "technical"

    @property
    def personal(self) -> bool:
        """Whether a legal basis must be recorded before anything of it is kept."""
        return self in {Concern.FALL, Concern.PRESENCE, Concern.VITAL}


class Condition(StrEnum):
    """Whether what raised the alert still holds."""

    PRESENT = "present"
    GONE = "gone"


class Handling(StrEnum):
    """What people have done about it."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """How it ended."""

    ASSISTED = "assisted"
    CHECKED = "checked"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    TECHNICAL = "technical"
    OTHER = "other"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Taken:
    """Who has it, since when, and when it comes back if it is not closed."""

    by: str
    time: Instant
    return_at: Instant


@dataclass(frozen=True, slots=True)
class Present:
    """Who has been with the resident, since when, and how that is known (button, tag, page or spoken)."""

    by: str
    time: Instant
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. Changed only by `gateway.alerts.lifecycle.step`, which raises `rev` each time."""

    id: str
    key: str
    rule: str
    kind: str
    concern: Concern
    priority: Priority
    policy: str
    condition: Condition = Condition.PRESENT
    handling: Handling = Handling.UNACKNOWLEDGED
    suppressed: str | None = None
    """`schedule` or `maintenance` while suppressed."""
    rev: int = 1
    device: str | None
    place: str | None
    channel: int | None = None
    label: str
    title: dict[str, str]
    do: dict[str, str]
    """What to do, by language."""
    raised: Instant
    last: Instant
    """The last occurrence."""
    changed: Instant
    """The last transition."""
    count: int = 1
    step: int = 1
    cycle: int = 0
    """How many times the escalation has begun anew (return timer, pressed again, graver, given back)."""
    escalate_at: Instant | None = None
    """When the next step starts (or the last one again) if nobody takes it; None: not any more."""
    latching: bool = True
    auto_resolve: bool = False
    taken: Taken | None = None
    taken_from: str | None = None
    """Who had it before, where it was taken over."""
    warned: bool = False
    """Its holder has been asked whether to keep it: it comes back in 2 minutes."""
    helper: str | None = None
    """Who had it when it was pressed again, and may still be on the way."""
    present: Present | None = None
    joined: tuple[str, ...] = ()
    shelved_until: Instant | None = None
    cancelled_at: Instant | None = None
    """The device's own word that it was a mistake: shown, changes nothing else."""
    returned: bool = False
    """It came back unfinished: by its return timer, a release, or a holder who left."""
    outcome: Outcome | None = None
    was_fall: str | None = None
    """`yes`, `no`, `unknown`: asked once when a fall is closed as assisted."""
    closed: Instant | None = None
    closed_by: str | None = None
    asked: tuple[str, ...] = ()
    """The targets told in this cycle, in order; `dispatch` adds its own."""
    deed: str | None = None
    """What a person last did, with its words: the same from the same person again is a retry."""
    test: bool = False
    trial: str | None = None
    readings: tuple[str, ...] = ()
    detail: str = ""
    """One technical sentence (English) for alerts about devices and the gateway."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def lasting(self) -> bool:
        """Whether it is kept, repeated and never given up on: an emergency, and whatever a resident calls."""
        return self.priority is Priority.EMERGENCY or self.concern is Concern.SELF

    @property
    def quiet(self) -> bool:
        """Whether it is a test that the gateway makes by itself: shown, never sounded."""
        return self.test and bool(self.extra.get("quiet"))

    @property
    def open(self) -> bool:
        """Whether it still stands on the board."""
        return self.handling is not Handling.RESOLVED

    def nameless(self, now: Instant, *, over: bool = False) -> bool:
        """Tell whether nobody may be named in it any more.

        Of a former state, `over` tells that the alert itself has ended since.
        """
        if self.open and not over:
            return False
        return now.since(self.closed or self.changed) >= NAMES_FOR

    def document(self, *, durable: bool = True, anonymous: bool = False) -> dict[str, Any]:
        """Give the published form, schema `velgate/alert/1`.

        `durable` is false while the disk has not answered; `anonymous` blanks every `by`.
        """

        def who(name: str) -> str | None:
            return None if anonymous else name

        taken, present = self.taken, self.present
        return {
            "schema": "velgate/alert/1",
            "id": self.id,
            "key": self.key,
            "rule": self.rule,
            "kind": self.kind,
            "concern": self.concern.value,
            "priority": self.priority.value,
            "condition": self.condition.value,
            "handling": self.handling.value,
            "suppressed": self.suppressed,
            "rev": self.rev,
            "durable": durable,
            "device": self.device,
            "place": self.place,
            "channel": self.channel,
            "label": self.label,
            "title": self.title,
            "do": self.do,
            "raised": iso(self.raised.wall_ns),
            "last": iso(self.last.wall_ns),
            "changed": iso(self.changed.wall_ns),
            "count": self.count,
            "step": self.step,
            "cycle": self.cycle,
            "next_step": self.escalate_at and iso(self.escalate_at.wall_ns),
            "taken": taken
            and {
                "by": who(taken.by),
                "time": iso(taken.time.wall_ns),
                "return_at": iso(taken.return_at.wall_ns),
            },
            "taken_from": self.taken_from and who(self.taken_from),
            "warned": self.warned,
            "helper": self.helper and who(self.helper),
            "present": present
            and {"by": who(present.by), "time": iso(present.time.wall_ns), "how": present.how},
            "joined": [] if anonymous else list(self.joined),
            "shelved_until": self.shelved_until and iso(self.shelved_until.wall_ns),
            "cancelled_at": self.cancelled_at and iso(self.cancelled_at.wall_ns),
            "returned": self.returned,
            "outcome": self.outcome and self.outcome.value,
            "was_fall": self.was_fall,
            "closed": self.closed and iso(self.closed.wall_ns),
            "closed_by": self.closed_by and who(self.closed_by),
            "asked": [to for to in self.asked if not (anonymous and to.startswith("person:"))],
            "test": self.test,
            "quiet": self.quiet,
            "trial": self.trial,
            "detail": self.detail,
            "readings": list(self.readings),
        }
