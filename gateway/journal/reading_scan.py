"""Finding readings by time, device, place and quantity without an index: by minutes, hours and scanning.

A scan goes through a bounded number of rows; where a series did not speak for hours (`hour` tells) it skips
them, unless the clock went back in between.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.journal.reading_damage import around_damage
from gateway.journal.reading_rows import SELECT_READING, Numbers, Row, short_id
from gateway.journal.reading_writer import LATE_NS, MINUTE_NS, mark
from gateway.journal.wanted import Wanted
from gateway.model.readings import Record

Place = TypeVar("Place")

SCAN_ROWS = 300_000  # rows looked at for one page; some 0.1 s here
STEP_ROWS = 20_000  # between two looks at what may be skipped
LATE_ROWS = 5_000  # late readings looked at for one page
SKIP_SERIES = 32  # more series than this speak in every hour anyway

STEP = SELECT_READING + (
    f"WHERE seq >= ? AND seq < ? AND late_ns BETWEEN -{LATE_NS} AND {LATE_NS} ORDER BY seq LIMIT ?"
)
STEP_OF_SERIES = STEP.replace("ORDER", "AND series IN (SELECT value FROM json_each(?)) ORDER")


@dataclass(frozen=True, slots=True)
class Found(Generic[Place]):
    """What a scan found, each with its place; and how far it came, None where it came to the end."""

    rows: list[tuple[Place, Record]]
    reached: Place | None


def scan(db: sqlite3.Connection, numbers: Numbers, wanted: Wanted, after: int, limit: int) -> Found[int]:
    """Find readings that came in time, in order of `seq`, behind the `seq` `after`."""
    series = [] if wanted.any else numbers.matching(wanted.device, wanted.place, wanted.quantity)
    bounds = _bounds(db, wanted)
    if bounds is None or not (wanted.any or series):
        return Found([], None)
    start, end = max(bounds[0], after + 1), bounds[1]
    stop = start + SCAN_ROWS
    found: list[tuple[int, Record]] = []
    while start < end:
        if start >= stop or len(found) >= limit:
            return Found(found, start - 1)
        if 0 < len(series) <= SKIP_SERIES:
            skipped = min(_skip(db, series, start), end)
            start, stop = skipped, stop + skipped - start
        upto = min(end, start + STEP_ROWS)
        rows = _step(db, series, start, upto, limit - len(found))
        start = rows[-1][0] + 1 if len(rows) == limit - len(found) else upto
        records = [(row[0], numbers.decode(row)) for row in rows]
        found.extend(each for each in records if wanted.spans(each[1].time_ns))
    return Found(found, None)


def scan_late(
    db: sqlite3.Connection, numbers: Numbers, wanted: Wanted, after: tuple[int, int], limit: int
) -> Found[tuple[int, int]]:
    """Find readings that came late, in order of their own time; a place is (time_ns, seq)."""
    matching = set(numbers.matching(wanted.device, wanted.place, wanted.quantity))
    rows = db.execute(
        "SELECT reading.seq, series, epoch, id, since_base_ns, late_ns, drift_ns, value, time_ns"
        " FROM late CROSS JOIN reading ON reading.seq = late.seq WHERE (late.time_ns, late.seq) > (?, ?)"
        " AND late.time_ns >= ? AND late.time_ns < ? ORDER BY late.time_ns, late.seq LIMIT ?",
        (*after, wanted.since_ns, wanted.until_ns, LATE_ROWS),
    )
    found: list[tuple[tuple[int, int], Record]] = []
    for looked, row in enumerate(rows, 1):
        if row[1] in matching:
            found.append(((row[8], row[0]), numbers.decode(row)))
        if len(found) >= limit or looked == LATE_ROWS:
            return Found(found, (row[8], row[0]))
    return Found(found, None)


def holds(db: sqlite3.Connection, numbers: Numbers, record: Record) -> bool:
    """Tell whether a record is among the readings."""
    series = json.dumps(numbers.matching(record.device, record.place, record.quantity))
    short = short_id(record.id, record.time_ns)
    minutes = db.execute("SELECT seq FROM minute WHERE minute = ?", (record.at.wall_ns // MINUTE_NS,))
    for (start,) in minutes.fetchall():
        row = db.execute(
            "SELECT 1 FROM reading WHERE seq >= ? AND seq < ? AND id = ?"
            " AND series IN (SELECT value FROM json_each(?)) LIMIT 1",
            (start, end_of_minute(db, start), short, series),
        ).fetchone()
        if row is not None:
            return True
    return False


def _bounds(db: sqlite3.Connection, wanted: Wanted) -> tuple[int, int] | None:
    """Give the first `seq` that may be within the wanted times, and the first behind them."""
    first, last = db.execute(
        "SELECT min(seq), max(seq) FROM minute WHERE minute BETWEEN ? AND ?",
        (wanted.since_ns // MINUTE_NS - 1, wanted.until_ns // MINUTE_NS + 1),
    ).fetchone()
    return None if first is None else (first, end_of_minute(db, last))


def end_of_minute(db: sqlite3.Connection, start: int) -> int:
    """Give the first `seq` behind the minute that begins at `start`."""
    row = db.execute("SELECT seq FROM minute WHERE seq > ? ORDER BY seq LIMIT 1", (start,)).fetchone()
    if row is None:
        row = db.execute("SELECT max(seq) + 1 FROM reading").fetchone()
    return int(row[0] or 0)


def _step(db: sqlite3.Connection, series: list[int], start: int, end: int, limit: int) -> list[Row]:
    if not series:
        return around_damage(lambda a, b: db.execute(STEP, (a, b, limit)).fetchall(), start, end)[:limit]
    chosen = json.dumps(series)
    return around_damage(
        lambda a, b: db.execute(STEP_OF_SERIES, (a, b, chosen, limit)).fetchall(), start, end
    )[:limit]


def _skip(db: sqlite3.Connection, series: list[int], start: int) -> int:
    """Give where to go on: `start`, or the first `seq` behind the hours in which no series spoke."""
    row = db.execute(
        "SELECT minute FROM minute WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (start,)
    ).fetchone()
    summed = mark(db, "summed_seq")
    if row is None or start > summed:
        return start
    spoke = [
        hour[0]
        for each in series
        for hour in db.execute(
            "SELECT hour FROM hour WHERE series = ? AND hour >= ? ORDER BY hour LIMIT 1",
            (each, (row[0] - 1) // 60),
        )
    ]
    minute = min(spoke) * 60 - 1 if spoke else 1 << 62
    if minute <= row[0]:
        return start
    next_row = db.execute(
        "SELECT seq FROM minute WHERE seq > ? AND (minute >= ? OR stepped = 1) ORDER BY seq LIMIT 1",
        (start, minute),
    ).fetchone()
    return min(next_row[0] if next_row is not None else summed + 1, summed + 1)
