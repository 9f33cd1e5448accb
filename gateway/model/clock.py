"""What time it is, since which boot, and how far the wall clock can be trusted.

Waiting is the event loop's business (`asyncio.sleep`); telling the time is a `Clock`'s, so that
tests own both. A Raspberry Pi has no battery-backed clock and may boot in the past: every committed
record therefore carries monotonic time, boot and quality beside wall time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

NS = 1_000_000_000  # nanoseconds in a second


class ClockQuality(StrEnum):
    """Whether wall time is right: now, once since boot, or unknown."""

    SYNCED = "synced"
    HOLDOVER = "holdover"
    UNSYNCED = "unsynced"


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, in both times. Durations are measured in `mono_ns` within a boot."""

    wall_ns: int
    """Unix time in nanoseconds, UTC."""
    mono_ns: int
    """Monotonic time in nanoseconds; comparable only where `boot` is equal."""
    boot: str
    """The id of the boot, e.g. the kernel's `boot_id`."""
    quality: ClockQuality = ClockQuality.SYNCED

    def plus(self, span: timedelta) -> Instant:
        """Give the moment `span` later, in both times."""
        ns = round(span.total_seconds() * NS)
        return replace(self, wall_ns=self.wall_ns + ns, mono_ns=self.mono_ns + ns)

    def since(self, earlier: Instant) -> timedelta:
        """Tell how long ago `earlier` was: monotonic within a boot, by the wall clock across boots."""
        same = self.boot == earlier.boot
        ns = self.mono_ns - earlier.mono_ns if same else self.wall_ns - earlier.wall_ns
        return timedelta(microseconds=ns / 1000)


class Clock(Protocol):
    """Tells the time. The system's own stands in `gateway.health.clock`; tests bring theirs."""

    def now(self) -> Instant:
        """Give the present moment."""
        ...


def iso(wall_ns: int) -> str:
    """Write Unix nanoseconds as RFC 3339 UTC with milliseconds, e.g. `2026-11-24T14:00:00.123Z`."""
    seconds, ns = divmod(wall_ns, NS)
    stamp = datetime.fromtimestamp(seconds, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000:03d}Z"


def parse_iso(text: str) -> int:
    """Read an RFC 3339 time into Unix nanoseconds. Raises ValueError for anything else or without zone."""
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    delta = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NS + delta.microseconds * 1000
