"""`alarms.db`: everything that an alarm needs to survive, each change with an fsync of its own.

Inputs are queued, not results: a work runs inside the writer, in the transaction, on the state as the works
before it left it. Works that wait together share one commit; each has a savepoint, so that one that raises
undoes itself alone.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gateway.journal.alarm_writer import AlarmWriter, Commit, Relieve, Work
from gateway.journal.errors import NotDurable, malformed
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.journal.reader import Reader
from gateway.journal.threads import Threads, settle
from gateway.journal.timings import Timings
from gateway.model.clock import Clock

T = TypeVar("T")

WORKS_MAX = 5000  # works that wait for the disk; a further one is refused as not durable
GROUP_MAX = 200  # works a commit; more would make the first of them wait for the last
STOP_MAX_S = 3.0  # how long a closing journal waits for a disk that hangs
READER = "alarm-reader"


@dataclass(frozen=True, slots=True)
class Start:
    """What a store begins with."""

    log_seq: int
    event_seq: int
    events: int
    cursors: dict[str, int]

    @classmethod
    def of(cls, ledger: Ledger) -> Start:
        """Read it from the file."""
        return cls(ledger.log_seq(), ledger.event_seq(), ledger.event_count(), ledger.cursors())


class AlarmStore:
    """The writer of `alarms.db` and its readers. Made by `Journal.open`; its methods belong to the loop."""

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        start: Start,
        clock: Clock,
        threads: Threads,
        relieve: Relieve,
    ) -> None:
        """`db` is the writing connection; `relieve` is called in the writer's thread."""
        self._clock = clock
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._callbacks: list[Callable[[Commit], None]] = []
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()
        self._busy_since_s: float | None = None
        self._cursors = dict(start.cursors)
        self._unwritten: dict[str, int] = {}
        self._asked: set[str] = set()
        self._closed = False
        self._last_s = time.monotonic()
        self.timings = Timings()
        self.commits = 0
        """How many commits there were since the start."""
        self.refuses: str | None = None
        """Why nothing can be kept at all: the journal is in memory. None: it is on the disk."""
        self.refusal: str | None = None
        """Why the last commit that was tried could not be kept; None where it was."""
        self._writer = AlarmWriter(db, clock, self.timings, relieve)
        self._reader = Reader(path)
        self.log_seq = start.log_seq
        """The newest `seq` of the alert log that is committed."""
        self.event_seq = start.event_seq
        """The newest `seq` of the events that is committed."""
        self.events = start.events
        """How many events the file holds; what retention removed since the start is not taken off."""
        self._worker = threads.worker("journal-alarms", self._turn)

    async def write(self, work: Callable[[Ledger], T], *, sync: bool = True) -> T:
        """Queue a work, run it in its turn inside a transaction, and return its result after the fsync.

        `work` runs in the writer's thread, perhaps more than once (after a disk that was full), so it must
        do nothing but use the ledger. What it raises undoes it alone and is raised here. Raises NotDurable
        where the disk refuses or too much waits. Cancelling the wait does not undo the work: it is queued.
        `sync=False` is for housekeeping, which may be lost with a power cut.
        """
        if self.refuses is not None:
            self.refusal = self.refuses
            raise NotDurable(self.refuses)
        if self._closed or len(self._waiting) >= WORKS_MAX:
            raise NotDurable("the journal is closed" if self._closed else "too much waits for the disk")
        done: asyncio.Future[T] = self._loop.create_future()
        with self._lock:
            self._waiting.append((Work(work, sync), done))
            if self._busy_since_s is None:
                self._busy_since_s = time.monotonic()
        self._worker.wake()
        return await done

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Run a work on the committed state, in a thread of its own; the writer never waits for it.

        Where it meets damage the file is repaired first. Raises TimeoutError where it takes longer than a
        second (`reader.READ_MAX_S`): read in pages.
        """
        try:
            return await self._threads.call(READER, partial(self._read, work))
        except sqlite3.DatabaseError as error:
            if not malformed(error):
                raise
            await self.write(_once(error))
        return await self._threads.call(READER, partial(self._read, work))

    def on_commit(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        """Have a function called on the loop after each commit, before its writers go on. Gives its end."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    def cursor(self, name: str) -> int:
        """Give up to which `seq` a lane of events or alerts is delivered; 0 at its beginning.

        Lanes of alerts are called `…/alerts`: states that such a lane has still to send are kept for it
        from the moment it asks here.
        """
        self._asked.add(name)
        return self._cursors.setdefault(name, 0)

    def cursors(self) -> dict[str, int]:
        """Give the cursors of the lanes that were asked for since the start."""
        return {name: self._cursors.get(name, 0) for name in self._asked}

    def advance(self, name: str, to: int) -> None:
        """Move the cursor of a lane. Written with a later commit: after a crash a little is sent again."""
        self._cursors[name] = to
        with self._lock:
            self._unwritten[name] = to

    async def forget_cursor(self, name: str) -> None:
        """Remove the cursor of an outlet that is no longer configured, so that nothing waits for it."""
        self._cursors.pop(name, None)
        self._asked.discard(name)
        with self._lock:
            self._unwritten.pop(name, None)
        await self.write(lambda ledger: ledger.end_cursor(name), sync=False)

    async def flush_cursors(self) -> None:
        """Write the cursors that have moved, without an fsync of their own."""
        if self._unwritten:
            await self.write(_nothing, sync=False)

    async def verify_audit(self) -> int | None:
        """Check the audit log page by page; gives the `seq` of the first broken entry, or None."""
        place: tuple[int, bytes] | int | None = await self.read(Ledger.audit_begin)
        while isinstance(place, tuple):
            after, before = place
            place = await self.read(lambda ledger, a=after, b=before: ledger.check_audit(a, b))  # type: ignore[misc]
        return place

    @property
    def alive(self) -> bool:
        """Whether the writer thread runs."""
        return self._worker.alive

    @property
    def waiting(self) -> int:
        """How many works wait for the disk."""
        return len(self._waiting)

    def waiting_s(self) -> float:
        """Tell for how long the writer has been busy without a commit; 0.0 while it is idle."""
        since = self._busy_since_s
        return 0.0 if since is None else time.monotonic() - since

    def idle_s(self) -> float:
        """Tell for how long nothing was written; 0.0 while something waits."""
        return 0.0 if self._busy_since_s is not None else time.monotonic() - self._last_s

    def revive(self) -> None:
        """Start the writer thread again where it has died."""
        if not self._closed and not self._worker.alive:
            self._worker = self._threads.worker("journal-alarms", self._turn)
            self._worker.wake()

    def close_readers(self) -> None:
        """Close the reading connection for a moment: the file is about to be replaced. From any thread."""
        self._reader.close()

    async def close(self) -> bool:
        """Commit what waits, then end. False where the disk hung and something may not have been kept."""
        if self._closed:
            return True
        self._closed = True
        if self._unwritten:
            with self._lock:
                self._waiting.append((Work(_nothing, sync=False), self._loop.create_future()))
        self._worker.wake()
        ended = await self._worker.stop(STOP_MAX_S)
        if ended:
            self._writer.close()
            await self._threads.call(READER, self._reader.close)
        return ended

    def _read(self, work: Callable[[Ledger], T]) -> T:
        return self._reader.run(lambda db: work(Ledger(db, self._clock, Changes())))

    def _turn(self) -> None:
        """Commit everything that waits, in groups. Runs in the writer's thread."""
        while group := self._take():
            works = [work for work, _ in group]
            with self._lock:
                cursors, self._unwritten = self._unwritten, {}
            commit: Commit | None = None
            try:
                commit = self._writer.apply(works, cursors)
            except BaseException:
                for work in works:
                    work.result, work.error = None, NotDurable("the writer of the journal died")
                raise
            finally:
                with self._lock:
                    if commit is None:
                        self._unwritten = cursors | self._unwritten
                    self._last_s = time.monotonic()
                    self._busy_since_s = time.monotonic() if self._waiting else None
                self._post(partial(self._deliver, commit, group))

    def _take(self) -> list[tuple[Work[Any], asyncio.Future[Any]]]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]

    def _post(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _deliver(self, commit: Commit | None, group: Iterable[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        """Tell a commit to those who listen, then let its writers go on. Runs on the loop."""
        if commit is not None:
            self.commits += 1
            self.events += len(commit.events)
            self.log_seq, self.event_seq = commit.log_seq, commit.event_seq
            for callback in tuple(self._callbacks):
                try:
                    callback(commit)
                except Exception as error:  # noqa: BLE001  (a listener's mistake must not hold up the writers)
                    self._loop.call_exception_handler(
                        {"message": "a listener to commits failed", "exception": error}
                    )
        for work, done in group:
            self.refusal = work.error.reason if isinstance(work.error, NotDurable) else None
            settle(done, work.result, work.error)


def _once(error: sqlite3.DatabaseError) -> Callable[[Ledger], None]:
    """Give a work that meets the same damage as a reader did, so that the writer has the file repaired."""
    met = iter((error,))

    def meet(ledger: Ledger) -> None:
        del ledger
        for each in met:
            raise each

    return meet


def _nothing(ledger: Ledger) -> None:
    del ledger
