"""How often a device speaks by itself, where nobody has stated it: learned, and therefore only half believed.

A device without a stated interval is learned from 16 sightings or more over an hour in which no gap was
longer than three times the usual one. A button that speaks only when pressed is never so regular: it stays
unlearned, and is supervised by its chain test. What is learned raises a technical alert at most, for a habit
is no promise; state `heard_every` and silence counts in full. Kept over no restart: it is learned anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from gateway.model.clock import Instant

SIGHTINGS = 16
"""As few as this are enough, where they are an hour apart or more from first to last."""
OVER = timedelta(hours=1)
REGULAR = 3.0  # times the usual gap: a longer one, and the habit is learned anew
INTERVALS = 5  # silent after so many of the longest gaps: more than where the interval is stated
AT_LEAST = timedelta(minutes=15)
GAPS_MAX = 32


@dataclass(slots=True)
class Habit:
    """What is known of one device."""

    last: Instant | None = None
    since: Instant | None = None
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS_MAX))
    """Seconds."""

    def heard(self, at: Instant) -> None:
        """Take note of when it was last heard; the same moment again is no sighting."""
        if self.last is not None and at.boot == self.last.boot and at.mono_ns <= self.last.mono_ns:
            return
        if self.last is None or self.since is None:
            self.since = at
        else:
            gap = at.since(self.last).total_seconds()
            if len(self.gaps) >= SIGHTINGS // 2 and gap > REGULAR * median(self.gaps):
                self.begin_anew(at)
            else:
                self.gaps.append(gap)
        self.last = at

    def begin_anew(self, at: Instant | None = None) -> None:
        """Forget the habit: it was none, or the radio was away."""
        self.gaps.clear()
        self.last = self.since = at

    @property
    def every(self) -> timedelta | None:
        """How often it speaks at the least; None while that is not known."""
        if self.last is None or self.since is None or len(self.gaps) < SIGHTINGS - 1:
            return None
        if self.last.since(self.since) < OVER or max(self.gaps) > REGULAR * median(self.gaps):
            return None
        return timedelta(seconds=max(self.gaps))

    @property
    def silent_after(self) -> timedelta | None:
        """After how much silence something is odd; None while its habit is not known."""
        every = self.every
        return None if every is None else max(every * INTERVALS, AT_LEAST)
