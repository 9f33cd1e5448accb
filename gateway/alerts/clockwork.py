"""Whether the gateway's own clock can be trusted: never right, no longer kept right, jumped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from gateway.model.clock import NS, ClockQuality, Instant

HOLDOVER_AFTER = timedelta(hours=24)
"""How long a clock may run by itself: by then it may be seconds off, and nobody mends the network."""
STEP_NS = 60 * NS
"""A jump of the wall clock by more than this, beside monotonic time, is told."""

Fault = Literal["unsynced", "holdover"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the clock has shown."""

    fault: Fault | None
    detail: str
    stepped_s: float | None = None
    """By how many seconds it jumped since the look before, where that is too much."""


class Clockwork:
    """Looks at the clock every few seconds."""

    def __init__(self, started: Instant) -> None:
        """Begin now."""
        self._started = started
        self._last = started
        self._kept: Instant | None = started if started.quality is ClockQuality.SYNCED else None
        """When it was last kept right by somebody."""

    def look(self, now: Instant, *, unsynced_after: timedelta) -> Seen:
        """Look once."""
        stepped = self._stepped(now)
        match now.quality:
            case ClockQuality.SYNCED:
                self._kept = now
                return Seen(None, "", stepped)
            case ClockQuality.UNSYNCED if now.since(self._started) >= unsynced_after:
                minutes = unsynced_after.total_seconds() / 60
                detail = f"the clock is not synchronised {minutes:g} min after start"
                return Seen("unsynced", detail, stepped)
            case ClockQuality.HOLDOVER:
                kept = self._kept = self._kept or now
                alone = now.since(kept)
                if alone >= HOLDOVER_AFTER:
                    hours = alone.total_seconds() / 3600
                    return Seen("holdover", f"nobody has kept the clock right for {hours:.0f} h", stepped)
        return Seen(None, "", stepped)

    def _stepped(self, now: Instant) -> float | None:
        """Give by how much it jumped, unless the first answer of a time server has put it right."""
        last, self._last = self._last, now
        if last.boot != now.boot or last.quality is ClockQuality.UNSYNCED:
            return None
        jumped = (now.wall_ns - last.wall_ns) - (now.mono_ns - last.mono_ns)
        return jumped / NS if abs(jumped) > STEP_NS else None
