"""The whole history in the order in which it was taken in, read beside a running gateway or without one.

For the replay of rules, which must meet records as the alerts met them: readings that came late at the time
when they came, and unsynced boots where they were. Nothing is ever written, and no read transaction lives
longer than a page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.journal.offline import ALARMS
from gateway.journal.reading_damage import rows_after
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_scan import end_of_minute
from gateway.journal.reading_writer import MINUTE_NS
from gateway.model.clock import Clock
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Record

READINGS = "readings.db"
PAGE_ROWS = 1000  # rows a read


@dataclass(frozen=True, slots=True)
class Extent:
    """Which part of the history is there."""

    oldest_ns: int | None
    """When the oldest reading that is left was taken in; None where there is none."""
    newest_ns: int | None
    """The same of the newest, to a minute."""
    oldest_event_ns: int | None
    """When the oldest event that is left was taken in."""

    @property
    def begins_ns(self) -> int | None:
        """When the oldest record of either kind was taken in."""
        return min(
            (each for each in (self.oldest_ns, self.oldest_event_ns) if each is not None), default=None
        )


class OfflineHistory:
    """Reads both files of a state folder. Raises Problem where there is none, or it cannot be read."""

    def __init__(self, state: Path, clock: Clock) -> None:
        """Open them for reading."""
        self._alarms = _opened(state / ALARMS)
        self._readings = _opened(state / READINGS)
        self._ledger = Ledger(self._alarms, clock, Changes())
        self._numbers = Numbers(self._readings)
        rows = self._alarms.execute("SELECT boot, seq FROM boot").fetchall()
        self._rank = {boot: int(seq) for boot, seq in rows}
        known = self._readings.execute("SELECT boot, min(id) FROM epoch GROUP BY boot ORDER BY 2")
        older = [boot for boot, _ in known if boot not in self._rank]
        # Boots that the list of them has forgotten were before all that it has.
        self._rank |= {boot: number - len(older) for number, boot in enumerate(older)}
        self.damaged = False
        """Whether some readings could not be read and are missing from what was given."""

    def close(self) -> None:
        """Close the files."""
        self._alarms.close()
        self._readings.close()

    def extent(self) -> Extent:
        """Tell how far back it goes."""
        first, last = self._readings.execute("SELECT min(minute), max(minute) FROM minute").fetchone()
        (event,) = self._alarms.execute("SELECT min(wall_ns) FROM event WHERE evidence = 0").fetchone()
        return Extent(
            oldest_event_ns=event,
            oldest_ns=None if first is None else first * MINUTE_NS,
            newest_ns=None if last is None else (last + 1) * MINUTE_NS,
        )

    def records(self, since_ns: int, until_ns: int) -> Iterator[Record]:
        """Give events, measurements and states taken in between two wall times, in the order of taking in.

        What was taken in between by a clock that was wrong is given too, in its place.
        """
        return merge(
            self._readings_between(since_ns, until_ns),
            self._events_between(since_ns, until_ns),
            key=self._order,
        )

    def _order(self, record: Record) -> tuple[int, int]:
        """Boots in the order in which they were, and within one by the clock that never jumps."""
        rank = self._rank.setdefault(record.at.boot, min(self._rank.values(), default=0) - 1)
        return rank, record.at.mono_ns

    def _readings_between(self, since_ns: int, until_ns: int) -> Iterator[Record]:
        db = self._readings
        first, last = db.execute(
            "SELECT min(seq), max(seq) FROM minute WHERE minute BETWEEN ? AND ?",
            (since_ns // MINUTE_NS, (until_ns - 1) // MINUTE_NS),
        ).fetchone()
        if first is None:
            return
        cursor, head = int(first) - 1, end_of_minute(db, int(last)) - 1
        while cursor < head:
            self._numbers.refresh(db)
            page = rows_after(db, self._numbers, cursor, PAGE_ROWS, head)
            self.damaged |= page.damaged
            for seq, record in page.rows:
                if seq <= head and not _outside(record, since_ns, until_ns):
                    yield record
            if page.reached <= cursor:
                return
            cursor = page.reached

    def _events_between(self, since_ns: int, until_ns: int) -> Iterator[Record]:
        first, last = self._alarms.execute(
            "SELECT min(seq), max(seq) FROM event WHERE wall_ns >= ? AND wall_ns < ?", (since_ns, until_ns)
        ).fetchone()
        if first is None:
            return
        cursor = int(first) - 1
        while page := self._ledger.events_after(cursor, PAGE_ROWS):
            for seq, record in page:
                if seq > last:
                    return
                if not _outside(record, since_ns, until_ns):
                    yield record
            cursor = page[-1][0]


def _outside(record: Record, since_ns: int, until_ns: int) -> bool:
    """Tell whether a record is surely outside; one by an unsynced clock stands where its neighbours do."""
    return record.at.quality != "unsynced" and not since_ns <= record.at.wall_ns < until_ns


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        do = "name the state folder with --state"
        raise Problem(str(path), expected="a journal", found="no file", do=do, exit=Exit.NOT_FOUND)
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        with closing(db.execute("SELECT count(*) FROM sqlite_schema")) as cursor:
            cursor.fetchone()
    except sqlite3.Error as error:
        do = "run it as root or as the user velgate; if it still fails, see  velgate status"
        raise Problem(str(path), expected="a journal that can be read", found=str(error), do=do) from error
    return db
