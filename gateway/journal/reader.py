"""A reading connection: one read at a time, none of them long."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.journal.database import connect

T = TypeVar("T")

READ_MAX_S = 1.0  # a read transaction that lives longer keeps the write-ahead log from being emptied
READ_CHECK_OPS = 20_000  # steps of SQLite's machine between two looks at the time


class Reader:
    """Opens the file with its first read, and anew after `close`."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._until_s = 0.0
        self._lock = threading.Lock()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a work inside one read transaction. Raises TimeoutError where it exceeds `READ_MAX_S`."""
        with self._lock:
            db = self._db or self._open()
            self._until_s = time.monotonic() + READ_MAX_S
            try:
                db.execute("BEGIN")
                return work(db)
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                    raise TimeoutError(f"a read of the journal took longer than {READ_MAX_S} s") from error
                raise
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; the next read opens the file anew. Waits for a read that runs.

        Whoever replaces the file calls it first: SQLite removes a log by its name when it closes the last
        connection, and that name would be the new file's.
        """
        with self._lock:
            db, self._db = self._db, None
            if db is not None:
                db.close()

    def _open(self) -> sqlite3.Connection:
        db = connect(self._path, read_only=True)
        db.set_progress_handler(lambda: int(time.monotonic() >= self._until_s), READ_CHECK_OPS)
        self._db = db
        return db
