"""The thread side of `readings.db`: one group of readings, guards and cursors, one commit."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.journal.database import synchronous
from gateway.journal.errors import disk_failed
from gateway.journal.reading_rows import INSERT_READING, Numbers, Row
from gateway.journal.reading_sums import roll_up
from gateway.journal.record_codec import instant_columns
from gateway.journal.timings import Timings
from gateway.model.clock import NS, ClockQuality
from gateway.model.readings import Guard, Record
from gateway.model.rows import SetAside

log = logging.getLogger(__name__)

T = TypeVar("T")

MINUTE_NS = 60 * NS
LATE_NS = MINUTE_NS  # a reading whose own time is further off than this is listed apart
SUM_ROWS = 10_000  # rows after which the hours are summed up, at the latest
SUM_S = 300.0  # and seconds
ASIDE_MAX = 10_000  # rows set aside for each outlet; the oldest are then only counted


@dataclass(slots=True)
class Group:
    """What is committed together."""

    records: list[Record] = field(default_factory=list)
    guards: dict[tuple[str, str], Guard] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    asides: list[SetAside] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.records or self.guards or self.cursors or self.asides)


class ReadingWriter:
    """Owns the writing connection of `readings.db`. Used by one thread at a time."""

    def __init__(self, db: sqlite3.Connection, timings: Timings, *, first_seq: int = 1) -> None:
        """`first_seq` is what an empty file begins with, so that no `seq` is given twice."""
        self.db = db
        self.numbers = Numbers(db)
        self._timings = timings
        self._minute: tuple[int, bool] | None = None
        self.next_seq = max(
            first_seq, 1 + (_one(db, "SELECT seq FROM reading ORDER BY seq DESC LIMIT 1") or 0)
        )
        self._summed_seq = mark(db, "summed_seq")
        self._summed_s = time.monotonic()
        first = _one(db, "SELECT seq FROM reading ORDER BY seq LIMIT 1")
        unsummed = 0 if first is None else self.next_seq - max(first, self._summed_seq + 1)
        self.rows = mark(db, "rows") + unsummed
        """How many readings the file holds."""

    def apply(self, group: Group) -> list[tuple[int, Record]]:
        """Commit a group; gives its records with their `seq`. Raises sqlite3.Error where the disk refuses.

        A record that cannot be written for a reason of its own is left out and logged, and holds up nothing.
        """
        try:
            return self._commit(group, self._all)
        except (sqlite3.Error, OverflowError, ValueError, TypeError) as error:
            self._undo()
            if isinstance(error, sqlite3.Error) and disk_failed(error):
                raise
            log.exception("a group of readings could not be written; trying each alone")
        try:
            return self._commit(group, self._each)
        except sqlite3.Error:
            self._undo()
            raise

    def work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a piece of housekeeping in a transaction of its own that does not wait for the disk."""
        synchronous(self.db, full=False)
        try:
            self.db.execute("BEGIN IMMEDIATE")
            done = work(self.db)
            self.db.execute("COMMIT")
        except sqlite3.Error:
            self._undo()
            raise
        finally:
            synchronous(self.db, full=True)
        return done

    def _commit(
        self, group: Group, insert: Callable[[Sequence[Record]], list[tuple[int, Record]]]
    ) -> list[tuple[int, Record]]:
        db, next_seq, minute = self.db, self.next_seq, self._minute
        try:
            db.execute("BEGIN IMMEDIATE")
            rows = insert(group.records)
            _put_guards(db, group.guards.values())
            db.executemany(
                "INSERT INTO cursor (name, seq) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
                group.cursors.items(),
            )
            _put_asides(db, group.asides)
            summed = self._sum_up(self.rows + len(rows))
            begun_s = time.perf_counter()
            db.execute("COMMIT")
        except BaseException:
            self.next_seq, self._minute = next_seq, minute
            raise
        self._timings.note(time.perf_counter() - begun_s)
        self.rows += len(rows)
        if summed:
            self._summed_seq, self._summed_s = self.next_seq - 1, time.monotonic()
        return rows

    def _all(self, records: Sequence[Record]) -> list[tuple[int, Record]]:
        rows = list(enumerate(records, self.next_seq))
        encoded = [self.numbers.encode(self.db, seq, record) for seq, record in rows]
        self._note_times(encoded, records)
        self.db.executemany(INSERT_READING, encoded)
        self.next_seq += len(rows)
        return rows

    def _each(self, records: Sequence[Record]) -> list[tuple[int, Record]]:
        kept: list[tuple[int, Record]] = []
        for record in records:
            self.db.execute("SAVEPOINT one")
            try:
                kept.extend(self._all([record]))
            except (sqlite3.Error, OverflowError, ValueError, TypeError) as error:
                if isinstance(error, sqlite3.Error) and disk_failed(error):
                    raise
                self.db.execute("ROLLBACK TO one")
                self.numbers.load(self.db)
                log.error("a reading of %s/%s could not be written", record.device, record.quantity)  # noqa: TRY400
            self.db.execute("RELEASE one")
        return kept

    def _note_times(self, encoded: Sequence[Row], records: Sequence[Record]) -> None:
        for row, record in zip(encoded, records, strict=True):
            minute = record.at.wall_ns // MINUTE_NS, record.clock is not ClockQuality.UNSYNCED
            if minute != self._minute:
                stepped = self._minute is None or minute[0] < self._minute[0]
                self.db.execute(
                    "INSERT INTO minute (seq, minute, trusted, stepped) VALUES (?, ?, ?, ?)",
                    (row[0], *minute, stepped),
                )
                self._minute = minute
            if abs(row[5]) > LATE_NS:
                self.db.execute("INSERT INTO late (time_ns, seq) VALUES (?, ?)", (record.time_ns, row[0]))

    def _sum_up(self, rows: int) -> bool:
        last = self.next_seq - 1
        behind = last - self._summed_seq
        if not behind or (behind < SUM_ROWS and time.monotonic() - self._summed_s < SUM_S):
            return False
        roll_up(self.db, self._summed_seq, last)
        put_mark(self.db, "summed_seq", last)
        put_mark(self.db, "rows", rows)
        return True

    def _undo(self) -> None:
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            self.numbers.load(self.db)
        except sqlite3.Error:
            log.warning("the readings file could not be rolled back", exc_info=True)


