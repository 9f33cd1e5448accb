"""Opening `alarms.db` although it may be damaged.

A damaged file is set apart. In its place comes the last hourly copy, and into that everything that can
still be read of the damaged file: rows from both ends of each table up to the damage. Where a table can be
read whole it replaces the copy's, so that what was closed or signed out since the copy stays so.
Decision: calls go on with what was saved, loudly; refusing to start would silence the whole home.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from gateway.journal.alarm_schema import ALARM_MIGRATIONS
from gateway.journal.alarm_store import Start
from gateway.journal.database import connect, copy_to, migrate, remove, set_apart, settle
from gateway.journal.errors import malformed, no_room, unreadable
from gateway.journal.folder import StateFolder, sync_folder
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_audit import NOTHING
from gateway.journal.ledger_part import Changes
from gateway.journal.record_codec import EVENT_COLUMNS
from gateway.journal.stored import Damaged, stored, stored_alert, stored_json, stored_record
from gateway.journal.tables import Row, Table, put_rows, readable_rows, table_of
from gateway.model.clock import NS, Clock
from gateway.model.problem import Problem
from gateway.model.rows import Basis, Notification, Screen, Session

log = logging.getLogger(__name__)

SEQ_GAP = 10_000  # numbers left out after a repair, so that none that was lost is given a second time
NUMBERED = ("alert_log", "event")
AUDIT_TABLES = ("audit", "audit_beginning")
CONTENTS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "alert": ("document", stored_alert),
    "alert_log": ("document", stored_alert),
    "notification": ("document", partial(stored, Notification)),
    "basis": ("document", partial(stored, Basis)),
    "session": ("document", partial(stored, Session)),
    "screen": ("document", partial(stored, Screen)),
    "timer": ("data", stored_json),
    "memo": ("value", stored_json),
}
"""Columns that hold documents, and how they are read."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The writing connection, what its store begins with, and what was repaired (None: nothing)."""

    db: sqlite3.Connection
    start: Start
    repaired: str | None = None


def open_alarms(folder: StateFolder, clock: Clock) -> Opened:
    """Open `alarms.db`, checked and migrated. Raises Problem where the disk refuses."""
    path = folder.alarms
    try:
        if not path.exists() and _mended(folder).exists():  # the power failed before its last step
            settle(_mended(folder), path)
        try:
            db = _checked(path)
        except sqlite3.DatabaseError as error:
            if not (malformed(error) or unreadable(error)):
                raise
            return _repaired_or_anew(folder, clock)
        return Opened(db, _start(db, clock))
    except (sqlite3.Error, OSError) as error:
        raise Problem(
            str(path),
            expected="a journal that can be opened and written",
            found=str(error),
            do="see whether the disk is full or read-only; then start again",
        ) from error


def _repaired_or_anew(folder: StateFolder, clock: Clock) -> Opened:
    """Repair a damaged file; where that fails keep it for the technician, and begin a new one.

    Raises sqlite3.Error, OSError or Problem where the disk takes nothing.
    """
    try:
        return repair_alarms(folder, clock)
    except (sqlite3.Error, OSError, Problem) as error:
        cause = error.__cause__ if isinstance(error, Problem) else error
        if isinstance(cause, sqlite3.Error | OSError) and no_room(cause):
            raise  # with room it could be repaired: nothing is set aside for want of room
        log.exception("alarms.db could not be repaired")
    except Exception:  # a fault of ours, or a file like none before: refusing to start would silence the home
        log.exception("alarms.db could not be repaired")
    return begin_alarms_anew(folder, clock)


