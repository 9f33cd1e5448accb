"""A call that nobody answers for days is told again and again, and neither fills the file nor the memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts import desk, outbox
from support.alarm_house import FakeChannel, FaultyDisk, open_house

pytestmark = pytest.mark.looptime

HOURS_S = 2 * 3600.0
ROWS_MAX, ROWS_KEPT = 60, 40
EVERYBODY = {"person": {name: {"channels": ["sms", "hook"]} for name in ("KL", "AB", "MN")}}
RECEIVERS = 10  # three persons with a page and two channels each, and the page that everybody sees


async def test_an_emergency_nobody_answers_leaves_a_bounded_trail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the file is read for longer than a read may take, and the gateway does not start any more."""
    monkeypatch.setattr(desk, "ROWS_MAX", ROWS_MAX)
    monkeypatch.setattr(desk, "ROWS_KEPT", ROWS_KEPT)
    monkeypatch.setattr(outbox, "DONE_MAX", ROWS_KEPT)
    monkeypatch.setattr(outbox, "REVS_MAX", 20)
    sms, hook = FakeChannel("sms"), FakeChannel("hook", does="refuse")
    async with open_house(tmp_path, EVERYBODY, channels={"sms": sms, "hook": hook}) as house:
        alert = await house.press("kald-12", "long_press")
        house.engine.page_shown(alert.id, "KL")
        for _ in range(8):
            await asyncio.sleep(HOURS_S / 8)
        told = [time for time, message in sms.sent if message.document["alert"] == alert.id]
        assert len(told) > HOURS_S / 125, "it is told for ever"
        rows = await house.rows(alert)
        assert len(rows) <= ROWS_MAX + 2 * RECEIVERS
        office = house.engine._office
        assert {row.id for row in office.clerk.kept.notifications(alert.id)} == {row.id for row in rows}
        assert house.engine.shown_on(alert.id)[0] == 1, "that somebody's page has it is not forgotten"
        assert len(office.outbox._done[alert.id]) <= ROWS_MAX + 2 * RECEIVERS
        assert len(office.outbox._failed_steps) <= 20 + len(house.engine.open())
        assert (await house.audit(alert)).count("escalated") > HOURS_S / 125, "the audit log keeps each"
        await house.power_cut(dark_s=1)
        before = len(sms.sent)
        await asyncio.sleep(130)
        assert len(sms.sent) > before


async def test_a_trail_that_is_too_long_to_be_read_stops_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow card, or from an older version: what is still to be sent is known, and calls go on."""
    sms = FakeChannel("sms", does="refuse")
    async with open_house(
        tmp_path, {"person": {"KL": {"channels": ["sms"]}}}, channels={"sms": sms}
    ) as house:
        alert = await house.press()
        read = FaultyDisk.read

        async def slow(self: FaultyDisk, work: Any) -> Any:
            if getattr(work, "args", None) == ((),):
                raise TimeoutError
            return await read(self, work)

        monkeypatch.setattr(FaultyDisk, "read", slow)
        await house.power_cut(same_boot=True)
        assert house.alert().id == alert.id
        sms.does = "take"
        await asyncio.sleep(35)
        assert [message.key for _, message in sms.sent if alert.id in message.key]
