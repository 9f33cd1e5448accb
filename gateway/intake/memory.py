"""What intake remembers of one device: enough to tell a repeat from news, and news from a replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

import orjson

from gateway.model.clock import NS, Instant
from gateway.model.readings import Guard, Kind, Reading, Record, Value

RECENT_MAX = 48  # transmissions of one device remembered for the length of a burst
COUNTED = frozenset({"counter", "sequence", "payload"})  # guards of one piece of hardware
SIGNAL_S = 60.0  # how long the signal at one radio counts
Slot = tuple[str, Kind, int | None]
"""Quantity, kind, channel: one series of a device."""


@dataclass(frozen=True, slots=True)
class FramesRefused:
    """Frames of a device that were refused, and none was accepted since."""

    code: str
    """`replayed`, `key_wrong`, `key_missing` or another code of a frame that gave nothing."""
    since: Instant
    last: Instant
    count: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What supervision and the list of devices know of a device."""

    last: Instant | None
    """When it was last heard and believed; None: not since this gateway started."""
    signal: int | None
    """dBm, the best of the radios that hear it."""
    battery: float | None
    """Percent."""
    refused: FramesRefused | None
    available: bool | None
    """The word of the system it is connected to, where there is one."""


@dataclass(slots=True)
class Series:
    """The last value of one series that was stored, and when."""

    value: Value
    at: Instant


@dataclass(slots=True)
class Memory:
    """One device. Everything here may be lost but the guards, which the journal keeps."""

    counter: int | None = None
    counter_guard: Instant | None = None
    """When the counter was last handed to the journal."""
    sequence: str | None = None
    """The last accepted number, with the events that came under it."""
    payload: str | None = None
    """A digest of the last event's bytes, of a format that counts nothing."""
    payload_at: Instant | None = None
    payload_restored: bool = False
    """It comes from the journal: the same bytes may be what the radio still remembers."""
    standing: dict[str, str] = field(default_factory=dict)
    series: dict[Slot, Series] = field(default_factory=dict)
    frames: dict[object, bytes] = field(default_factory=dict)
    """By match: the bytes last decoded."""
    counted: dict[object, bool] = field(default_factory=dict)
    """By match: whether those bytes held a counter or a sequence number."""
    recent: dict[object, int] = field(default_factory=dict)
    """Transmissions of the last seconds, with when they were last heard (monotonic ns)."""
    said: dict[tuple[str, Value, int | None], tuple[str, int]] = field(default_factory=dict)
    """Events told by messages: topic and time."""
    last: Instant | None = None
    signals: dict[str, tuple[int, int]] = field(default_factory=dict)
    battery: float | None = None
    refused: FramesRefused | None = None
    available: bool | None = None
    identity: str | None = None
    """A fingerprint of address and key: what was counted by another piece of hardware counts for nothing."""

    def be(self, identity: str) -> None:
        """Stand for the hardware that is configured now; forget what another one counted."""
        if self.identity not in (None, identity):
            self.counter = self.counter_guard = self.sequence = None
            self.payload, self.payload_at, self.payload_restored = None, None, False
            self.recent.clear()
        self.identity = identity

    def guard(self, device: str, name: str, value: str, at: Instant) -> Guard:
        """Make a guard of what this hardware counted."""
        return Guard(device, name, f"{self.identity} {value}", at)

    def restore(self, guard: Guard) -> None:
        """Take over what the journal kept, the newest last; then `be` says whether it still counts.

        Raises ValueError for a guard that makes no sense; nothing is taken over of it.
        """
        name, _, rest = guard.name.partition("/")
        if name in COUNTED:
            identity, _, value = guard.value.partition(" ")
            self.be(identity)
            if name == "counter":
                self.counter = int(value) if value else None
                self.counter_guard = guard.at
            elif name == "sequence":
                int(value.partition(" ")[0])
                self.sequence = value
            else:
                self.payload, self.payload_at, self.payload_restored = value, guard.at, True
        elif name == "standing":
            self.standing[rest] = guard.value
        elif name == "state":
            quantity, _, channel = rest.partition("/")
            slot = (quantity, Kind.STATE, int(channel) if channel else None)
            self.series[slot] = Series(orjson.loads(guard.value), guard.at)

    def forget(self, records: Iterable[Record]) -> None:
        """Forget that these were news: they were not kept, and are news when they come again."""
        for record in records:
            self.series.pop((record.quantity, record.kind, record.channel), None)

    def recently(self, key: object, now_ns: int, gap: timedelta) -> bool:
        """Tell whether a transmission was last heard within `gap`, and note it as heard now."""
        gap_ns = int(gap.total_seconds() * NS)
        before = self.recent.pop(key, None)
        if len(self.recent) >= RECENT_MAX:
            del self.recent[next(iter(self.recent))]
        self.recent[key] = now_ns
        return before is not None and now_ns - before <= gap_ns

    def mark(self) -> tuple[object, ...]:
        """Note where things stand before events are handed over."""
        return (self.counter, self.sequence, self.payload, self.payload_at, self.payload_restored)

    def back_to(self, mark: tuple[object, ...], standing: dict[str, str]) -> None:
        """Forget what followed a mark: the events were not kept, and may be heard again."""
        (self.counter, self.sequence, self.payload, self.payload_at, self.payload_restored) = mark  # type: ignore[assignment]
        self.standing = standing
        self.recent.clear()
        self.frames.clear()
        self.said.clear()

    def touch(self, at: Instant, source: str, rssi: int | None) -> None:
        """Note that the device was heard and believed."""
        self.last = at
        self.refused = None
        self.signal_at(at, source, rssi)

    def signal_at(self, at: Instant, source: str, rssi: int | None) -> None:
        """Note how well a radio hears it."""
        if rssi is not None:
            self.signals[source] = (rssi, at.mono_ns)

    def refuse(self, code: str, at: Instant) -> None:
        """Note a frame that was refused."""
        before = self.refused
        self.refused = FramesRefused(
            code, before.since if before else at, at, before.count + 1 if before else 1
        )

    def signal(self, now_ns: int) -> int | None:
        """Give the best signal of the last minute; the last one known, if there was none."""
        if not self.signals:
            return None
        fresh = [rssi for rssi, at in self.signals.values() if now_ns - at <= SIGNAL_S * NS]
        return max(fresh) if fresh else max(self.signals.values(), key=lambda entry: entry[1])[0]

    def heard(self, now_ns: int) -> Heard:
        """Give what supervision needs."""
        return Heard(self.last, self.signal(now_ns), self.battery, self.refused, self.available)


def identity(address: str | None, key: bytes | None) -> str:
    """Give a fingerprint of a piece of hardware, from which neither address nor key can be read."""
    return sha256(b"velgate" + (address or "").encode() + b"/" + (key or b"")).hexdigest()[:12]


def digest(payload: bytes) -> str:
    """Give a short fingerprint of an event's bytes, which may themselves hold text."""
    return sha256(payload).hexdigest()[:32]


def signature(events: Iterable[Reading]) -> str:
    """Write events so that two transmissions of them compare."""
    return " ".join(sorted(f"{e.quantity}{f'/{e.channel}' if e.channel else ''}={e.value}" for e in events))


def state_guard(device: str, slot: Slot, value: Value, at: Instant) -> Guard:
    """Make the guard of a state."""
    quantity, _, channel = slot
    name = f"state/{quantity}" if channel is None else f"state/{quantity}/{channel}"
    return Guard(device, name, orjson.dumps(value).decode(), at)
