"""`readings.db`: measurements and states, committed in groups, read back by cursors.

What is appended waits in memory for at most a second or 500 rows; a crash takes what waited. Events are not
here. Order is `seq`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.journal import history
from gateway.journal.alarm_store import AlarmStore
from gateway.journal.reader import Reader
from gateway.journal.reading_damage import Passed, rows_after
from gateway.journal.reading_queue import ReadingQueue, Renew
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_sums import hours, newest
from gateway.journal.reading_writer import Group, ReadingWriter, mark
from gateway.journal.record_codec import read_instant
from gateway.journal.threads import Threads
from gateway.journal.wanted import Wanted
from gateway.model.readings import Guard, Kind, Record
from gateway.model.rows import HourSum, SetAside

T = TypeVar("T")

BATCH_MAX = 1000  # rows a read
DELIVERY, HISTORY = "reading-delivery", "reading-history"  # a chart never delays an outlet


@dataclass(frozen=True, slots=True)
class Batch:
    """What follows a cursor: records with their `seq`, where to move it, the newest `seq` there is."""

    rows: tuple[tuple[int, Record], ...]
    end: int
    head: int


@dataclass(frozen=True, slots=True)
class Start:
    """What a store begins with."""

    head: int
    cursors: dict[str, int]
    aside: dict[str, int]
    latest: list[Record]
    guards: list[Guard]

    @classmethod
    def of(cls, writer: ReadingWriter) -> Start:
        """Read it from the file."""
        db = writer.db
        guards = db.execute("SELECT device, name, value, wall_ns, mono_ns, boot, quality FROM guard")
        return cls(
            head=writer.next_seq - 1,
            cursors=dict(db.execute("SELECT name, seq FROM cursor")),
            aside=dict(db.execute("SELECT outlet, count FROM aside_count")),
            latest=[record for _, record in newest(db, writer.numbers, mark(db, "summed_seq"))],
            guards=[Guard(row[0], row[1], row[2], read_instant(row[3:7])) for row in guards],
        )


class ReadingStore:
    """The readings. Made by `Journal.open`; its methods belong to the loop."""

    def __init__(
        self,
        path: Path,
        writer: ReadingWriter,
        start: Start,
        threads: Threads,
        alarms: AlarmStore,
        *,
        renew: Renew,
        refused: Callable[[str | None], None],
        damaged: Callable[[], None],
    ) -> None:
        """`renew` and `refused` as in `ReadingQueue`; `damaged` is told when a part cannot be read."""
        self._threads = threads
        self._lanes = {lane: _Lane(path) for lane in (DELIVERY, HISTORY)}
        self._news = asyncio.Event()
        self._alarms = alarms
        self._damaged = damaged
        self.head = start.head
        """The newest `seq` that is committed."""
        self._cursors = dict(start.cursors)
        self._aside = dict(start.aside)
        self._latest = {_point(each): each for each in start.latest}
        self._guards = start.guards
        self.queue = ReadingQueue(
            writer, threads, renew=self._renewing(renew), refused=refused, committed=self._committed
        )

    def append(self, records: Sequence[Record], guards: Sequence[Guard] = ()) -> None:
        """Take readings, with the guards that protect them. Never blocks.

        Where too many wait, or the disk has room for alarms only, the newest are dropped, counted and told.
        Raises ValueError for a value that no column can hold.
        """
        self.queue.append(records, guards)

    async def flush(self) -> None:
        """Have everything that was appended before committed. Raises NotDurable where the disk refuses."""
        await self.queue.flush()

    async def after(self, cursor: int, limit: int) -> Batch:
        """Give what follows `cursor`, oldest first, at most `BATCH_MAX`; waits while there is nothing.

        Where retention has overtaken the cursor, the batch begins with the oldest that is left; what is
        damaged is left out, and told.
        """
        while True:
            news = self._news
            if self.head > cursor:
                work = partial(_rows_after, cursor, min(limit, BATCH_MAX), self.head)
                passed = await self._read(DELIVERY, work)
                if passed.damaged:
                    self._damaged()
                if passed.rows:
                    return Batch(rows=tuple(passed.rows), end=passed.reached, head=self.head)
                cursor = passed.reached
                if cursor < self.head and passed.damaged:
                    continue
            await news.wait()

    async def cursor(self, name: str) -> int:
        """Give up to which `seq` an outlet has delivered; 0 at its beginning."""
        return self._cursors.setdefault(name, 0)

    def cursors(self) -> dict[str, int]:
        """Give the cursors of all outlets."""
        return dict(self._cursors)

    async def advance(self, name: str, to: int, aside: Sequence[SetAside] = ()) -> None:
        """Move an outlet's cursor, together with what was refused. Returns before they are written.

        A crash within the next seconds sends the batch again, and its refusals come again too.
        """
        self._cursors[name] = to
        self.queue.move(name, to, aside)
        self._count(aside)

    def set_aside(self, aside: Sequence[SetAside]) -> None:
        """Keep rows of another lane (events, alerts) that were refused for good, with the reason."""
        self.queue.set_aside(aside)
        self._count(aside)

    async def asides(self, outlet: str | None = None, *, limit: int = 100) -> list[SetAside]:
        """Give what was set aside, the newest first, with the reason; of one outlet or of all."""
        return await self.read(partial(_asides, outlet, min(limit, BATCH_MAX)))

    def aside_counts(self) -> dict[str, int]:
        """Give how many rows were ever set aside, by outlet."""
        return dict(self._aside)

    def latest(self) -> list[Record]:
        """Give the last committed reading of each (device, quantity, kind, channel)."""
        return list(self._latest.values())

    async def history(
        self,
        *,
        since_ns: int,
        until_ns: int,
        device: str | None = None,
        place: str | None = None,
        quantity: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Record], str | None]:
        """Give readings, events and evidence of a time, oldest first, at most 1000, each record once.

        With the page comes the `after` of the next, None behind the last; a page may be short or empty and
        yet not the last. Times are Unix nanoseconds, `until_ns` exclusive. Raises ValueError for an `after`
        that no page gave.
        """
        wanted = Wanted(device, place, quantity, since_ns, until_ns)
        return await history.page(self._alarms, self.read, wanted, after, limit)

    async def hours(
        self,
        *,
        since_ns: int,
        until_ns: int,
        device: str | None = None,
        place: str | None = None,
        quantity: str | None = None,
        limit: int = BATCH_MAX,
    ) -> list[HourSum]:
        """Give sums by hour for charts, the oldest hour first, at most `BATCH_MAX`; up to 5 min behind."""

        def work(db: sqlite3.Connection, numbers: Numbers) -> list[HourSum]:
            series = numbers.matching(device, place, quantity)
            return hours(db, numbers, series, since_ns, until_ns, min(limit, BATCH_MAX))

        return await self.read(work)

    def guards(self) -> list[Guard]:
        """Give the guards of measurements as the file held them when it was opened."""
        return list(self._guards)

    async def close(self) -> bool:
        """Commit what waits, then end. False where the disk hung or refused, and readings were lost."""
        kept = await self.queue.close()
        for lane, reader in self._lanes.items():
            await self._threads.call(lane, reader.close)
        if kept:
            await self._threads.call(HISTORY, self.queue.writer.db.close)
        return kept

    async def read(self, work: Callable[[sqlite3.Connection, Numbers], T]) -> T:
        """Run a work of the journal's own on the committed readings, in a reader's thread."""
        return await self._read(HISTORY, work)

    async def _read(self, lane: str, work: Callable[[sqlite3.Connection, Numbers], T]) -> T:
        return await self._threads.call(lane, partial(self._lanes[lane].run, work))

    def _committed(self, rows: list[tuple[int, Record]]) -> None:
        if not rows:
            return
        self.head = rows[-1][0]
        self._latest.update((_point(record), record) for _, record in rows)
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _count(self, aside: Sequence[SetAside]) -> None:
        for each in aside:
            self._aside[each.outlet] = self._aside.get(each.outlet, 0) + 1

    def _renewing(self, renew: Renew) -> Renew:
        def call(writer: ReadingWriter) -> ReadingWriter:
            for lane in self._lanes.values():
                lane.reader.close()
            renewed = renew(writer)
            renewed.apply(Group(cursors=dict(self._cursors)))
            return renewed

        return call


class _Lane:
    """A reading connection with the numbers of its file."""

    def __init__(self, path: Path) -> None:
        self.reader = Reader(path)
        self.close = self.reader.close
        self._of: sqlite3.Connection | None = None
        self._numbers: Numbers | None = None

    def run(self, work: Callable[[sqlite3.Connection, Numbers], T]) -> T:
        def with_numbers(db: sqlite3.Connection) -> T:
            if self._numbers is None or self._of is not db:
                self._of, self._numbers = db, Numbers(db)
            else:
                self._numbers.refresh(db)
            return work(db, self._numbers)

        return self.reader.run(with_numbers)


def _point(record: Record) -> tuple[str, str, Kind, int | None]:
    # With the kind: `power`, `moisture` and `gas` exist as a measurement and as a state of one device.
    return record.device, record.quantity, record.kind, record.channel


def _rows_after(cursor: int, limit: int, head: int, db: sqlite3.Connection, numbers: Numbers) -> Passed:
    return rows_after(db, numbers, cursor, limit, head)


def _asides(outlet: str | None, limit: int, db: sqlite3.Connection, numbers: Numbers) -> list[SetAside]:
    del numbers
    rows = db.execute(
        "SELECT outlet, seq, record, device, quantity, reason, wall_ns, mono_ns, boot, quality FROM aside"
        " WHERE ?1 IS NULL OR outlet = ?1 ORDER BY id DESC LIMIT ?2",
        (outlet, limit),
    )
    return [
        SetAside(
            outlet=row[0],
            seq=row[1],
            record=row[2],
            device=row[3],
            quantity=row[4],
            reason=row[5],
            at=read_instant(row[6:10]),
        )
        for row in rows
    ]
