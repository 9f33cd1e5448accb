"""A file that nobody can mend is set aside only once there is a whole new one to take its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.health.clock import SystemClock
from gateway.journal import alarm_recovery
from gateway.journal.alarm_recovery import open_alarms
from gateway.journal.folder import StateFolder
from gateway.model.problem import Problem

RUIN = b"\0" * 50_000


@contextmanager
def ruined(path: Path) -> Iterator[StateFolder]:
    """Give a state folder whose alarms nobody can read."""
    folder = StateFolder(path)
    folder.alarms.write_bytes(RUIN)
    try:
        yield folder
    finally:
        folder.close()


def full(*_: Any) -> Any:
    """Refuse as a migration does that finds no room."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise Problem("alarms.db", expected="room", found="none", do="free space") from error


def test_a_migration_without_room_sets_nothing_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so as a Problem: that is want of room all the same, and with room the file could be mended."""
    monkeypatch.setattr(alarm_recovery, "repair_alarms", full)
    with ruined(tmp_path) as folder:
        with pytest.raises(Problem):
            open_alarms(folder, SystemClock())
        assert folder.alarms.read_bytes() == RUIN
        assert not list(tmp_path.glob("alarms.unreadable-*"))


def test_where_no_new_one_can_be_made_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next start would find none at all, and begin empty without a word."""

    def broken(*_: Any) -> Any:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(alarm_recovery, "repair_alarms", broken)
    with ruined(tmp_path) as folder:
        with monkeypatch.context() as without_room:
            without_room.setattr(alarm_recovery, "migrate", full)
            with pytest.raises(Problem):
                open_alarms(folder, SystemClock())
        assert folder.alarms.read_bytes() == RUIN
        assert not list(tmp_path.glob("alarms.unreadable-*"))
        opened = open_alarms(folder, SystemClock())
        opened.db.close()
        assert opened.repaired is not None
        assert (tmp_path / "alarms.unreadable-1.db").read_bytes() == RUIN
