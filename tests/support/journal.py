"""A journal for tests: a clock that a test moves, alerts with sensible defaults, and opening and closing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.journal.journal import Journal
from gateway.model.alert import Alert, Concern, Priority
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.trouble import Trouble
from support.inline_threads import InlineThreads
from support.records import instant


class HandClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, at: Instant | None = None) -> None:
        """Begin at the start of the tests' time."""
        self.at = at or instant()

    def now(self) -> Instant:
        """Give the present moment."""
        return self.at

    def forward(self, seconds: float) -> Instant:
        """Move both times on; gives the new moment."""
        ns = round(seconds * NS)
        self.at = replace(self.at, wall_ns=self.at.wall_ns + ns, mono_ns=self.at.mono_ns + ns)
        return self.at

    def jump(self, seconds: float, quality: ClockQuality | None = None) -> Instant:
        """Move the wall clock alone."""
        quality = quality or self.at.quality
        self.at = replace(self.at, wall_ns=self.at.wall_ns + round(seconds * NS), quality=quality)
        return self.at

    def reboot(self, boot: str, quality: ClockQuality = ClockQuality.SYNCED) -> Instant:
        """Begin another boot: monotonic time starts anew."""
        self.at = replace(self.at, boot=boot, mono_ns=5 * NS, quality=quality)
        return self.at


def alert(id: str = "a-1", *, at: Instant | None = None, **more: Any) -> Alert:  # noqa: A002  (the field's word)
    """Give an alert of a call button."""
    now = at or instant()
    fields: dict[str, Any] = {
        "key": f"help-call/{id}",
        "rule": "help-call",
        "kind": "help_call.press",
        "concern": Concern.SELF,
        "priority": Priority.HIGH,
        "policy": "nat",
        "device": "kald-12",
        "place": "room-12",
        "label": "Bolig 12",
        "title": {"da": "Kald – Bolig 12", "en": "Call – Bolig 12"},
        "do": {"da": "Gå til boligen", "en": "Go to the room"},
        "raised": now,
        "last": now,
        "changed": now,
    }
    return Alert(id=id, **(fields | more))


class Told(list[Trouble]):
    """The troubles that the journal has told."""

    def __call__(self, trouble: Trouble) -> None:
        """Take one."""
        self.append(trouble)

    def kinds(self) -> list[tuple[str, str, bool]]:
        """Give (kind, subject, present) of each."""
        return [(each.kind, each.subject, each.present) for each in self]


@asynccontextmanager
async def opened(state: Path, clock: HandClock | None = None, **more: Any) -> AsyncIterator[Journal]:
    """Open a journal with real threads, and close it."""
    more.setdefault("tell", Told())
    journal = await Journal.open(state, clock or HandClock(), **more)
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def inline(state: Path, clock: HandClock | None = None, **more: Any) -> AsyncIterator[Journal]:
    """Open a journal whose work runs on the loop, for virtual time."""
    async with opened(state, clock, threads=InlineThreads(), **more) as journal:
        yield journal
