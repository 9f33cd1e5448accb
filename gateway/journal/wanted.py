"""Which records a page of the history is to hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; None: any. Times are Unix nanoseconds, `until_ns` exclusive."""

    device: str | None
    place: str | None
    quantity: str | None
    since_ns: int
    until_ns: int

    @property
    def any(self) -> bool:
        """Whether every series is wanted."""
        return self.device is None and self.place is None and self.quantity is None

    def spans(self, time_ns: int) -> bool:
        """Tell whether a time is within the wanted ones."""
        return self.since_ns <= time_ns < self.until_ns
