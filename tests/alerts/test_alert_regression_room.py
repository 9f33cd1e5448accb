"""The alerts' room crashes and begins anew: nobody waits for ever, and nothing is lost from view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal.errors import NotDurable
from gateway.model.alert import Handling, Priority
from gateway.model.refusal import Refused
from gateway.model.trouble import Trouble
from support.alarm_house import AlarmHouse, FakeChannel, open_house

pytestmark = pytest.mark.looptime

SMS = {"person": {"KL": {"channels": ["sms"]}}}


def pressing(house: AlarmHouse, device: str = "kald-12") -> asyncio.Task[None]:
    """Press without waiting for the commit."""
    record = house.record(device, "help_call", "press")
    return asyncio.create_task(house.engine.event([record], []))


def acting(house: AlarmHouse, alert: str, action: str) -> asyncio.Task[object]:
    """Act without waiting for the answer."""
    return asyncio.create_task(house.engine.act(alert, action, by="KL", source="page", fields={}))


async def test_who_waits_for_a_commit_is_answered_although_telling_it_failed(tmp_path: Path) -> None:
    """A mistake in what follows a commit crashes the room, and hangs nobody's press."""
    async with open_house(tmp_path) as house:

        def fail(_: object) -> None:
            raise ZeroDivisionError

        house.engine._office.watchers.append(fail)
        press = pressing(house)
        await asyncio.sleep(1)
        assert press.done()
        await house.crash()
        assert house.open_keys() == ["help-call/kald-12"]


async def test_what_was_being_kept_when_the_room_crashed_is_seen_by_the_next_run(tmp_path: Path) -> None:
    """The disk hangs, the room crashes, the disk goes on: the call, and who took the other, are known."""
    sms = FakeChannel("sms", does="refuse")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        taken = await house.press("kald-12-bad")
        house.disk.hang()
        act = acting(house, taken.id, "acknowledge")
        press = pressing(house)
        await house.settle()
        await house.crash()
        await asyncio.sleep(2)
        assert "help-call/kald-12" in house.open_keys(), "told, although it is not kept"
        house.disk.go_on()
        await asyncio.gather(act, press, return_exceptions=True)
        await asyncio.sleep(1)
        assert house.alert("help-call/kald-12").count == 1
        assert house.alert("help-call/kald-12-bad").handling is Handling.ACKNOWLEDGED
        assert all(each.durable for each in house.engine.open())
        sms.attempts.clear()
        await asyncio.sleep(121)
        assert house.alert("help-call/kald-12").step == 2
        tried = {message.document["alert"] for _, message in sms.attempts}
        assert house.alert("help-call/kald-12").id in tried
        assert taken.id not in tried, "nobody is told of what somebody has taken"


async def test_a_run_that_begins_anew_has_every_screen_look_again(tmp_path: Path) -> None:
    """Nobody knows what was kept and not told any more."""
    async with open_house(tmp_path) as house:
        stream = house.engine.subscribe()
        await house.crash()
        with pytest.raises(StopAsyncIteration):
            async with asyncio.timeout(1):
                await anext(stream)


async def test_between_two_runs_a_press_is_told_from_memory_and_a_deed_is_refused(tmp_path: Path) -> None:
    """The supervisor waits up to a minute between two crashes; the resident does not."""
    async with open_house(tmp_path) as house:
        known = await house.press("kald-12-bad")
        await house.halt()
        press = pressing(house)
        with pytest.raises(Refused, match="not_durable"):
            async with asyncio.timeout(1):
                await acting(house, known.id, "acknowledge")
        await asyncio.sleep(0.3)
        assert "help-call/kald-12" in house.open_keys()
        assert [each.alert.key for _, each in house.published if not each.durable] == ["help-call/kald-12"]
        await house.go_on()
        await press
        await house.settle()
        assert house.alert("help-call/kald-12").count == 1
        assert all(each.durable for each in house.engine.open())


async def test_a_deed_that_came_between_two_runs_is_answered(tmp_path: Path) -> None:
    """Neither a page nor a command waits for an answer that nobody will give."""
    async with open_house(tmp_path) as house:
        await house.halt()
        waiting = [
            asyncio.create_task(house.engine.holder_left("KL")),
            asyncio.create_task(house.engine.canary()),
        ]
        await house.settle()
        await house.go_on()
        done, _ = await asyncio.wait(waiting, timeout=60)
        assert len(done) == 2
        assert {type(task.exception()) for task in done} <= {NotDurable, type(None)}


