"""What the journal raises, and how SQLite's own errors are told apart."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any


class NotDurable(Exception):
    """It could not be kept: the disk is full, broken or too slow. Nothing of the work has happened.

    `reason` is one English sentence for the technician, without names or values.
    """

    def __init__(self, reason: str) -> None:
        """Say why."""
        self.reason = reason
        super().__init__(reason)


class WriterDied(Exception):
    """A writer thread ended by a fault of its own; starting the room again starts a new one."""


def primary_code(error: sqlite3.Error) -> int:
    """Give SQLite's primary result code of an error (0 where it has none)."""
    code: Any = getattr(error, "sqlite_errorcode", None)
    return int(code) & 0xFF if code is not None else 0


def disk_full(error: sqlite3.Error) -> bool:
    """Tell whether there was no room on the disk."""
    return primary_code(error) == sqlite3.SQLITE_FULL


def disk_failed(error: sqlite3.Error) -> bool:
    """Tell whether the disk refused, as opposed to a mistake in the work."""
    return primary_code(error) in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    } or malformed(error)


def malformed(error: sqlite3.Error) -> bool:
    """Tell whether the file itself is damaged."""
    return primary_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def unreadable(error: sqlite3.Error) -> bool:
    """Tell whether the disk could not give what it once took: a worn card, a bad sector."""
    return primary_code(error) == sqlite3.SQLITE_IOERR


def no_room(error: sqlite3.Error | OSError) -> bool:
    """Tell whether the disk takes nothing: it is full, or may not be written."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
    return primary_code(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def reason_of(error: sqlite3.Error | OSError) -> str:
    """Say in one sentence why the disk refuses."""
    if isinstance(error, OSError):
        return f"the disk refuses: {error.strerror or error}"
    if disk_full(error):
        return "the disk is full"
    return f"the disk refuses: {getattr(error, 'sqlite_errorname', None) or error}"
