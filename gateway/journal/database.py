"""Opening the two files: connections, and numbered migrations."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from gateway.journal.errors import malformed
from gateway.journal.folder import sync_folder
from gateway.model.problem import Problem

BUSY_MS = 2000  # longest wait for a lock that only a checkpoint's truncation holds, for milliseconds
PAGE_BYTES = 4096
INCREMENTAL = 2  # SQLite's number for `auto_vacuum = INCREMENTAL`


def connect(
    path: Path, *, full: bool = True, read_only: bool = False, shrinks: bool = False
) -> sqlite3.Connection:
    """Open a file in WAL mode, with checkpoints off: a thread of its own makes them.

    `shrinks`: a new file can give free pages back to the disk. `full`: each commit waits for the disk;
    otherwise only order is kept, and a power cut may take the last commits. Raises sqlite3.Error.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if read_only:
            db.execute("PRAGMA query_only = 1")
        else:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            if shrinks and db.execute("PRAGMA auto_vacuum").fetchone()[0] != INCREMENTAL:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # writes, for which a full disk has no room
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

    A file of a newer version is opened as it is: migrations only add. Raises Problem where a step fails,
    sqlite3.DatabaseError where the file is damaged; it is then as it was.
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
        if malformed(error):
            raise
        raise Problem(
            str(path),
            expected=f"a journal that can be brought from version {version} to {len(migrations)}",
            found=str(error),
            do="free space on the disk and start again; the file is unchanged",
        ) from error


def copy_to(db: sqlite3.Connection, target: Path) -> None:
    """Write a compact copy, whole or not at all, over an older one. Raises sqlite3.Error or OSError."""
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        db.execute("VACUUM INTO ?", (str(fresh),))
        settle(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file with its log: one that was not finished."""
    for tail in ("", "-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def settle(fresh: Path, target: Path) -> None:
    """Put a finished file in its place so that a power cut leaves either the old one or the new one."""
    handle = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(target)
    sync_folder(target.parent)


def checkpoint(path: Path, *, truncate: bool) -> int:
    """Write what the write-ahead log holds into the file; gives how many frames are still only in the log.

    Never waits for a lock, so that it delays no writer: passively, or, where the caller knows that nobody
    writes, giving the log's space back as well. Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        mode = "TRUNCATE" if truncate else "PASSIVE"
        _, frames, done = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return int(frames) - int(done)


def wal_bytes(path: Path) -> int:
    """Give the size of a file's write-ahead log."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def set_apart(path: Path) -> Path | None:
    """Rename a damaged file with its log, so that a new one can begin; gives its new name.

    Only the last damaged one is kept. None where there is none.
    """
    damaged = path.with_name(f"{path.stem}.damaged.db")
    if not path.exists():  # a repair that the disk refused half-way
        return damaged if damaged.exists() else None
    remove(damaged)
    for tail in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + tail).rename(damaged.with_name(damaged.name + tail))
    sync_folder(path.parent)
    return damaged if damaged.exists() else None
