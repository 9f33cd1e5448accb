"""The machine's clock: monotonic since its boot, and a wall clock that may be wrong."""

from __future__ import annotations

from collections.abc import Callable

from gateway.model.clock import NS, ClockQuality, Instant

BEGIN_NS = 1_795_564_800 * NS  # 2026-11-25 00:00 UTC: night in Copenhagen, so that night rules hold


class SimClock:
    """Wall time is virtual time plus an error; a boot begins monotonic time anew."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Begin synced, in the first boot."""
        self._now_s = now_s
        self.boots = 1
        self.error_s = 0.0
        self.quality = ClockQuality.SYNCED
        self._booted_s = now_s() - 40.0

    def now(self) -> Instant:
        """Give the present moment."""
        seconds = self._now_s()
        return Instant(
            BEGIN_NS + round((seconds + self.error_s) * NS),
            round((seconds - self._booted_s) * NS),
            f"boot-{self.boots}",
            self.quality,
        )

    def boot(self, *, error_s: float = 0.0, quality: ClockQuality = ClockQuality.SYNCED) -> None:
        """Begin a boot."""
        self.boots += 1
        self._booted_s = self._now_s() - 8.0
        self.error_s, self.quality = error_s, quality

    def set(self, *, error_s: float, quality: ClockQuality) -> None:
        """Step the wall clock."""
        self.error_s, self.quality = error_s, quality
