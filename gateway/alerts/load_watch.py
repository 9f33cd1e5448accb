"""Feeds the alarm load with what is committed, and tells of floods and of what chatters."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from gateway.alerts.book import Moved
from gateway.alerts.flood import AlarmLoad, Flood
from gateway.model.alert import Alert
from gateway.model.clock import NS, Clock
from gateway.model.trouble import TellTrouble
from gateway.settings.load import Load

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_EVERY_S = 5.0
SEED_MAX = 1000  # alerts of the window before a start that are read; a page of the journal


class Reads(Protocol):
    """The journal's alarm file."""

    async def read(self, work: Callable[[Any], T]) -> T:
        """Run a work on the committed state."""
        ...


class LoadWatch:
    """Lives as long as the gateway; a run of the alerts that begins anew goes on counting."""

    def __init__(
        self, settings: Load, clock: Clock, tell: TellTrouble, persons_on_duty: Callable[[], int]
    ) -> None:
        """Begin with nothing known; `seed` reads what rang before the start."""
        self._load = AlarmLoad(settings)
        self._clock = clock
        self._tell = tell
        self._persons = persons_on_duty
        self._seeded = False
        self._fails = False

    @property
    def flood(self) -> Flood | None:
        """The flood, while there is one."""
        return self._load.flood

    def configure(self, settings: Load) -> None:
        """Take a new configuration; what is counted stays."""
        self._load.settings = settings

    async def seed(self, journal: Reads) -> None:
        """Count what rang shortly before a start, once: a restart ends no flood."""
        if self._seeded:
            return
        self._seeded = True
        now = self._clock.now()
        since_ns = now.wall_ns - round(self._load.settings.window / timedelta(seconds=1)) * NS
        try:
            lately: list[Alert] = await journal.read(
                lambda ledger: ledger.alerts(since_ns=since_ns, limit=SEED_MAX)
            )
        except (TimeoutError, sqlite3.Error) as busy:
            log.warning("what rang before the start is not counted: %s", busy)
            return
        with self._beside_the_calls():
            for alert in sorted(lately, key=lambda alert: alert.raised.wall_ns):
                # A clock that is not set yet stands before what rang days ago, and would count all of it.
                if since_ns <= alert.raised.wall_ns <= now.wall_ns:
                    self._load.note(alert, alert.raised)

    def moved(self, moved: Moved) -> None:
        """Take what a commit has changed."""
        now = self._clock.now()
        with self._beside_the_calls():
            for _, alert in moved.alerts:
                self._load.note(alert, now)

    async def run(self) -> None:
        """Tell what begins and ends, for ever."""
        while True:
            with self._beside_the_calls():
                self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    @contextmanager
    def _beside_the_calls(self) -> Iterator[None]:
        """Contain what fails: figures stand on the way of a call, and must not end it."""
        try:
            yield
        except Exception:
            if not self._fails:  # once: this turns every few seconds
                log.exception("alerts are not counted")
            self._fails = True

    def look(self) -> None:
        """Look once."""
        for trouble in self._load.look(self._clock.now(), self._persons()):
            self._tell(trouble)
