"""Opening `readings.db`; one that is damaged is set apart and begun anew, while calls go on."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.database import connect, migrate, remove, set_apart
from gateway.journal.errors import malformed
from gateway.journal.reading_schema import READING_MIGRATIONS
from gateway.journal.reading_store import Start
from gateway.journal.reading_writer import ReadingWriter
from gateway.journal.tables import put_rows, readable_rows, table_of
from gateway.journal.timings import Timings
from gateway.model.problem import Problem

log = logging.getLogger(__name__)

KEPT = ("cursor", "guard", "aside", "aside_count")
"""Small tables that are taken over from a damaged file where they can be read."""


@dataclass(frozen=True, slots=True)
class OpenedReadings:
    """The writer, what its store begins with, and what was repaired (None: nothing)."""

    writer: ReadingWriter
    start: Start
    repaired: str | None = None


def open_readings(path: Path, timings: Timings) -> OpenedReadings:
    """Open `readings.db`, migrated; begun anew where it is damaged. Raises Problem where the disk refuses."""
    try:
        try:
            db = connect(path, shrinks=True)
            migrate(db, path, READING_MIGRATIONS)
            writer = ReadingWriter(db, timings)
            return OpenedReadings(writer, Start.of(writer))
        except sqlite3.DatabaseError as error:
            if not malformed(error):
                raise
            return begin_anew(path, timings)
    except (sqlite3.Error, OSError) as error:
        raise Problem(
            str(path),
            expected="a journal that can be opened and written",
            found=str(error),
            do="see whether the disk is full or read-only; then start again",
        ) from error


def begin_anew(path: Path, timings: Timings, first_seq: int = 1) -> OpenedReadings:
    """Set a damaged file apart and begin a new one. Every other connection to it must be closed.

    `first_seq` is the first number that is free, where it is known. Raises sqlite3.Error or OSError.
    """
    damaged = set_apart(path)
    with ExitStack() as undo:
        undo.callback(remove, path)
        db = undo.enter_context(closing(connect(path, shrinks=True)))
        migrate(db, path, READING_MIGRATIONS)
        if damaged is not None:
            first_seq = max(first_seq, _take_over(db, damaged))
        writer = ReadingWriter(db, timings, first_seq=first_seq)
        undo.pop_all()
    log.error("readings.db was damaged and is begun anew; the damaged file is kept as %s", damaged)
    told = "readings.db was damaged; it was begun anew, and the readings before are set apart"
    return OpenedReadings(writer, Start.of(writer), told)


def _take_over(db: sqlite3.Connection, damaged: Path) -> int:
    """Take over what can be read of the small tables; gives a number above every `seq` that is known."""
    known = [0]
    with closing(sqlite3.connect(damaged, isolation_level=None)) as old:
        for name in KEPT:
            table = table_of(db, name)
            rows, _ = readable_rows(old, table)
            put_rows(db, table, rows, whole=False)
        for query in ("SELECT max(seq) FROM reading", "SELECT max(seq) FROM minute"):
            try:
                known.extend(row[0] or 0 for row in old.execute(query))
            except sqlite3.Error:
                continue
    known.extend(row[0] for row in db.execute("SELECT seq FROM cursor"))
    return max(known) + 1
