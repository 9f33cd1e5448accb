"""The queue before `readings.db`: when a group of readings is due, and what becomes of it.

A group is due a second after its first row, or at 500 rows, but never within a second of the group before:
at most one fsync a second, however much comes. What the disk refuses stays and is tried again; what there
is no room for in memory is dropped, the newest first, counted and told.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from gateway.journal.errors import NotDurable, malformed, reason_of
from gateway.journal.reading_rows import check_storable
from gateway.journal.reading_writer import Group, ReadingWriter
from gateway.journal.threads import Threads, settle
from gateway.model.readings import Guard, Record
from gateway.model.rows import SetAside

T = TypeVar("T")
Renew = Callable[[ReadingWriter], ReadingWriter]
"""Called in the writer's thread for a damaged file: gives the writer of a new one, or raises again."""

GROUP_S = 1.0  # a reading waits for its commit at most this long, and two commits are so far apart
GROUP_ROWS = 500  # rows that make a group due before that
ROWS_MAX = 20_000  # readings that wait in memory; further ones are dropped
ASIDES_MAX = 20_000  # rows set aside that wait in memory; further ones are only logged
RETRY_S = 5.0  # after a disk that refused
CURSOR_S = 5.0  # a moved cursor is written at most this late: what is sent again after a crash
STOP_MAX_S = 3.0  # how long a closing journal waits for a disk that hangs


