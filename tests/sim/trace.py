"""What happened, in order, as somebody beside the gateway would have seen it. Checkers read nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at a virtual second."""

    at_s: float
    what: str
    about: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Give one of its facts."""
        return self.about[key]

    def __str__(self) -> str:
        """Write it as one line."""
        return f"{self.at_s:12.6f} {self.what} " + " ".join(f"{k}={v}" for k, v in self.about.items())


class Trace:
    """Everything that happened."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s` gives the virtual time."""
        self._now_s = now_s
        self.events: list[Event] = []
        self.faults: Counter[str] = Counter()

    def note(self, what: str, **about: Any) -> Event:
        """Note that something happened now."""
        event = Event(self._now_s(), what, about)
        self.events.append(event)
        return event

    def fault(self, kind: str, **about: Any) -> None:
        """Note a fault, which is counted too: a checker that never meets its fault must be noticed."""
        self.faults[kind] += 1
        self.note("fault", kind=kind, **about)

    def of(self, *kinds: str) -> list[Event]:
        """Give the events of some kinds, in order."""
        return [event for event in self.events if event.what in kinds]

    def digest(self) -> str:
        """Give a fingerprint of everything, to compare two runs by."""
        text = "\n".join(str(event) for event in self.events)
        return hashlib.sha256(text.encode()).hexdigest()

    def tail(self, count: int) -> str:
        """Give the last events, a line each."""
        return "\n".join(str(event) for event in self.events[-count:])