async def test_a_press_waits_for_a_hung_disk_no_longer_than_other_systems_do(tmp_path: Path) -> None:
    """Who brings it may be one of few hands: after five seconds it has gone out everywhere, and is let go."""
    async with open_house(tmp_path) as house:
        house.disk.hang()
        press = pressing(house)
        await asyncio.sleep(4.9)
        assert not press.done()
        await asyncio.sleep(0.2)
        assert isinstance(press.exception(), NotDurable)
        await asyncio.sleep(60)
        house.disk.go_on()
        await house.settle()
        assert house.alert().count == 1
        assert all(each.durable for each in house.engine.open())


async def test_other_systems_are_told_from_memory_as_late_as_channels_are(tmp_path: Path) -> None:
    """A nurse-call system on MQTT hears of it after five seconds, and of the next step as well."""
    async with open_house(tmp_path) as house:
        house.disk.hang()
        pressing(house)
        await asyncio.sleep(4.9)
        assert house.unkept == []
        await asyncio.sleep(0.2)
        assert [(alert.key, alert.step) for alert in house.unkept] == [("help-call/kald-12", 1)]
        await asyncio.sleep(121)
        assert (house.unkept[-1].key, house.unkept[-1].step) == ("help-call/kald-12", 2)
        house.disk.go_on()
        await house.settle()


async def test_a_message_that_cannot_be_worded_fails_like_one_that_is_refused(tmp_path: Path) -> None:
    """Such as one about an alert of another version: it must not crash the room at each of its starts."""
    sms = FakeChannel("sms")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        words = house.engine._office.outbox._words

        def none() -> object:
            raise KeyError("no such word")

        house.engine._office.outbox._words = none  # type: ignore[assignment]
        await house.press()
        await asyncio.sleep(3)
        assert not house.crashed
        rows = [row for row in await house.rows(house.alert()) if row.channel == "sms"]
        assert "failed" in {row.state for row in rows} <= {"failed", "dropped"}
        house.engine._office.outbox._words = words
        await asyncio.sleep(31)
        assert sms.sent


@pytest.mark.parametrize("broken", ["check", "trouble"])
async def test_supervision_that_fails_is_told_and_stops_no_call(tmp_path: Path, broken: str) -> None:
    """Whoever looks for silence must not silence a press."""

    def fail(*_: object) -> list[object]:
        raise ZeroDivisionError

    async with open_house(tmp_path) as house:
        works: Callable[..., object] = house.engine._supervision.check
        if broken == "check":
            house.engine._supervision.check = fail  # type: ignore[method-assign,assignment]
            await asyncio.sleep(12)
            assert house.alert("rule-failing/supervision").priority is Priority.HIGH
        else:
            house.engine._supervision.observe = fail  # type: ignore[method-assign,assignment]
            await house.says("seng-12", "bed_occupancy", True)
            assert house.alert("rule-failing/battery-supervision").priority is Priority.HIGH
        assert not house.crashed
        await house.press()
        assert "help-call/kald-12" in house.open_keys()
        house.engine._supervision.check = works  # type: ignore[method-assign,assignment]
        if broken == "check":
            await asyncio.sleep(6)
            assert house.open_keys() == ["help-call/kald-12"]


async def test_a_trouble_that_cannot_be_taken_stops_nobody_who_tells_one(tmp_path: Path) -> None:
    """The radio tells one in the middle of hearing a frame."""

    def fail(*_: object) -> list[object]:
        raise ZeroDivisionError

    async with open_house(tmp_path) as house:
        house.engine._supervision.trouble = fail  # type: ignore[method-assign,assignment]
        house.engine.trouble(Trouble(kind="frames.dropped", subject="radio", present=True))
        await house.press()
        assert house.open_keys() == ["help-call/kald-12"]


async def test_a_new_call_does_not_stand_behind_the_retries_of_older_ones(tmp_path: Path) -> None:
    """The channel hangs ten seconds a try, four at a time; thirty older alerts are being tried again."""
    hook = FakeChannel("hook", does="hang")
    devices = {
        f"kald-{number}": {
            "address": f"A4:C1:38:00:09:{number:02X}", "place": "room-12", "profile": "call-button"
        }
        for number in range(30)
    }  # fmt: skip
    settings = {"person": {"KL": {"channels": ["hook"]}}, "device": devices}
    async with open_house(tmp_path, settings, channels={"hook": hook}) as house:
        for device in devices:
            await house.press(device)
        await asyncio.sleep(115)
        new = await house.press("kald-12-bad")
        await asyncio.sleep(10.1)
        assert new.id in {message.document["alert"] for _, message in hook.attempts}