def mark(db: sqlite3.Connection, name: str) -> int:
    """Give a number of the housekeeping; 0 where it was never set."""
    return _one(db, "SELECT value FROM mark WHERE name = ?", name) or 0


def put_mark(db: sqlite3.Connection, name: str, value: int) -> None:
    """Set a number of the housekeeping."""
    db.execute(
        "INSERT INTO mark (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _one(db: sqlite3.Connection, query: str, *values: str) -> int | None:
    row = db.execute(query, values).fetchone()
    return None if row is None else int(row[0])


def _put_guards(db: sqlite3.Connection, guards: Iterable[Guard]) -> None:
    db.executemany(
        "INSERT INTO guard (device, name, value, wall_ns, mono_ns, boot, quality)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (device, name) DO UPDATE SET value = excluded.value, wall_ns = excluded.wall_ns,"
        " mono_ns = excluded.mono_ns, boot = excluded.boot, quality = excluded.quality",
        ((each.device, each.name, each.value, *instant_columns(each.at)) for each in guards),
    )


def _put_asides(db: sqlite3.Connection, asides: Sequence[SetAside]) -> None:
    for each in asides:
        db.execute(
            "INSERT INTO aside (outlet, seq, record, device, quantity, reason,"
            " wall_ns, mono_ns, boot, quality) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                each.outlet,
                each.seq,
                each.record,
                each.device,
                each.quantity,
                each.reason,
                *instant_columns(each.at),
            ),
        )
    for outlet, count in Counter(each.outlet for each in asides).items():
        db.execute(
            "INSERT INTO aside_count (outlet, count) VALUES (?, ?)"
            " ON CONFLICT (outlet) DO UPDATE SET count = count + excluded.count",
            (outlet, count),
        )
        db.execute(
            "DELETE FROM aside WHERE outlet = ?1 AND id <= (SELECT id FROM aside WHERE outlet = ?1"
            " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (outlet, ASIDE_MAX),
        )
