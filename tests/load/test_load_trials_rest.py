"""A device whose rules rest, for a resident has said no, has not failed its scheduled test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.alerts.tests_due import MEMO, read
from gateway.board import trials
from gateway.board.board import Board
from gateway.model.alert import Concern
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
