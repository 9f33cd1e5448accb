"""What keeps both files in order while the gateway runs: a loop for each duty.

A duty that the disk refuses is tried again in its next turn; what that means for alarms and readings is
told by those who write them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from functools import partial
from pathlib import Path

from gateway.journal.alarm_recovery import copy_alarms
from gateway.journal.alarm_store import AlarmStore
from gateway.journal.audit_heads import Head, read_heads, with_head, write_heads
from gateway.journal.database import checkpoint, wal_bytes
from gateway.journal.errors import NotDurable, WriterDied
from gateway.journal.evidence import settle_evidence
from gateway.journal.folder import StateFolder
from gateway.journal.reading_store import ReadingStore
from gateway.journal.threads import Threads
from gateway.journal.troubles import Troubles

log = logging.getLogger(__name__)

LANE = "upkeep"
CURSORS_S = 1.0
WATCH_S = 1.0
CHECKPOINT_S = 5.0
ROOM_S = 5.0
COPY_S = 3600.0
COPY_FIRST_S = 60.0  # after a start, where there is no copy yet
TRUNCATE_BYTES = 64 << 20  # a write-ahead log larger than this (any, on a full disk) is cut while all is idle
IDLE_S = 0.2  # nobody has written for so long
HEAD_FIRST_S = 5.0  # after a start
HEAD_S = 60.0  # what is added and cut off again within it leaves no trace
SLOW_S = 3.0  # a disk that has not answered for so long is told
LOW = "the disk is nearly full: what is left is kept for calls"


class Upkeep:
    """The duties beside retention. Made by `Journal`."""

    def __init__(
        self,
        alarms: AlarmStore,
        readings: ReadingStore,
        folder: StateFolder,
        threads: Threads,
        troubles: Troubles,
    ) -> None:
        """Begin with the disk unmeasured."""
        self._alarms = alarms
        self._readings = readings
        self._folder = folder
        self._threads = threads
        self._troubles = troubles
        self._hurry = asyncio.Event()
        self._copied = -1
        self._heads: list[Head] | None = None
        self.head: Head | None = None
        """The newest entry of the audit log that was noted; None before the first."""
        self.disk_free: float | None = None
        """The free share of the disk, from 0 to 1; None where it cannot be told."""

    async def write_cursors(self) -> None:
        """Write the cursors that have moved, for ever."""
        while True:
            await asyncio.sleep(CURSORS_S)
            try:
                await self._alarms.flush_cursors()
            except NotDurable:
                continue

    async def watch(self) -> None:
        """Tell a disk that hangs, for ever. Raises WriterDied, so that the room is started again."""
        while True:
            await asyncio.sleep(WATCH_S)
            queue = self._readings.queue
            for name, alive, busy_s in (
                ("alarms", self._alarms.alive, self._alarms.waiting_s()),
                ("readings", queue.alive, queue.busy_s()),
            ):
                if not alive:
                    raise WriterDied(f"the writer of {name} died")
                if busy_s >= SLOW_S:
                    self._troubles.begin(
                        "journal.slow", name, f"no answer from the disk within {SLOW_S:.0f} s"
                    )
                else:
                    self._troubles.end("journal.slow", name)

    async def checkpoints(self) -> None:
        """Empty the write-ahead logs into their files, for ever; at once where the disk gets low.

        An emptied log is filled again from its beginning, so it needs no more room then.
        """
        while True:
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECKPOINT_S):
                    await self._hurry.wait()
            for path, idle_s in (
                (self._folder.alarms, self._alarms.idle_s()),
                (self._folder.readings, self._readings.queue.idle_s()),
            ):
                await self._threads.call(LANE, partial(self._checkpoint, path, idle=idle_s >= IDLE_S))

    async def measure(self) -> None:
        """See to the room on the disk and to the reserve, for ever."""
        while True:
            await self.see_to_room()
            await asyncio.sleep(ROOM_S)

    async def see_to_room(self) -> None:
        """Stop routine readings while the disk has room for alarms only; make the reserve again."""
        low, self.disk_free = await self._threads.call(LANE, self._room)
        if low:
            self.stop_readings()
        else:
            self._readings.queue.paused = None
            self._troubles.end("disk.filling", "journal")

    def stop_readings(self) -> None:
        """Leave what room there is to alarms, and say so."""
        if self._readings.queue.paused is None:
            self._hurry.set()
        self._readings.queue.paused = LOW
        self._troubles.begin("disk.filling", "journal", LOW)

    async def copies(self) -> None:
        """Copy the alarms each hour in which something was written, and note which evidence is kept."""
        await asyncio.sleep(COPY_FIRST_S)
        while True:
            commits = self._alarms.commits
            try:
                if commits != self._copied:
                    await self._threads.call(LANE, self._copy)
                    self._copied = commits
                await settle_evidence(self._alarms, self._readings)
            except (NotDurable, TimeoutError, sqlite3.Error, OSError) as error:
                log.warning("the copy of the alarms is made later: %s", error)
            await asyncio.sleep(COPY_S)

    async def note_heads(self) -> None:
        """Note the head of the audit log beside the journal, for ever; only one that a power cut leaves."""
        await asyncio.sleep(HEAD_FIRST_S)
        while True:
            try:
                await self._note_head()
            except (NotDurable, TimeoutError, sqlite3.Error, OSError) as error:
                log.warning("the head of the audit log is noted later: %s", error)
            await asyncio.sleep(HEAD_S)

    async def _note_head(self) -> None:
        if self._heads is None:
            self._heads = await self._threads.call(LANE, partial(read_heads, self._folder.path))
        known = self._heads
        if self.head is not None:
            newest, _ = await self._alarms.read(lambda ledger: ledger.audit_head())
            if newest == self.head.seq:
                return
        # In a commit of its own: when it returns, the disk has what the head names.
        head, begin, belied = await self._alarms.write(lambda ledger: ledger.head_to_note(known))
        new = [each.seq for each in known if each.mark in belied and not each.told]
        if new:
            detail = f"entry {new[0]} is gone or another than was noted: velgate alert audit --verify"
            self._troubles.begin("audit.broken", "audit", detail)
        heads = with_head(known, head, begin, belied)
        await self._threads.call(LANE, partial(write_heads, self._folder.path, heads))
        self._heads, self.head = heads, head

    def _checkpoint(self, path: Path, *, idle: bool) -> None:
        try:
            with self._folder.swap:
                left = checkpoint(path, truncate=False)
                spare = TRUNCATE_BYTES if self._readings.queue.paused is None else 0
                if not left and idle and wal_bytes(path) > spare:
                    checkpoint(path, truncate=True)
        except sqlite3.Error as error:
            log.warning("%s could not be checkpointed: %s", path.name, error)

    def _copy(self) -> None:
        with self._folder.swap:
            copy_alarms(self._folder)

    def _room(self) -> tuple[bool, float | None]:
        try:
            self._folder.make_reserve()
            return self._folder.is_low(), self._folder.free_share()
        except OSError as error:
            log.warning("the room on the disk cannot be told: %s", error)
            return False, None
