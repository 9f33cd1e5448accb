"""Supervision with a clock and ears, driven by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.alerts.memory import Memory
from gateway.alerts.supervision import Supervision
from gateway.alerts.verdicts import Gone, Occurrence, Verdict
from gateway.alerts.watched import watched
from gateway.model.clock import Instant
from gateway.model.trouble import Trouble
from support.rule_house import DAY, RuleHouse, home_settings, no_driver

LOOK_S = 5


@dataclass
class Refused:
    """Frames that were refused."""

    code: str
    since: Instant


@dataclass
class Heard:
    """What intake would say of a device."""

    last: Instant | None = None
    refused: Refused | None = None
    available: bool | None = None


@dataclass
class Night:
    """A home in which time passes by hand."""

    overlay: dict[str, Any] = field(default_factory=dict)
    now: Instant = field(default_factory=lambda: RuleHouse(at=DAY).now)
    memory: Memory = field(default_factory=Memory)
    heard: dict[str, Heard] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start."""
        self.start()

    def start(self) -> None:
        """Start (again): what was heard is forgotten, the memory is kept."""
        self.settings = home_settings(self.overlay)
        self.watched = watched(self.settings, no_driver)
        self.supervision = Supervision(self.settings, self.watched, self.now)
        self.heard = {}
        self.memory.lost([*self.memory])
        kept = {key: value for key, value in self.memory.changes().items() if value is not None}
        self.memory = Memory.restored(kept)

    def raised(self, seconds: float, *speaking: str) -> list[Occurrence]:
        """Let time pass in steps of five seconds; some devices speak in each. Gives what was raised."""
        return [each for each in self._pass(seconds, speaking) if isinstance(each, Occurrence)]

    def wait(self, seconds: float, *speaking: str) -> list[str]:
        """Let time pass likewise; gives everything that was said, for reading."""
        return shortly(self._pass(seconds, speaking))

    def verdicts(self, kind: str, subject: str, present: bool = True, **also: Any) -> list[Verdict]:
        """Let a room tell a trouble."""
        trouble = Trouble(kind=kind, subject=subject, present=present, **also)
        return self.supervision.trouble(trouble, self.now, self.memory)

    def tells(self, kind: str, subject: str, present: bool = True, **also: Any) -> list[str]:
        """Let a room tell a trouble; gives what was said, for reading."""
        return shortly(self.verdicts(kind, subject, present, **also))

    def _pass(self, seconds: float, speaking: Sequence[str]) -> list[Verdict]:
        said: list[Verdict] = []
        for _ in range(round(seconds / LOOK_S)):
            self.now = self.now.plus(timedelta(seconds=LOOK_S))
            for device in speaking:
                self.heard[device] = Heard(self.now)
            said += self.supervision.check(self.heard, self.now, self.memory)
        return said


def shortly(verdicts: Sequence[Verdict]) -> list[str]:
    """Write verdicts for reading."""
    return [
        f"+{each.key} {each.kind} {each.priority.value}" if isinstance(each, Occurrence) else f"-{each.key}"
        for each in verdicts
        if isinstance(each, Occurrence | Gone)
    ]
