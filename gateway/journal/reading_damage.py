"""Reading past damage: one page that cannot be read stops neither an outlet nor a chart.

What the writer itself cannot do without begins the file anew; damage elsewhere costs the readings on it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.journal.errors import malformed
from gateway.journal.reader import READ_MAX_S
from gateway.journal.reading_rows import SELECT_READING, Numbers, Row
from gateway.model.readings import Record

SPAN_ROWS = 20_000  # numbers looked through at once behind a damage


@dataclass(frozen=True, slots=True)
class Passed:
    """What follows a cursor; how far it was read; and whether something on the way could not be."""

    rows: list[tuple[int, Record]]
    reached: int
    damaged: bool


def rows_after(db: sqlite3.Connection, numbers: Numbers, cursor: int, limit: int, head: int) -> Passed:
    """Give what follows a cursor up to `head`, oldest first, at most `limit`; past what is damaged."""
    try:
        rows = db.execute(SELECT_READING + "WHERE seq > ? ORDER BY seq LIMIT ?", (cursor, limit)).fetchall()
    except sqlite3.DatabaseError as error:
        if not malformed(error):
            raise
        return _rows_beyond(db, numbers, cursor, limit, head)
    found = [(row[0], numbers.decode(row)) for row in rows]
    return Passed(found, found[-1][0] if found else cursor, damaged=False)


def around_damage(fetch: Callable[[int, int], list[Row]], start: int, end: int) -> list[Row]:
    """Fetch rows of the numbers from `start` to before `end`, without those that cannot be read."""
    try:
        return fetch(start, end)
    except sqlite3.DatabaseError as error:
        if not malformed(error):
            raise
        if end - start <= 1:
            return []
    middle = (start + end) // 2
    return around_damage(fetch, start, middle) + around_damage(fetch, middle, end)


def _rows_beyond(db: sqlite3.Connection, numbers: Numbers, cursor: int, limit: int, head: int) -> Passed:
    def fetch(start: int, end: int) -> list[Row]:
        span = "WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?"
        return db.execute(SELECT_READING + span, (start, end, limit)).fetchall()

    until_s = time.monotonic() + READ_MAX_S / 2
    found: list[tuple[int, Record]] = []
    while not found and cursor < head and time.monotonic() < until_s:
        end = min(cursor + SPAN_ROWS, head)
        rows = around_damage(fetch, cursor + 1, end + 1)[:limit]
        found = [(row[0], numbers.decode(row)) for row in rows]
        cursor = end
    return Passed(found, found[-1][0] if found else cursor, damaged=True)
