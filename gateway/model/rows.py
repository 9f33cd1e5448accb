"""What the journal keeps beside readings and alerts: timers, notifications, legal bases, sessions, and so on.

Data only. The journal stores these; the rooms that own their meaning make and read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias, TypedDict

from gateway.model.clock import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something that is to happen at a time. One row for each (subject, kind); setting it again moves it.

    A timer is a row, never an `asyncio` timer alone, so that a restart goes on where it was.
    """

    subject: str
    """`alert:<id>`, `rule:<rule>/<key>` or `device:<name>`."""
    kind: str
    """`escalate`, `return`, `shelf`, …"""
    rev: int
    """The revision of its subject when it was set; one that is no longer current is refused."""
    due: Instant
    data: dict[str, Any] = field(default_factory=dict)


NotificationState: TypeAlias = Literal["pending", "sending", "sent", "delivered", "failed", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One telling of one alert to one target by one channel, and what became of it."""

    id: str
    """The idempotency key that goes out with it."""
    alert: str
    rev: int
    """The alert's revision that is told."""
    step: int
    cycle: int
    target: str
    """As the policy names it: `group:nat-oest`, `person:AB`, `channel:sms`, …"""
    channel: str
    person: str | None
    state: NotificationState
    attempts: int
    next: Instant
    """When it is to be tried (again)."""
    error: str | None = None
    created: Instant
    changed: Instant
    repeated: bool = False
    """Sent again after a crash by a channel that knows no key: the receiver may get it twice."""
    about: str = "alert"
    """`alert` for a step of the escalation; else what one person is told: `dispatch`, `return`, …"""


class NotificationChanges(TypedDict, total=False):
    """What may change in a notification after it was made."""

    rev: int
    state: NotificationState
    attempts: int
    next: Instant
    error: str | None
    changed: Instant
    repeated: bool


BasisKind: TypeAlias = Literal["consent", "no_objection", "decision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Why personal readings of a concern may be kept at a place; with `withdrawn`, that they may not.

    An objection may be to one `rule` only. Its identity is (place, concern, rule, recorded).
    """

    place: str
    concern: str
    kind: BasisKind
    until: date
    """Review date of a consent or of no objection; end date of a decision."""
    case: str | None
    """The municipality's case reference of a decision."""
    recorded: Instant
    by: str
    withdrawn: Instant | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in. Only a hash of the cookie is kept."""

    token_hash: str
    person: str
    created: Instant
    expires: Instant
    seen: Instant
    """When it last did something."""
    screen: str | None = None
    """The enrolled screen or shared phone it was opened on."""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """An enrolled wall screen or shared phone: it may look without a person. Only a hash is kept."""

    token_hash: str
    name: str
    public: bool
    """Visitors can see it: place and urgency only, no history."""
    created: Instant
    by: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log. `hash` covers the line and the hash of the one before."""

    seq: int
    at: Instant
    what: str
    by: str | None
    """The person; None where the gateway itself acted."""
    source: str
    """Where it came from: `page`, `socket`, `mqtt`, `rule`, `timer`, …"""
    alert: str | None
    detail: dict[str, Any]
    hash: str
    """SHA-256, hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A row that a server will never take, with its reason; sending went on behind it."""

    outlet: str
    """The lane: `mqtt/readings`, `influx`, …"""
    seq: int
    """Its place in that lane."""
    record: str
    """The id of the record or alert."""
    device: str | None
    quantity: str | None
    reason: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class HourSum:
    """The roll-up of one hour of one measurement, for charts."""

    device: str
    place: str
    quantity: str
    channel: int | None
    hour_ns: int
    """Begin of the hour: Unix nanoseconds, UTC."""
    count: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long and how much the journal keeps. Ages need a synced clock, bounds by size do not."""

    personal: timedelta = timedelta(days=30)
    """Readings of the concerns `presence` and `vital`."""
    other: timedelta = timedelta(days=365)
    alerts: timedelta = timedelta(days=180)
    audit: timedelta = timedelta(days=180)
    readings_bytes: int = 4_000_000_000