def begin_alarms_anew(folder: StateFolder, clock: Clock) -> Opened:
    """Set a file apart that nobody can read or mend, and begin a new one.

    The new file is made whole before the old one is touched: a disk that has no room for it now may give the
    old one back later. Raises sqlite3.Error, OSError or Problem, and has then changed nothing.
    """
    building, kept = folder.path / "alarms.mending.new", _unused_name(folder)
    remove(building)
    with ExitStack() as undo:
        undo.callback(remove, building)
        db = undo.enter_context(closing(connect(building)))
        migrate(db, building, ALARM_MIGRATIONS)
        db.execute("BEGIN IMMEDIATE")
        ledger = Ledger(db, clock, Changes())
        # No number that anybody may have seen is given a second time: no gateway counts a state a second.
        _leave_gap(db, clock.now().wall_ns // NS)
        ledger.put_mark("log_floor", ledger.log_seq())
        ledger.audit("journal_begun_anew", by=None, source="journal", detail={"kept": kept})
        db.execute("COMMIT")
        db.close()
        settle(building, _mended(folder))
    for tail in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            (folder.path / f"alarms.db{tail}").rename(folder.path / f"{kept}{tail}")
    sync_folder(folder.path)
    settle(_mended(folder), folder.alarms)
    told = (
        f"alarms.db could be neither read nor mended; it is kept as {kept}, and a new one was begun. Open"
        " calls, legal bases, screens and sign-ins of before are not in it: do rounds, and record them anew"
    )
    log.error("%s", told)
    db = connect(folder.alarms)
    return Opened(db, _start(db, clock), told)


def _unused_name(folder: StateFolder) -> str:
    """Give a name for the file that nothing removes by itself."""
    names = (f"alarms.unreadable-{number}.db" for number in count(1))
    return next(name for name in names if not (folder.path / name).exists())


def repair_alarms(folder: StateFolder, clock: Clock) -> Opened:
    """Replace a damaged `alarms.db`. Every connection to it must be closed. Raises sqlite3.Error, OSError.

    The new file is made whole before it takes the place of the damaged one.
    """
    building = folder.path / "alarms.mending.new"
    remove(building)
    source = _restore_copy(folder, building)
    with ExitStack() as undo:
        undo.callback(remove, building)
        db = undo.enter_context(closing(connect(building)))
        migrate(db, building, ALARM_MIGRATIONS)
        saved = _fill(db, folder.alarms, source, clock)
        db.close()
        settle(building, _mended(folder))
    damaged = set_apart(folder.alarms)
    settle(_mended(folder), folder.alarms)
    told = f"alarms.db was damaged; it was made anew from {source} and {saved} rows of the damaged file"
    log.error("%s, which is kept as %s", told, damaged)
    db = connect(folder.alarms)
    return Opened(db, _start(db, clock), told)


def _mended(folder: StateFolder) -> Path:
    return folder.path / "alarms.mended.db"


def _start(db: sqlite3.Connection, clock: Clock) -> Start:
    return Start.of(Ledger(db, clock, Changes()))


def copy_alarms(folder: StateFolder) -> None:
    """Write the hourly copy. Raises sqlite3.Error or OSError."""
    # Not read_only: SQLite counts VACUUM INTO as writing, although this file is only read.
    with closing(connect(folder.alarms)) as db:
        copy_to(db, folder.alarms_copy)


def _checked(path: Path) -> sqlite3.Connection:
    """Open a file and look through it. Raises sqlite3.DatabaseError where it is damaged."""
    with ExitStack() as undo:
        db = undo.enter_context(closing(connect(path)))
        for (line,) in db.execute("PRAGMA quick_check(1)"):
            if line != "ok":
                raise Damaged(line)
        migrate(db, path, ALARM_MIGRATIONS)
        undo.pop_all()
    return db


def _restore_copy(folder: StateFolder, target: Path) -> str:
    """Put the last copy at `target`, if there is a sound one; says what was put there."""
    if not folder.alarms_copy.exists():
        return "nothing"
    try:
        shutil.copyfile(folder.alarms_copy, target)
        _checked(target).close()
    except (sqlite3.Error, OSError, Problem) as error:
        log.warning("the copy of alarms.db cannot be used: %s", error)
        remove(target)
        return "nothing"
    return "the last copy"


def _fill(db: sqlite3.Connection, damaged: Path, source: str, clock: Clock) -> int:
    db.execute("BEGIN IMMEDIATE")
    saved = _salvage(db, damaged, clock)
    ledger = Ledger(db, clock, Changes())
    ledger.restate_alerts()
    _leave_gap(db)
    ledger.put_mark("log_floor", ledger.log_seq())
    ledger.audit("journal_repaired", by=None, source="journal", detail={"from": source, "rows": saved})
    db.execute("COMMIT")
    return saved


def _leave_gap(db: sqlite3.Connection, at_least: int = 0) -> None:
    """Begin the numbers of alerts' states and of events anew, above every one that anybody has seen."""
    (known,) = db.execute(
        "SELECT max(coalesce((SELECT max(changed_seq) FROM alert), 0),"
        " coalesce((SELECT max(seq) FROM cursor), 0))"
    ).fetchone()
    for table in NUMBERED:
        row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        newest = max(known, row[0] if row is not None else 0, at_least)
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, newest + SEQ_GAP))


def _salvage(db: sqlite3.Connection, damaged: Path, clock: Clock) -> int:
    """Take over every row that can be read; gives how many."""
    saved = 0
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    with closing(sqlite3.connect(damaged, isolation_level=None)) as old:
        for name in names:
            if name.startswith("sqlite_") or name in AUDIT_TABLES:
                continue
            table = table_of(db, name)
            rows, whole = readable_rows(old, table)
            sound = [row for row in rows if _is_sound(table, row)]
            put_rows(db, table, sound, whole=whole and len(sound) == len(rows))
            saved += len(sound)
        return saved + _salvage_audit(db, old, clock)


def _salvage_audit(db: sqlite3.Connection, old: sqlite3.Connection, clock: Clock) -> int:
    rows, _ = readable_rows(old, table_of(db, "audit"))
    begun, _ = readable_rows(old, table_of(db, "audit_beginning"))
    beginning = (begun[0][0], bytes(begun[0][1])) if begun else (0, NOTHING)
    return Ledger(db, clock, Changes()).adopt_audit(sorted(rows, key=lambda row: int(row[0])), beginning)


def _is_sound(table: Table, row: Row) -> bool:
    """Tell whether a row that could be read can be understood as well."""
    try:
        if table.name == "event":
            stored_record([row[table.place(column)] for column in EVENT_COLUMNS])
        elif table.name in CONTENTS:
            column, read = CONTENTS[table.name]
            read(row[table.place(column)])
    except Damaged:
        return False
    return True
