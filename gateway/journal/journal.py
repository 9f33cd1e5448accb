"""The journal as a whole: both files, opened, kept in order, closed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.journal.alarm_schema import ALARM_MIGRATIONS
from gateway.journal.alarm_store import AlarmStore
from gateway.journal.database import connect, migrate
from gateway.journal.reading_schema import READING_MIGRATIONS
from gateway.journal.reading_store import ReadingStore
from gateway.journal.reading_writer import ReadingWriter
from gateway.journal.threads import RealThreads, Threads
from gateway.journal.timings import Timings, percentile
from gateway.model.clock import Clock
from gateway.model.readings import Guard
from gateway.model.trouble import TellTrouble


class Journal:
    """The one durable thing. Made by `open`; `alarms` and `readings` are its two halves."""

    def __init__(
        self, alarms: AlarmStore, readings: ReadingStore, threads: Threads, timings: Timings
    ) -> None:
        """Use `open`."""
        self.alarms = alarms
        self.readings = readings
        self._threads = threads
        self._timings = timings
        self._boots: dict[str, int] = {}
        self._alarm_guards: list[Guard] = []

    @classmethod
    async def open(
        cls, state: Path, clock: Clock, tell: TellTrouble, *, threads: Threads | None = None
    ) -> Journal:
        """Open the journal of a state folder, which is made where it is missing. Raises Problem."""
        threads = threads or RealThreads()
        await threads.call("upkeep", lambda: state.mkdir(parents=True, exist_ok=True))
        timings = Timings()
        alarm_path, reading_path = state / "alarms.db", state / "readings.db"
        alarm_db = connect(alarm_path)
        migrate(alarm_db, alarm_path, ALARM_MIGRATIONS)
        reading_db = connect(reading_path)
        migrate(reading_db, reading_path, READING_MIGRATIONS)
        alarms = AlarmStore(alarm_path, alarm_db, clock, threads, lambda error: None)
        readings = ReadingStore(
            reading_path,
            ReadingWriter(reading_db, timings),
            threads,
            renew=lambda writer, error: None,
            refused=lambda reason: None,
        )
        journal = cls(alarms, readings, threads, timings)
        await alarms.write(lambda ledger: ledger.begin_boot(clock.now().boot))
        journal._boots, journal._alarm_guards = await alarms.read(
            lambda ledger: (ledger.boots(), ledger.guards())
        )
        return journal

    def guards(self) -> list[Guard]:
        """Give what was last accepted of each device, of both files, as they stood at the start."""
        newest: dict[tuple[str, str], Guard] = {}
        for guard in [*self._alarm_guards, *self.readings.guards()]:
            known = newest.get((guard.device, guard.name))
            if known is None or self._order(guard) > self._order(known):
                newest[guard.device, guard.name] = guard
        return list(newest.values())

    async def run(self) -> None:
        """Keep both files in order, for ever."""
        while True:
            await asyncio.sleep(1)
            await self.alarms.flush_cursors()

    async def close(self) -> None:
        """Commit what waits and close."""
        await self.readings.close()
        await self.alarms.close()
        self._threads.close()

    def health(self) -> dict[str, Any]:
        """Give the journal's part of the health document."""
        recent = self.alarms.timings.recent_ms() + self._timings.recent_ms()
        return {
            "records": self.readings.queue.writer.rows,
            "fsync_p99_ms": percentile(recent, 0.99),
            "disk_free": None,
        }

    def _order(self, guard: Guard) -> tuple[int, int]:
        return self._boots.get(guard.at.boot, -1), guard.at.mono_ns
