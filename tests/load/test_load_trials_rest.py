"""What is no failure of a device: its rules rest by law, or nobody knows what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.alerts.tests_due import MEMO, read
from gateway.board import trials
from gateway.board.board import Board
from gateway.model.alert import Concern
from gateway.model.clock import NS, ClockQuality
from support.board_house import open_board

FALLS_ONLY = {"profiles": {"falls-only": {"meets": "fall-detector/1", "means": {"fall": "fall.detected"}}}}


async def test_what_a_resident_has_said_no_to_is_not_told_as_failing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is called for it, nothing is kept as failed; and it is tested once there is a basis again."""
    monkeypatch.setattr(trials, "FIRST_S", 3600.0)  # the board that serves makes none beside ours
    monkeypatch.setattr(trials, "BETWEEN_S", 0.0)
    soon = (datetime.now(UTC) + timedelta(hours=1)).astimezone(ZoneInfo("Europe/Copenhagen"))
    tests = {"enabled": True, "every": "day", "at": soon.strftime("%H:%M")}
    own = {"alerts": {"tests": tests}, "device": {"fald-02": {"profile": "falls-only"}}, **FALLS_ONLY}
    async with open_board(tmp_path, own) as home:
        only = {name: each for name, each in home.engine.devices().items() if name == "fald-02"}
        monkeypatch.setattr(home.engine, "devices", lambda: only)
        rounds = Board(home.house()).trials
        await rounds.look()
        await home.engine.withdraw("room-02", Concern.FALL, None, by="AB", source="test")
        home.later(hours=1, minutes=1)
        await rounds.look()
        memo = await home.journal.alarms.read(lambda ledger: ledger.memo(MEMO + "fald-02"))
        assert read(memo, 0).tested_ok is None
        assert not [s.alert.key for s in home.engine.open() if s.alert.key.startswith("chain-failing/")]
        await home.engine.take_back("room-02", Concern.FALL, None, by="AB", source="test")
        await rounds.look()
        memo = await home.journal.alarms.read(lambda ledger: ledger.memo(MEMO + "fald-02"))
        assert read(memo, 0).tested_ok is True


async def test_a_clock_that_is_not_set_makes_no_device_years_old(tmp_path: Path) -> None:
    """The first start of a machine without a battery for its clock: each would be overdue once it is set."""
    async with open_board(tmp_path) as home:
        rounds = Board(home.house()).trials
        home.clock.quality, home.clock.ahead_s = ClockQuality.UNSYNCED, -4000 * 86_400.0
        await rounds.look()
        await rounds._board.hub.proofs.by_test("kald-03", 5.0, ok=True)
        home.clock.quality, home.clock.ahead_s = ClockQuality.SYNCED, 0.0
        await rounds.look()
        await rounds.look()
        overdue = [s.alert.key for s in home.engine.open() if s.alert.key.startswith("chain-overdue/")]
        assert overdue == []
        records = await rounds._board.hub.proofs.records()
        assert min(each.since_ns for each in records.values()) > home.clock.now().wall_ns - 3600 * NS
