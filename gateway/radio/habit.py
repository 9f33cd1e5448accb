"""How often the house's own devices are heard, so that an unusual silence can be told from a quiet house.

Learned from configured devices alone: they stand in the house, while strangers' phones leave it at night.
"""

from __future__ import annotations

BUCKET_S = 3600.0
BUCKETS_MAX = 24  # a day: the night's gaps count in the morning, too
ENOUGH_FRAMES = 30
UNUSUAL = 4.0  # times the longest gap


class Habit:
    """The gaps between what was heard of the house's own devices at one adapter."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._gaps: dict[int, float] = {}
        self._last: float | None = None
        self._first = 0.0
        self._frames = 0

    def heard(self, now: float) -> None:
        """Take note that one of them was heard."""
        if self._last is None:
            self._first = now
        else:
            gap, bucket = now - self._last, int(now // BUCKET_S)
            if gap > self._gaps.get(bucket, -1.0):
                self._gaps[bucket] = gap
                for old in [each for each in self._gaps if each <= bucket - BUCKETS_MAX]:
                    del self._gaps[old]
        self._last = now
        self._frames += 1

    def interrupted(self) -> None:
        """Leave the present gap out: it was the radio's, not the house's."""
        self._last = None

    def unusual_s(self, *, at_least: float) -> float | None:
        """Tell after how much silence something is wrong; None while too little is known of this house."""
        if self._frames < ENOUGH_FRAMES or not self._gaps:
            return None
        return max(at_least, UNUSUAL * max(self._gaps.values()))
