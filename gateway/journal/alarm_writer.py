"""The thread side of `alarms.db`: works applied in turn in one transaction, committed with one fsync.

What the loop and this thread share is a queue; everything else here belongs to the thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.journal.database import synchronous
from gateway.journal.errors import NotDurable, disk_failed, reason_of
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.journal.timings import Timings
from gateway.model.alert import Alert
from gateway.model.clock import Clock
from gateway.model.readings import Record
from gateway.model.rows import Notification

T = TypeVar("T")

Relieve = Callable[[sqlite3.Error, sqlite3.Connection], sqlite3.Connection | None]
"""Does something about a disk that refuses, and gives the connection to go on with; None: nothing helps."""

ATTEMPTS = 3  # commits of one group, each after something was done about the error before


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit has made durable, in order."""

    alerts: tuple[tuple[int, Alert], ...]
    events: tuple[tuple[int, Record], ...]
    notifications: tuple[Notification, ...]
    log_seq: int
    """The newest `seq` of the alert log."""
    event_seq: int
    """The newest `seq` of the events."""


@dataclass(slots=True)
class Work(Generic[T]):
    """One queued input and what came of it. `sync` False: it need not wait for the disk."""

    run: Callable[[Ledger], T]
    sync: bool = True
    result: T | None = None
    error: Exception | None = None


class AlarmWriter:
    """Owns the writing connection."""

    def __init__(
        self,
        db: sqlite3.Connection,
        clock: Clock,
        timings: Timings,
        relieve: Relieve,
    ) -> None:
        """Begin with a connection whose commits wait for the disk."""
        self._db = db
        self._clock = clock
        self._timings = timings
        self._relieve = relieve
        self._full = True

    def apply(self, works: Sequence[Work[Any]], cursors: Mapping[str, int]) -> Commit | None:
        """Run the works in turn and commit them once; each then has its result or its error.

        Gives what was committed, None where nothing could be: then each work has NotDurable as its error.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._commit(works, cursors)
            except sqlite3.Error as error:
                self._undo()
                refusal = NotDurable(reason_of(error))
                relieved = self._relieve(error, self._db)
                if relieved is None:
                    break
                if relieved is not self._db:
                    self._db, self._full = relieved, True
        for work in works:
            work.result, work.error = None, refusal
        return None

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _commit(self, works: Sequence[Work[Any]], cursors: Mapping[str, int]) -> Commit:
        full = any(work.sync for work in works)
        if full != self._full:
            synchronous(self._db, full=full)
            self._full = full
        changes = Changes()
        ledger = Ledger(self._db, self._clock, changes)
        self._db.execute("BEGIN IMMEDIATE")
        for work in works:
            self._run(work, ledger, changes)
        for name, to in cursors.items():
            ledger.put_cursor(name, to)
        log_seq, event_seq = ledger.log_seq(), ledger.event_seq()
        begun_s = time.perf_counter()
        self._db.execute("COMMIT")
        if full:
            self._timings.note(time.perf_counter() - begun_s)
        return Commit(
            alerts=tuple(changes.alerts),
            events=tuple(changes.events),
            notifications=tuple(changes.notifications),
            log_seq=log_seq,
            event_seq=event_seq,
        )

    def _run(self, work: Work[Any], ledger: Ledger, changes: Changes) -> None:
        mark = changes.mark()
        work.result = work.error = None
        self._db.execute("SAVEPOINT work")
        try:
            work.result = work.run(ledger)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and disk_failed(error):
                raise
            work.error = error
            changes.back_to(mark)
            self._db.execute("ROLLBACK TO work")
        self._db.execute("RELEASE work")

    def _undo(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:  # the next BEGIN says so again
            return
