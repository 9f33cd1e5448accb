"""The hourly copy of the alarms, from which a damaged file is mended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.journal.alarm_recovery import copy_alarms
from gateway.journal.database import connect
from gateway.journal.folder import StateFolder


def test_the_copy_holds_what_was_committed(tmp_path: Path) -> None:
    """It is made while the writer goes on, and replaces the one before as a whole."""
    folder = StateFolder(tmp_path)
    with closing(connect(folder.alarms)) as writer:
        writer.execute("CREATE TABLE kept (what)")
        for what in ("one", "two"):
            writer.execute("INSERT INTO kept VALUES (?)", (what,))
            copy_alarms(folder)
    with closing(sqlite3.connect(folder.alarms_copy)) as copy:
        assert copy.execute("SELECT what FROM kept").fetchall() == [("one",), ("two",)]