class ReadingQueue:
    """Takes readings on the loop and has them committed in the writer's thread."""

    def __init__(
        self,
        writer: ReadingWriter,
        threads: Threads,
        *,
        renew: Renew,
        refused: Callable[[str | None], None],
        committed: Callable[[list[tuple[int, Record]]], None],
    ) -> None:
        """`committed` is called on the loop after each commit.

        `refused` is told on the loop why readings are not kept, and None when they are again.
        """
        self.writer = writer
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._renew = renew
        self._refused = refused
        self._committed = committed
        self._pending = Group()
        self._flying: Group | None = None
        self._handed: Group | None = None
        self._chores: deque[tuple[Callable[[ReadingWriter], Any], asyncio.Future[Any]]] = deque()
        self._flying_since_s = 0.0
        self._landed_s = time.monotonic()
        self._first_s = 0.0
        self._not_before_s = float("-inf")
        self._cursors_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._groups = 0  # handed over, without those that came back
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._damaged = False
        self._closed = False
        self._dropping = False
        self.dropped = 0
        """Readings that were not kept since the start."""
        self.paused: str | None = None
        """Why no readings are taken at present: set while the disk has room for alarms only."""
        self._worker = threads.worker("journal-readings", self._turn)

    def append(self, records: Sequence[Record], guards: Sequence[Guard]) -> None:
        """Take readings and guards; see `ReadingStore.append`."""
        for record in records:
            check_storable(record)
        room = 0 if self._closed or self.paused else max(0, ROWS_MAX - self.waiting)
        if not self._pending.records:
            self._first_s = self._loop.time()
        self._pending.records.extend(records[:room])
        for guard in guards:
            self._pending.guards[guard.device, guard.name] = guard
        if len(records) > room:
            self.dropped += len(records) - room
            self._dropping = True
            self._refused(self.paused or f"{ROWS_MAX} readings wait for the disk, and more come")
        self._schedule()

    def move(self, name: str, to: int, aside: Sequence[SetAside]) -> None:
        """Move a cursor together with what was set aside."""
        self._pending.cursors[name] = to
        self.set_aside(aside)

    def set_aside(self, aside: Sequence[SetAside]) -> None:
        """Keep refused rows with the next group."""
        self._pending.asides.extend(aside[: max(0, ASIDES_MAX - len(self._pending.asides))])
        self._schedule()

    async def flush(self) -> None:
        """Have everything taken before committed now. Raises NotDurable where the disk refuses."""
        if not self._pending and self._flying is None:
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._flushes.append((self._groups + bool(self._pending), done))
        self._schedule()
        await done

    async def chore(self, work: Callable[[ReadingWriter], T]) -> T:
        """Run a bite of housekeeping in the writer's thread, after the group that may be there.

        Raises what it raises, and NotDurable after `close`.
        """
        if self._closed:
            raise NotDurable("the journal is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._chores.append((work, done))
        self._worker.wake()
        return await done

    @property
    def waiting(self) -> int:
        """How many readings wait in memory."""
        return len(self._pending.records) + (len(self._flying.records) if self._flying else 0)

    def busy_s(self) -> float:
        """Tell for how long the present commit has taken; 0.0 while there is none."""
        return time.monotonic() - self._flying_since_s if self._flying else 0.0

    def idle_s(self) -> float:
        """Tell for how long nothing was written; 0.0 during a commit."""
        return 0.0 if self._flying else time.monotonic() - self._landed_s

    @property
    def alive(self) -> bool:
        """Whether the writer thread runs."""
        return self._worker.alive

    def revive(self) -> None:
        """Start the writer thread again where it has died."""
        if not self._closed and not self._worker.alive:
            self._worker = self._threads.worker("journal-readings", self._turn)
            self._schedule()

    async def close(self) -> bool:
        """Commit what waits, then end. False where the disk hung or refused, and readings were lost."""
        kept = True
        try:
            async with asyncio.timeout(STOP_MAX_S):
                await self.flush()
        except (NotDurable, TimeoutError):
            kept = False
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        return await self._worker.stop(STOP_MAX_S) and kept

    def _schedule(self) -> None:
        """Hand the pending group over where it is due, or set the timer for when it will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flying is not None or not self._pending or self._closed:
            return
        now_s = self._loop.time()
        due_s = self._due_s(now_s)
        if due_s <= now_s:
            self._hand_over(now_s)
        else:
            self._timer = self._loop.call_at(due_s, self._schedule)

    def _due_s(self, now_s: float) -> float:
        if self._flushes:
            return now_s
        pending = self._pending
        due_s = self._cursors_s + CURSOR_S if pending.cursors else float("inf")
        if pending.asides or pending.guards or pending.records:
            full = len(pending.records) >= GROUP_ROWS
            due_s = min(due_s, now_s if full else max(self._first_s, now_s - GROUP_S) + GROUP_S)
        return max(due_s, self._not_before_s)

    def _hand_over(self, now_s: float) -> None:
        self._flying = self._handed = self._pending
        self._pending = Group()
        self._groups += 1
        self._flying_since_s = time.monotonic()
        self._not_before_s = now_s + GROUP_S
        if self._flying.cursors:
            self._cursors_s = now_s
        self._worker.wake()

    def _turn(self) -> None:
        """Commit the group that was handed over, then do one chore. Runs in the writer's thread."""
        if self._handed is not None:
            group, self._handed = self._handed, None
            self._commit(group)
        if self._chores:
            self._do(*self._chores.popleft())
            if self._chores:
                self._worker.wake()

    def _commit(self, group: Group) -> None:
        rows: list[tuple[int, Record]] | None = None
        reason = "the writer of the journal died"
        try:
            rows = self._apply(group)
        except (sqlite3.Error, OSError) as error:
            reason = reason_of(error)
        finally:
            self._post(partial(self._landed, group, rows, reason))

    def _apply(self, group: Group) -> list[tuple[int, Record]]:
        if not self._damaged:
            try:
                return self.writer.apply(group)
            except sqlite3.Error as error:
                if not malformed(error):
                    raise
                self._damaged = True
        self.writer = self._renew(self.writer)
        self._damaged = False
        return self.writer.apply(group)

    def _do(self, work: Callable[[ReadingWriter], Any], done: asyncio.Future[Any]) -> None:
        try:
            result = work(self.writer)
        except Exception as error:  # noqa: BLE001  (a chore's mistake is its caller's)
            # What cannot be removed would grow for ever: the next group begins the file anew.
            self._damaged |= isinstance(error, sqlite3.Error) and malformed(error)
            self._post(partial(settle, done, None, error))
        else:
            self._post(partial(settle, done, result, None))

    def _post(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _landed(self, group: Group, rows: list[tuple[int, Record]] | None, reason: str) -> None:
        self._flying = None
        self._landed_s = time.monotonic()
        if rows is None:
            self._groups -= 1
            self._keep(group)
            self._not_before_s = self._loop.time() + RETRY_S
            self._refused(reason)
            self._dropping = True
            self._answer_flushes(NotDurable(reason))
        else:
            self._committed(rows)
            if self._dropping and not self.paused and self.waiting < GROUP_ROWS:
                self._dropping = False
                self._refused(None)
            self._answer_flushes(None)
        self._schedule()

    def _answer_flushes(self, refusal: NotDurable | None) -> None:
        """Let those go on whose group has landed; all of them where it was refused."""
        waiting, self._flushes = self._flushes, []
        for needed, done in waiting:
            if refusal is None and needed > self._groups:
                self._flushes.append((needed, done))
            else:
                settle(done, None, refusal)

    def _keep(self, group: Group) -> None:
        """Put a group that was refused before what has come since."""
        later = self._pending
        self._pending = Group(
            records=group.records + later.records,
            guards=group.guards | later.guards,
            cursors=group.cursors | later.cursors,
            asides=group.asides + later.asides,
        )
