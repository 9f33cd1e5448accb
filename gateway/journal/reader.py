"""A reading connection, used by one thread at a time; it never holds a transaction for long."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.journal.database import connect

T = TypeVar("T")

READ_MAX_S = 1.0  # a read transaction that lives longer keeps the write-ahead log from being emptied
READ_CHECK_OPS = 20_000  # steps of SQLite's machine between two looks at the time


class Reader:
    """Opens the file with its first read, and anew after `reopen` or an error of the file."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._until_s = 0.0
        self._stale = False

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a work inside one read transaction. Raises TimeoutError where it exceeds `READ_MAX_S`."""
        if self._stale:
            self.close()
        db = self._db or self._open()
        self._until_s = time.monotonic() + READ_MAX_S
        try:
            db.execute("BEGIN")
            return work(db)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TimeoutError(f"a read of the journal took longer than {READ_MAX_S} s") from error
            self._stale = True
            raise
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def reopen(self) -> None:
        """Have the next read open the file anew: it was replaced. May be called from any thread."""
        self._stale = True

    def close(self) -> None:
        """Close the connection, in the thread that reads."""
        db, self._db, self._stale = self._db, None, False
        if db is not None:
            db.close()

    def _open(self) -> sqlite3.Connection:
        db = connect(self._path, read_only=True)
        db.set_progress_handler(lambda: int(time.monotonic() >= self._until_s), READ_CHECK_OPS)
        self._db = db
        return db
