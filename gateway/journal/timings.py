"""How long the disk takes: the commits of the last minutes."""

from __future__ import annotations

import time
from collections import deque

WINDOW_S = 180.0
KEPT_MAX = 4096  # commits remembered; at more than 20 a second the window is shorter


class Timings:
    """Durations of commits. Noted in a writer thread, read on the loop."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._kept: deque[tuple[float, float]] = deque(maxlen=KEPT_MAX)

    def note(self, took_s: float) -> None:
        """Note a commit that has just ended."""
        self._kept.append((time.monotonic(), took_s))

    def recent_ms(self) -> list[float]:
        """Give the durations of the last minutes."""
        since = time.monotonic() - WINDOW_S
        return [took_s * 1000 for at_s, took_s in tuple(self._kept) if at_s >= since]


def percentile(values: list[float], share: float) -> float | None:
    """Give the smallest value that at least this share of the values do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
