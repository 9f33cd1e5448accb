"""Power cuts and killed processes: an alert goes on where it was, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.alert import Handling
from gateway.model.clock import ClockQuality
from support.alarm_house import FakeChannel, open_house

pytestmark = pytest.mark.looptime

SMS = {"person": {"KL": {"channels": ["sms"]}}}


async def test_killed_between_two_steps_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """The same boot: monotonic time says when the next step is due."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await asyncio.sleep(60)
        await house.power_cut(dark_s=20, same_boot=True)
        assert house.alert() == alert
        assert [each.durable for each in house.engine.open()] == [True]
        await asyncio.sleep(39.9)
        assert house.alert().step == 1
        await asyncio.sleep(0.2)
        assert house.alert().step == 2


async def test_what_came_due_in_the_dark_happens_at_once_and_once(tmp_path: Path) -> None:
    """Another boot with the right time: three minutes have passed, so the second step has begun."""
    sms = FakeChannel("sms")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        alert = await house.press()
        await asyncio.sleep(60)
        await house.power_cut(dark_s=180)
        assert house.alert().step == 2
        assert len([message for _, message in sms.sent if message.key.startswith(alert.id)]) == 2
        assert (await house.audit(alert)).count("escalated") == 1
        await asyncio.sleep(119)
        assert house.alert().rev == 2


async def test_another_boot_with_the_right_time_waits_out_the_rest(tmp_path: Path) -> None:
    """Dark for ten seconds of two minutes."""
    async with open_house(tmp_path) as house:
        await house.press()
        await asyncio.sleep(60)
        await house.power_cut(dark_s=10)
        await asyncio.sleep(49.9)
        assert house.alert().step == 1
        await asyncio.sleep(0.2)
        assert house.alert().step == 2


@pytest.mark.parametrize("given", ["press", "acknowledge", "shelve"])
async def test_after_a_boot_without_a_clock_escalation_return_and_shelf_are_due_at_once(
    tmp_path: Path, given: str
) -> None:
    """Early beats late: nobody knows how long it was dark."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        if given == "acknowledge":
            await house.does(alert, "acknowledge")
        if given == "shelve":
            await house.does(alert, "shelve", until="20m", reason="sover", spoken=True)
        await house.power_cut(dark_s=5, quality=ClockQuality.UNSYNCED)
        now = house.alert()
        assert now.handling is Handling.UNACKNOWLEDGED
        assert now.step == (2 if given == "press" else 1)


async def test_a_timer_for_silence_starts_anew_after_a_boot_without_a_clock(tmp_path: Path) -> None:
    """Or each power cut would ring once a device."""
    missing = {
        "alerts": {
            "rules": {
                "no-bed": {
                    "when": {"quantity": "bed_occupancy", "missing": "10m"},
                    "kind": "no_motion",
                    "concern": "room",
                    "priority": "medium",
                    "policy": "medium",
                }
            }
        }
    }
    async with open_house(tmp_path, missing) as house:
        await house.says("seng-12", "bed_occupancy", True)
        await asyncio.sleep(60)
        await house.power_cut(dark_s=900, quality=ClockQuality.UNSYNCED)
        assert house.open_keys() == []
        await asyncio.sleep(590)
        assert "no-bed/seng-12" not in house.open_keys()
        await asyncio.sleep(80)
        assert "no-bed/seng-12" in house.open_keys()


async def test_nothing_that_was_taken_is_told_again(tmp_path: Path) -> None:
    """Its rows were dropped in the same commit."""
    sms = FakeChannel("sms", does="refuse")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        alert = await house.press()
        await asyncio.sleep(1)
        await house.does(alert, "acknowledge")
        await house.power_cut(dark_s=1)
        tried = [message for _, message in sms.attempts if message.key.startswith(alert.id)]
        await asyncio.sleep(60)
        assert [each for _, each in sms.attempts if each.key.startswith(alert.id)] == tried
        taken = house.alert()
        assert taken.taken is not None
        assert (taken.handling, taken.taken.by) == (Handling.ACKNOWLEDGED, "KL")


@pytest.mark.parametrize("knows_key", [True, False])
async def test_what_was_being_sent_is_sent_again_with_its_key(tmp_path: Path, knows_key: bool) -> None:
    """By a channel that knows no keys it is marked as repeated: twice is a nuisance, never is a death."""
    sms = FakeChannel("sms", does="hang", knows_key=knows_key)
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        alert = await house.press()
        (row,) = [row for row in await house.rows(alert) if row.channel == "sms"]
        assert row.state == "sending"
        sms.does = "take"
        await house.power_cut(same_boot=True)
        await house.settle()
        (_, message), *more = sms.sent
        assert (message.key, more) == (row.id, [])
        (row,) = [row for row in await house.rows(alert) if row.channel == "sms"]
        assert (row.state, row.repeated, message.document["repeated"]) == (
            "sent",
            not knows_key,
            not knows_key,
        )


async def test_a_wall_clock_that_jumps_moves_nothing(tmp_path: Path) -> None:
    """Neither an escalation nor a return comes early or late, nor is a closing too old to take back."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        house.clock.ahead_s = 10 * 365 * 86_400
        await asyncio.sleep(119)
        assert house.alert().step == 1
        await asyncio.sleep(1.1)
        assert house.alert().step == 2
        await house.does(alert, "acknowledge")
        house.clock.ahead_s = -86_400
        await asyncio.sleep(599)
        assert house.alert().handling is Handling.ACKNOWLEDGED
        await asyncio.sleep(2)
        assert house.alert().returned
        await house.does(alert, "resolve", outcome="checked", presence=True)
        house.clock.ahead_s = 0
        await asyncio.sleep(30)
        assert (await house.does(alert, "reopen", by="AB")).taken is not None


async def test_a_condition_that_lasts_is_known_after_a_restart(tmp_path: Path) -> None:
    """What must have lasted twenty minutes goes on lasting; it is told once."""
    allowed = {"alerts": {"rules": {"bed-not-back": {"concern": "room"}, "bed-left": {"enabled": False}}}}
    async with open_house(tmp_path, allowed) as house:
        await house.says("seng-12", "bed_occupancy", False)
        await asyncio.sleep(600)
        await house.power_cut(dark_s=60)
        await asyncio.sleep(530)
        assert house.open_keys() == []
        await asyncio.sleep(20)
        assert house.open_keys() == ["bed-not-back/seng-12"]
        await house.power_cut(dark_s=1)
        await house.says("seng-12", "bed_occupancy", False)
        assert house.alert("bed-not-back/seng-12").count == 1
        await house.says("seng-12", "bed_occupancy", True)
        assert house.open_keys() == []
