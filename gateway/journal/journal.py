"""The journal as a whole: both files, opened, kept in order, closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gateway.journal.alarm_recovery import open_alarms, repair_alarms
from gateway.journal.alarm_store import AlarmStore
from gateway.journal.errors import NotDurable, disk_full, malformed
from gateway.journal.evidence import put_back_evidence
from gateway.journal.folder import Room, StateFolder
from gateway.journal.keeping import Retention
from gateway.journal.reading_recovery import begin_anew, open_readings
from gateway.journal.reading_store import ReadingStore
from gateway.journal.reading_writer import ReadingWriter
from gateway.journal.shelter import READINGS_MAX_BYTES, leave, may_run_from_memory, shelter
from gateway.journal.threads import RealThreads, Threads
from gateway.journal.timings import Timings, percentile
from gateway.journal.troubles import Troubles
from gateway.journal.upkeep import LANE, Upkeep
from gateway.model.clock import Clock
from gateway.model.problem import Problem
from gateway.model.readings import Guard
from gateway.model.rows import Keeping
from gateway.model.together import together
from gateway.model.trouble import TellTrouble

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterState:
    """How a writer thread is, for the watchdog and the health document."""

    name: str
    alive: bool
    """False: it died of a fault of its own; a restart cures that."""
    busy_s: float
    """How long the present commit has taken: a disk that hangs, which no restart cures."""
    waiting: int
    """How much waits for it: works on alarms, or readings."""


class Journal:
    """The one durable thing. Made by `open`; `alarms` and `readings` are its two halves."""

    def __init__(
        self, folder: StateFolder, clock: Clock, tell: TellTrouble, threads: Threads, keeping: Keeping
    ) -> None:
        """Use `open`."""
        self._folder = folder
        self._clock = clock
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._troubles = Troubles(tell)
        self._timings = Timings()
        self._boots: dict[str, int] = {}
        self._alarm_guards: list[Guard] = []
        self._damaged = False
        self._unkept: str | None = None
        self._keeping = keeping
        self._upkeep: Upkeep
        self._retention: Retention
        self.alarms: AlarmStore
        """Events, alerts and everything that an alarm needs to survive."""
        self.readings: ReadingStore
        """Measurements and states."""
        self.instance = folder.instance
        """The UUID of the state folder: two gateways with one name tell each other apart by it."""

    @classmethod
    async def open(
        cls,
        state: Path,
        clock: Clock,
        tell: TellTrouble,
        *,
        keeping: Keeping | None = None,
        room: Room | None = None,
        threads: Threads | None = None,
    ) -> Journal:
        """Open the journal of a state folder, which is made where it is missing.

        Checks, repairs and migrates both files and puts lost evidence back; what was repaired is told when
        `run` begins. Where the disk takes nothing it runs from memory (`from_memory`), which is told as well.
        Raises Problem: `Exit.REFUSED` where another gateway uses the folder, or where none is to be had.
        """
        threads = threads or RealThreads()
        try:
            return await cls._on_disk_or_not(state, clock, tell, threads, keeping or Keeping(), room)
        except BaseException:
            threads.close()
            raise

    @classmethod
    async def _on_disk_or_not(
        cls,
        state: Path,
        clock: Clock,
        tell: TellTrouble,
        threads: Threads,
        keeping: Keeping,
        room: Room | None,
    ) -> Journal:
        try:
            folder = await threads.call(LANE, lambda: StateFolder(state, room))
            return await cls._opened(folder, clock, tell, threads, keeping)
        except Problem as problem:
            if not may_run_from_memory(state, problem):
                raise
            log.critical("alarms go out from memory, and nothing is kept: %s", problem)
            found = problem.findings[0].found
        folder = await threads.call(LANE, lambda: shelter(state))
        return await cls._opened(folder, clock, tell, threads, keeping, unkept=found)

    @classmethod
    async def _opened(
        cls,
        folder: StateFolder,
        clock: Clock,
        tell: TellTrouble,
        threads: Threads,
        keeping: Keeping,
        *,
        unkept: str | None = None,
    ) -> Journal:
        """Open the files of a folder; `unkept` says why it is one in memory. Raises Problem."""
        if unkept is not None:
            keeping = replace(keeping, readings_bytes=min(keeping.readings_bytes, READINGS_MAX_BYTES))
        journal = cls(folder, clock, tell, threads, keeping)
        async with AsyncExitStack() as undo:
            undo.callback(folder.close)
            journal._unkept = unkept
            await journal._start(undo)
            undo.pop_all()
        return journal

    async def run(self) -> None:
        """Keep both files in order, for ever: cursors, checkpoints, room on the disk, copies, retention.

        Tells what was found when it was opened. Raises WriterDied where a writer thread has died; running
        it again starts that thread anew.
        """
        self._troubles.start()
        self.alarms.revive()
        self.readings.queue.revive()
        await together(
            self._upkeep.write_cursors(),
            self._upkeep.watch(),
            self._upkeep.checkpoints(),
            self._upkeep.measure(),
            self._upkeep.copies(),
            self._upkeep.note_heads(),
            self._retention.run(),
        )

    async def close(self) -> None:
        """Commit what waits and close both files; gives up on a disk that hangs after some seconds."""
        readings, alarms = await asyncio.gather(self.readings.close(), self.alarms.close())
        for name, kept in (("readings", readings), ("alarms", alarms)):
            if not kept:
                log.error("the disk did not take the last %s before the journal was closed", name)
        await self._threads.call(LANE, self._folder.close)
        if self.from_memory:
            await self._threads.call(LANE, partial(leave, self._folder))
        self._threads.close()

    def guards(self) -> list[Guard]:
        """Give what was last accepted of each device, of both files, as they stood at the start."""
        newest: dict[tuple[str, str], Guard] = {}
        for guard in [*self._alarm_guards, *self.readings.guards()]:
            known = newest.get((guard.device, guard.name))
            if known is None or self._order(guard) > self._order(known):
                newest[guard.device, guard.name] = guard
        return list(newest.values())

    @property
    def from_memory(self) -> bool:
        """Whether nothing is kept: the disk took nothing when this was opened. A restart tries it again."""
        return self._unkept is not None

    def keep(self, keeping: Keeping) -> None:
        """Keep things for another time from now on."""
        if self.from_memory:
            keeping = replace(keeping, readings_bytes=min(keeping.readings_bytes, READINGS_MAX_BYTES))
        self._retention.keeping = keeping

    def health(self) -> dict[str, Any]:
        """Give the journal's part of the health document; null where something is not known."""
        recent = self.alarms.timings.recent_ms() + self._timings.recent_ms()
        slowest, head = percentile(recent, 0.99), self._upkeep.head
        return {
            "records": self.alarms.events + self.readings.queue.writer.rows,
            "fsync_p99_ms": None if slowest is None else round(slowest, 3),
            "disk_free": None if self.from_memory else self._upkeep.disk_free,
            "dropped": self.readings.queue.dropped,
            "audit": {"seq": head and head.seq, "hash": head and head.hash},
        }

    def writers(self) -> tuple[WriterState, WriterState]:
        """Give how the writers of alarms and readings are."""
        queue = self.readings.queue
        return (
            WriterState("alarms", self.alarms.alive, self.alarms.waiting_s(), self.alarms.waiting),
            WriterState("readings", queue.alive, queue.busy_s(), queue.waiting),
        )

    async def _start(self, undo: AsyncExitStack) -> None:
        folder, threads = self._folder, self._threads
        await threads.call(LANE, folder.make_way)
        alarms = await threads.call(LANE, partial(open_alarms, folder, self._clock))
        self.alarms = AlarmStore(folder.alarms, alarms.db, alarms.start, self._clock, threads, self._relieve)
        undo.push_async_callback(self.alarms.close)
        if self._unkept is not None:
            self.alarms.refuses = f"it runs from memory: {self._unkept}"
            self._troubles.begin(
                "journal.failing",
                "alarms",
                f"calls go out from memory and cannot be taken, for the state folder cannot be used:"
                f" {self._unkept}. Mend it and restart; what is shown now is in memory alone",
            )
        readings = await threads.call(LANE, partial(open_readings, folder.readings, self._timings))
        self.readings = ReadingStore(
            folder.readings,
            readings.writer,
            readings.start,
            threads,
            self.alarms,
            renew=self._renew,
            refused=self._refused,
            damaged=self._met_damage,
        )
        undo.push_async_callback(self.readings.close)
        self._upkeep = Upkeep(self.alarms, self.readings, folder, threads, self._troubles)
        self._retention = Retention(
            self.alarms, self.readings, folder, self._clock, self._troubles, self._keeping
        )
        for name, repaired in (("alarms", alarms.repaired), ("readings", readings.repaired)):
            if repaired is not None:
                self._repaired(name, repaired)
        boot = self._clock.now().boot
        try:
            await self.alarms.write(lambda ledger: ledger.begin_boot(boot), sync=False)
        except NotDurable as refusal:  # a full disk keeps nobody from hearing calls
            log.warning("the boot could not be noted: %s", refusal.reason)
        self._boots, self._alarm_guards = await self.alarms.read(
            lambda ledger: (ledger.boots(), ledger.guards())
        )
        await self._upkeep.see_to_room()
        await put_back_evidence(self.alarms, self.readings)

    def _order(self, guard: Guard) -> tuple[int, int]:
        return self._boots.get(guard.at.boot, -1), guard.at.mono_ns

    def _relieve(self, error: sqlite3.Error, db: sqlite3.Connection) -> sqlite3.Connection | None:
        """Do something about a disk that refuses alarms. Runs in their writer's thread."""
        if self._damaged or malformed(error):
            self._damaged = True
            return self._repair_alarms(db)
        if not disk_full(error):
            return db
        self._post(self._upkeep.stop_readings)
        return db if self._folder.give_up_reserve() else None

    def _repair_alarms(self, db: sqlite3.Connection) -> sqlite3.Connection | None:
        with self._folder.swap:
            db.close()
            self.alarms.close_readers()
            try:
                opened = repair_alarms(self._folder, self._clock)
            except (sqlite3.Error, OSError, Problem):
                log.exception("alarms.db is damaged and could not be repaired")
                return None
        self._damaged = False
        self._post(partial(self._repaired, "alarms", opened.repaired or ""))
        return opened.db

    def _renew(self, writer: ReadingWriter) -> ReadingWriter:
        """Begin the readings anew. Runs in their writer's thread."""
        with self._folder.swap:
            writer.db.close()
            opened = begin_anew(self._folder.readings, self._timings, writer.next_seq)
        self._post(partial(self._repaired, "readings", opened.repaired or ""))
        return opened.writer

    def _refused(self, reason: str | None) -> None:
        if reason is None:
            self._troubles.end("readings.dropped", "readings")
        else:
            self._troubles.begin("readings.dropped", "readings", reason)

    def _met_damage(self) -> None:
        left_out = "a part of readings.db is damaged; the readings on it are left out"
        self._troubles.begin("readings.dropped", "damaged", left_out)

    def _repaired(self, name: str, text: str) -> None:
        self._troubles.begin("journal.repaired", name, text)

    def _post(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody listens any more
            self._loop.call_soon_threadsafe(call)
