"""Which wall time retention may believe: what destroys does not trust the clock."""

from __future__ import annotations

from datetime import timedelta

from gateway.model.clock import NS, ClockQuality, Instant

JUMP_NS = 2 * 86_400 * NS  # further ahead of what was seen than this, a time must stand for a while
STAND_NS = 86_400 * NS  # so long, of monotonic time
DRIFT_NS = 3600 * NS  # wall and monotonic time may part by this much while it stands


class TrustedTime:
    """Judges the clock. A synced clock that stands far ahead of what was seen is believed only after a day.

    So a false time of day (2036) removes nothing, and a gateway that was switched off for a month waits a
    day before it removes what has become too old.
    """

    def __init__(self, seen_ns: int) -> None:
        """`seen_ns` is the wall time believed last, of an earlier run; 0 where there is none."""
        self.seen_ns = seen_ns
        self._last: Instant | None = None
        self._suspect: Instant | None = None

    def judge(self, now: Instant) -> int | None:
        """Give the wall time from which ages count, in Unix nanoseconds; None: remove nothing by age."""
        last, self._last = self._last, now
        if now.quality is not ClockQuality.SYNCED:
            self._suspect = None
            return None
        passed_ns = now.mono_ns - last.mono_ns if last is not None and last.boot == now.boot else 0
        if not self.seen_ns or now.wall_ns - self.seen_ns - passed_ns <= JUMP_NS or self._stands(now):
            self._suspect = None
            self.seen_ns = now.wall_ns
            return now.wall_ns
        self.seen_ns += passed_ns
        return None

    def _stands(self, now: Instant) -> bool:
        since = self._suspect
        if since is not None and since.boot == now.boot:
            stood_ns = now.mono_ns - since.mono_ns
            if abs(now.wall_ns - since.wall_ns - stood_ns) <= DRIFT_NS:
                return stood_ns >= STAND_NS
        self._suspect = now
        return False


def cutoff_ns(now_ns: int, age: timedelta) -> int:
    """Give the Unix time before which things are older than `age`."""
    return now_ns - round(age.total_seconds() * NS)
