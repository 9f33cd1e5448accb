"""When silence is too long, and what to try then: pure arithmetic over the loop's time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

STEPS_AT = (1.0, 1.1, 1.2)  # of the silence span: a new scanner, a new bus, the adapter off and on
TELL_AT = 1.4  # of it: 84 s by default, so that a deaf gateway says so within 90 s
AGAIN_MOST = 10.0  # spans between further tries
QUIET_HOUSE = 5.0  # spans between new scanners where nothing need be on the air


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
    def tell_silent_after_s(self) -> float:
        """After how much silence somebody is told."""
        return self.silence_s * TELL_AT

    @property
    def tick_s(self) -> float:
        """How often to look."""
        return min(1.0, self.silence_s / 10)


class Silence:
    """One adapter's silence."""

    def __init__(self, span_s: float, now: float) -> None:
        """Begin at `now`, with nothing tried."""
        self._span_s = span_s
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

    def due(self, now: float, *, speaking: int) -> Step | None:
        """Give what is to be tried now. `speaking` is how many devices should be on the air."""
        if now < self.next_at(speaking=speaking):
            return None
        if not speaking:
            return Step.SCANNER
        return list(Step)[self._tried % len(Step)]

    def next_at(self, *, speaking: int) -> float:
        """Tell when the next step is due."""
        if not speaking:
            return max(self.since, self._tried_at) + QUIET_HOUSE * self._span_s
        if self._tried < len(STEPS_AT):
            chance = self._begun_at + (STEPS_AT[1] - STEPS_AT[0]) * self._span_s
            return max(self.since + STEPS_AT[self._tried] * self._span_s, chance)
        spans = min(2.0 ** (self._tried - len(STEPS_AT)), AGAIN_MOST)
        return self._tried_at + spans * self._span_s

    def tried(self, now: float) -> None:
        """Take note that a step was taken."""
        self._tried += 1
        self._tried_at = now
