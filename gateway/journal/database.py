"""Opening the two files: connections, and numbered migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gateway.model.problem import Problem

BUSY_MS = 2000  # longest wait for a lock that only a checkpoint's truncation holds, for milliseconds
PAGE_BYTES = 4096


def connect(path: Path, *, full: bool = True, read_only: bool = False) -> sqlite3.Connection:
    """Open a file in WAL mode, with checkpoints off: a thread of its own makes them.

    `full`: each commit waits for the disk; otherwise only order is kept, and a power cut may take the
    last commits. Raises sqlite3.Error.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if read_only:
            db.execute("PRAGMA query_only = 1")
        else:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("PRAGMA temp_store = MEMORY")
        synchronous(db, full=full)
    except sqlite3.Error:
        db.close()
        raise
    return db


def synchronous(db: sqlite3.Connection, *, full: bool) -> None:
    """Choose whether the next commits wait for the disk."""
    db.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")


def version_of(db: sqlite3.Connection) -> int:
    """Give the number of the last migration that was applied; 0 for a new file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Bring a file to the newest version, in one transaction, after a copy beside it.

    A file of a newer version is opened as it is: migrations only add. Raises Problem where a step fails;
    the file is then as it was.
    """
    version = version_of(db)
    if version >= len(migrations):
        return
    if version:
        copy_to(db, path.with_suffix(f".before-{len(migrations)}.db"))
    try:
        db.execute("BEGIN IMMEDIATE")
        for number, script in enumerate(migrations[version:], version + 1):
            for statement in script.split(";"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise Problem(
            str(path),
            expected=f"a journal that can be brought from version {version} to {len(migrations)}",
            found=str(error),
            do="free space on the disk and start again; the file is unchanged",
        ) from error


def copy_to(db: sqlite3.Connection, target: Path) -> None:
    """Write a compact copy of a file, whole or not at all; an older copy is replaced."""
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    db.execute("VACUUM INTO ?", (str(fresh),))
    fresh.replace(target)
