"""Memos of another version, and notes that are too much: neither holds up a start, nor a deed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.alerts.notes import MEMO
from gateway.model.alert import Handling
from support.alarm_house import open_house

pytestmark = pytest.mark.looptime


async def test_memos_of_another_version_stop_no_start(tmp_path: Path) -> None:
    """Who can be reached, and who stands in, is then not known; calls are heard."""
    async with open_house(tmp_path) as house:
        for key, value in (("reach/KL", {"at": 1}), ("duty/nat", {}), (MEMO, {"notes": [["x"], 7]})):
            await house.journal.alarms.write(
                lambda ledger, key=key, value=value: ledger.put_memo(key, value)  # type: ignore[misc]
            )
        await house.power_cut(same_boot=True)
        alert = await house.press()
        taken = await house.does(alert, "acknowledge", note="på vej")
        assert taken.handling is Handling.ACKNOWLEDGED
        assert [note.text for note in await house.engine.notes()] == ["på vej"]
        await house.engine.canary()


async def test_notes_that_have_become_too_many_stop_no_closing(tmp_path: Path) -> None:
    """A hundred notes of 280 signs of four bytes each are more than a memo holds; the oldest go."""
    async with open_house(tmp_path) as house:
        for _ in range(60):
            alert = await house.press()
            closed = await house.does(
                alert, "resolve", outcome="checked", spoken=True, note="\U0001f6cf" * 280
            )
            assert closed.handling is Handling.RESOLVED
        assert len(await house.engine.notes()) > 10
