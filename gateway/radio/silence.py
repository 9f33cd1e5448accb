"""When silence is too long, and what to try then: pure arithmetic over the loop's time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

STEPS_AT = (1.0, 1.1, 1.2)  # of the silence span: a new scanner, a new bus, the adapter off and on
TELL_AT = 1.4  # of it: 84 s by default, so that a deaf gateway says so within 90 s
AGAIN_MOST = 10.0  # spans between further tries
QUIET_HOUSE = 5.0  # spans between new scanners where nothing need be on the air
CURED_WITHIN = 0.2  # of the span after a step: what is heard then is heard because of it


class Step(Enum):
    """What to try against silence, in order."""

    SCANNER = "a new scanner"
    BUS = "a new connection to the bus"
    POWER = "the adapter off and on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds."""

    silence_s: float = 60.0
    start_within_s: float = 15.0
    stop_within_s: float = 5.0
    tell_down_after_s: float = 3.0
    """An adapter that is off or gone for less is not told: bluetoothd was restarted."""
    tell_failing_after_s: float = 20.0
    """A scanner that cannot be started for so long is told before the silence is."""
    discovering_grace_s: float = 1.0
    """Discovery may be reported off for a moment between two rounds."""
    power_within_s: float = 5.0
    pause_first_s: float = 0.1
    pause_most_s: float = 30.0

    @property
    def tick_s(self) -> float:
        """How often to look."""
        return min(1.0, self.silence_s / 10)


class Silence:
    """One adapter's silence. A span of None means a house where nothing need be on the air."""

    def __init__(self, shortest_span_s: float, now: float) -> None:
        """Begin at `now`, with nothing tried."""
        self._shortest_span_s = shortest_span_s
        self.since = now
        """When something was heard last, or when it could first have been."""
        self._tried = 0
        self._tried_at = now
        self._begun_at = now

    def began(self, now: float) -> None:
        """Take note that a new scanner listens: it is given a moment before the next step."""
        self._begun_at = now

    def heard(self, now: float) -> None:
        """Take note that something was heard."""
        self.since = now
        self._tried = 0

    def for_s(self, now: float) -> float:
        """Tell how long it has been silent."""
        return now - self.since

    def cured(self, now: float) -> bool:
        """Tell, when something is heard again, whether it was a step just taken that helped."""
        return self._tried > 0 and now - self._tried_at < CURED_WITHIN * self._shortest_span_s

    def due(self, now: float, span_s: float | None) -> Step | None:
        """Give what is to be tried now, where silence is unusual after `span_s`."""
        if now < self.next_at(span_s):
            return None
        if span_s is None:
            return Step.SCANNER
        return list(Step)[self._tried % len(Step)]

    def next_at(self, span_s: float | None) -> float:
        """Tell when the next step is due."""
        if span_s is None:
            return max(self.since, self._tried_at) + QUIET_HOUSE * self._shortest_span_s
        if self._tried < len(STEPS_AT):
            chance = self._begun_at + (STEPS_AT[1] - STEPS_AT[0]) * self._shortest_span_s
            return max(self.since + STEPS_AT[self._tried] * span_s, chance)
        spans = min(2.0 ** (self._tried - len(STEPS_AT)), AGAIN_MOST)
        return self._tried_at + spans * span_s

    def tried(self, now: float) -> None:
        """Take note that a step was taken."""
        self._tried += 1
        self._tried_at = now
