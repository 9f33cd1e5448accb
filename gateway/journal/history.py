"""The history: readings, events and evidence as one sequence, oldest first, in pages.

Three streams are merged by time: readings in order of `seq`, readings that came late (from a device's own
memory) in order of their own time, and events. A page's mark is how far each has come. No page holds a
transaction for long: a stretch without a match gives a short or empty page with a mark to go on from.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from gateway.journal.alarm_store import AlarmStore
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_scan import Found, holds, scan, scan_late
from gateway.journal.wanted import Wanted
from gateway.model.readings import Record

PAGE_MAX = 1000  # records a page
EVIDENCE_MAX = 50  # copies of readings looked up for one page

T = TypeVar("T")
Place = TypeVar("Place")


class ReadReadings(Protocol):
    """Runs a work on the readings in a reader's thread."""

    async def __call__(self, work: Callable[[sqlite3.Connection, Numbers], T]) -> T:
        """Run it."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the streams have come."""

    reading: int = 0
    event: int = 0
    late: tuple[int, int] = (-(1 << 63), 0)

    def __str__(self) -> str:
        """Write it as a page's `next`."""
        return f"{self.reading}.{self.event}.{self.late[0]}.{self.late[1]}"

    @classmethod
    def read(cls, text: str | None) -> Mark:
        """Read a page's `next`. Raises ValueError for anything else."""
        if not text:
            return cls()
        try:
            reading, event, late_ns, late_seq = (int(each) for each in text.split("."))
        except ValueError as error:
            raise ValueError("`after` is the `next` of the page before") from error
        return cls(reading, event, (late_ns, late_seq))


class _Stream(Generic[Place]):
    """One stream with its place."""

    def __init__(self, found: Found[Place], place: Place) -> None:
        self.waiting = deque(found.rows)
        self.place = place
        self.reached = found.reached

    @property
    def unknown(self) -> bool:
        """Whether it may go on, but nobody knows with what."""
        return not self.waiting and self.reached is not None

    @property
    def ended(self) -> bool:
        return not self.waiting and self.reached is None

    def take(self) -> Record:
        self.place, record = self.waiting.popleft()
        return record

    def stand(self) -> Place:
        """Give where the next page goes on."""
        return self.reached if self.reached is not None and not self.waiting else self.place


async def page(
    alarms: AlarmStore, read: ReadReadings, wanted: Wanted, after: str | None, limit: int
) -> tuple[list[Record], str | None]:
    """Give a page, and the `after` of the next (None: the last). Raises ValueError for a wrong `after`."""
    mark = Mark.read(after)
    limit = max(1, min(limit, PAGE_MAX))

    def scans(db: sqlite3.Connection, numbers: Numbers) -> tuple[Found[int], Found[tuple[int, int]]]:
        return (
            scan(db, numbers, wanted, mark.reading, limit + 1),
            scan_late(db, numbers, wanted, mark.late, limit + 1),
        )

    on_time, late = await read(scans)
    events = await _events(alarms, read, wanted, mark.event, limit + 1)
    streams = _Stream(on_time, mark.reading), _Stream(events, mark.event), _Stream(late, mark.late)
    taken = _merge(streams, limit)
    if all(stream.ended for stream in streams):
        return taken, None
    readings, happened, belated = streams
    return taken, str(Mark(readings.stand(), happened.stand(), belated.stand()))


async def _events(
    alarms: AlarmStore, read: ReadReadings, wanted: Wanted, after: int, limit: int
) -> Found[int]:
    """Find events, and evidence that is not among the readings as well."""
    rows = await alarms.read(lambda ledger: ledger.find_events(wanted, after, limit))
    reached = rows[-1][0] if len(rows) == limit else None
    copies = [row for row in rows if row[2]]
    if len(copies) > EVIDENCE_MAX:
        reached = copies[EVIDENCE_MAX - 1][0]
        rows = [row for row in rows if row[0] <= reached]
        copies = copies[:EVIDENCE_MAX]
    double: set[int] = set()
    if copies:
        double = await read(lambda db, numbers: {row[0] for row in copies if holds(db, numbers, row[1])})
    return Found([(seq, record) for seq, record, _ in rows if seq not in double], reached)


def _merge(streams: tuple[_Stream[Any], ...], limit: int) -> list[Record]:
    taken: list[Record] = []
    while len(taken) < limit and not any(stream.unknown for stream in streams):
        waiting = [stream for stream in streams if stream.waiting]
        if not waiting:
            break
        taken.append(min(waiting, key=lambda stream: stream.waiting[0][1].time_ns).take())
    return taken
