"""What a frame says, and the form in which it is kept.

A driver makes `Fact`s. Intake adds device, place, time and id and so makes a `Record`, the form that
is stored and sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from gateway.model.clock import ClockQuality, Instant, iso

Value: TypeAlias = float | int | bool | str


class Kind(StrEnum):
    """A number with a unit; something that stays true until it changes; something that happened."""

    MEASUREMENT = "measurement"
    STATE = "state"
    EVENT = "event"


class Reading(NamedTuple):
    """One thing a device says. Made by a quantity (`q.temperature(21.5)`), never by hand.

    A tuple, because nothing else here is made so often: a third of the time of a frozen dataclass.
    """

    quantity: str
    kind: Kind
    value: Value
    unit: str | None = None
    """UCUM; None for states and events."""
    channel: int | None = None
    """From 1; tells equal quantities of one device apart."""


@dataclass(frozen=True, slots=True)
class Counter:
    """An anti-replay counter: it must rise, and the host keeps it across restarts."""

    value: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A number that is equal in repeats of one transmission, counted modulo `modulus`."""

    value: int
    modulus: int = 256


@dataclass(frozen=True, slots=True)
class Standing:
    """An event that a format says again in every message, as long as its cause stands: `sos: true`.

    It happens once, when it appears: intake compares it with what the journal kept under `name`. At rest
    (`reading` None) it is reported too, so that the next one is seen.
    """

    name: str
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Availability:
    """Another system's word that the device is there or not. For supervision; it is no reading."""

    online: bool


@dataclass(frozen=True, slots=True)
class LastSeen:
    """When the device itself was last heard, where another system passes on what it remembers."""

    wall_ns: int


Fact: TypeAlias = Reading | Counter | Sequence | Standing | Availability | LastSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A reading with its device, place, time and id: what the journal keeps and outlets send."""

    id: str
    """UUIDv7."""
    device: str
    place: str
    quantity: str
    kind: Kind
    value: Value
    unit: str | None
    channel: int | None
    time_ns: int
    """When it happened: Unix nanoseconds, UTC."""
    at: Instant
    """When it was taken in."""
    driver: str
    """`name/version`."""
    test: bool = False
    """Part of a chain test: marked everywhere, counted nowhere."""
    missed: int = 0
    """Of an event: how many before it were sent and not heard, by the device's own numbering. Of a device
    that speaks only when it is pressed, each was at least one call."""

    @property
    def clock(self) -> ClockQuality:
        """The quality of the clock that gave `time_ns`."""
        return self.at.quality

    def document(self) -> dict[str, Any]:
        """Give the published form, schema `velgate/reading/1`."""
        return {
            "schema": "velgate/reading/1",
            "id": self.id,
            "device": self.device,
            "place": self.place,
            "quantity": self.quantity,
            "kind": self.kind.value,
            "value": self.value,
            "unit": self.unit,
            "channel": self.channel,
            "time": iso(self.time_ns),
            "clock": self.clock.value,
            "driver": self.driver,
        }


@dataclass(frozen=True, slots=True)
class Guard:
    """What was last accepted of a device, kept with the row it protects so that a restart opens no door.

    `name` is `counter`, `sequence`, `payload`, `standing/<property>` or `state/<quantity>[/<channel>]`; the
    value of the first three begins with a fingerprint of the hardware that counted.
    """

    device: str
    name: str
    value: str
    at: Instant
