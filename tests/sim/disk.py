"""The disk under the journal: real SQLite on real files, with a power cut, a full disk and a slow one.

SQLite in WAL mode waits for the disk at a commit only where `synchronous` is FULL, and at each checkpoint
(sqlite.org, "Write-Ahead Logging" and "PRAGMA synchronous"). So what a power cut must leave is known: the log
up to the last frame that stood in it then. Of what came after, any part may have reached the disk.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

WAL_HEADER = 32
FRAME = 24 + 4096  # frame header and page (sqlite.org, "WAL file format")
ALARMS, READINGS = "alarms.db", "readings.db"
ROOMY = 10_000_000  # blocks of 4096 bytes

_connect = sqlite3.connect


class Connection(sqlite3.Connection):
    """A connection that asks the disk before a commit, and tells it afterwards."""

    disk: Disk
    path: Path
    full = True

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute, as the disk allows."""
        if sql == "COMMIT":
            self.disk.about_to_commit(self.path)
            cursor = super().execute(sql, parameters)
            if self.full:
                self.disk.synced(self.path)
            return cursor
        cursor = super().execute(sql, parameters)
        if sql.startswith("PRAGMA synchronous"):
            self.full = sql.endswith("FULL")
        elif "wal_checkpoint" in sql:
            self.disk.synced(self.path)
        return cursor


class Disk:
    """One disk. `folder` is the state folder of the life that runs."""

    def __init__(self, folder: Path, random: Random) -> None:
        """Begin with an empty disk that works."""
        self.folder = folder
        self._random = random
        self._lives = 1
        self._synced: dict[str, tuple[bytes, int]] = {}
        self.full = False
        self.spare_commits = 0
        """How many commits find room once the reserve has been given up."""
        self.refused = 0

    @contextmanager
    def laid_under(self) -> Iterator[None]:
        """Let all of SQLite be on this disk."""
        made = type("OnThisDisk", (Connection,), {"disk": self})

        def connect(path: Any, *args: Any, **more: Any) -> sqlite3.Connection:
            db: Connection = _connect(path, *args, factory=made, **more)
            db.path = Path(path)
            return db

        def statvfs(_path: Any) -> Any:
            free = 0 if self.full else ROOMY
            return SimpleNamespace(f_bavail=free, f_frsize=4096, f_blocks=2 * ROOMY)

        with mock.patch("sqlite3.connect", connect), mock.patch("os.statvfs", statvfs):
            yield

    def about_to_commit(self, path: Path) -> None:
        """Refuse where there is no room. Raises sqlite3.OperationalError, as SQLite does."""
        if not self.full or path.parent != self.folder:
            return
        if path.name == ALARMS and self.spare_commits > 0 and not (self.folder / "reserve").exists():
            self.spare_commits -= 1
            return
        self.refused += 1
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        raise error

    def synced(self, path: Path) -> None:
        """Note that everything that stands in a file's log is on the disk now."""
        if path.parent == self.folder:
            self._synced[path.name] = _log_end(path)

    # Ends of a life

    def killed(self) -> None:
        """Give the next life what the kernel has: all that was written, synced or not."""
        self._next_life()

    def power_cut(self) -> int:
        """Give the next life what a power cut leaves; gives how many bytes of the logs were lost."""
        before, synced = self.folder, dict(self._synced)
        ends = {name: _log_end(before / name) for name in (ALARMS, READINGS)}
        self._next_life()
        lost = 0
        for name, (salt, frames) in ends.items():
            log = self.folder / f"{name}-wal"
            if not log.exists():
                continue
            known_salt, known = synced.get(name, (b"", 0))
            first = WAL_HEADER + (known if known_salt == salt else 0) * FRAME
            last = WAL_HEADER + frames * FRAME
            at = self._random.randint(first, max(first, last))
            lost += max(0, last - at)
            if at < log.stat().st_size:
                os.truncate(log, at)
            self._synced[name] = (salt, (at - WAL_HEADER) // FRAME)  # what is left is on the disk
        return lost

    def _next_life(self) -> None:
        self._lives += 1
        after = self.folder.with_name(f"state-{self._lives}")
        after.mkdir()
        for path in sorted(self.folder.iterdir()):
            if path.name == "reserve":
                os.link(path, after / path.name)
            elif not path.name.endswith("-shm") and path.is_file():
                shutil.copyfile(path, after / path.name)
        self.folder = after


def _log_end(path: Path) -> tuple[bytes, int]:
    """Give the salt of a file's log and how many frames of it count, from the shared index.

    Source: sqlite.org, "WAL-index format": mxFrame at 16, the salt at 32 of the header.
    """
    try:
        with path.with_name(f"{path.name}-shm").open("rb") as file:
            head = file.read(40)
    except FileNotFoundError:
        return b"", 0
    if len(head) < 40:
        return b"", 0
    return head[32:40], struct.unpack_from("=I", head, 16)[0]
