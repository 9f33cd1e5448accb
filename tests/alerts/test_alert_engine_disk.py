"""A disk that is slow, hangs or refuses: nobody waits for it to be called, and nothing false is confirmed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.journal.errors import NotDurable
from gateway.model.alert import Handling, Priority
from gateway.model.refusal import Refused
from support.alarm_house import AlarmHouse, FakeChannel, open_house

pytestmark = pytest.mark.looptime

SMS = {"person": {"KL": {"channels": ["sms"]}}}


def pressing(house: AlarmHouse, device: str = "kald-12", word: str = "press") -> asyncio.Task[None]:
    """Press without waiting for the commit."""
    record = house.record(device, "help_call", word)
    return asyncio.create_task(house.engine.event([record], []))


async def test_the_page_is_told_after_250_ms_and_says_that_it_is_not_kept(tmp_path: Path) -> None:
    """The durable one follows under the same id; nobody can take it before."""
    async with open_house(tmp_path) as house:
        house.disk.hang()
        press = pressing(house)
        await asyncio.sleep(0.249)
        assert house.published == []
        await asyncio.sleep(0.002)
        time, first = house.published[0]
        assert (time, first.durable, first.seq) == (0.25, False, None)
        assert first.alert.document(durable=first.durable)["durable"] is False
        (shown,) = house.engine.open()
        assert (shown.alert, shown.durable) == (first.alert, False)
        with pytest.raises(Refused, match="not_durable") as refused:
            await house.does(first.alert, "acknowledge")
        assert refused.value.status == 503
        await asyncio.sleep(2.7)
        assert not press.done(), "the sender of the event waits for the commit"
        house.disk.go_on()
        await house.settle()
        assert press.done()
        _, last = house.published[-1]
        assert (last.alert.id, last.durable, last.alert.rev) == (first.alert.id, True, first.alert.rev)
        assert last.seq is not None
        assert [each.durable for each in house.engine.open()] == [True]
        assert (await house.does(first.alert, "acknowledge")).handling is Handling.ACKNOWLEDGED


async def test_presses_of_others_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each is told 250 ms after it came; a second press of the same button joins the first."""
    async with open_house(tmp_path) as house:
        house.disk.hang()
        presses = [pressing(house)]
        await asyncio.sleep(1)
        presses += [pressing(house, "kald-12-bad"), pressing(house)]
        await asyncio.sleep(0.3)
        assert house.open_keys() == ["help-call/kald-12", "help-call/kald-12-bad"]
        assert house.alert().count == 2
        told = {published.alert.key: time for time, published in house.published}
        assert told["help-call/kald-12-bad"] == pytest.approx(1.25, abs=0.01)
        before = {alert.alert.key: alert.alert.id for alert in house.engine.open()}
        house.disk.go_on()
        await asyncio.gather(*presses)
        await house.settle()
        assert {each.alert.key: each.alert.id for each in house.engine.open()} == before
        assert all(each.durable for each in house.engine.open())
        assert house.alert().count == 2


async def test_other_channels_wait_for_the_commit_or_five_seconds(tmp_path: Path) -> None:
    """And what went out from memory does not go out again when it is kept."""
    sms = FakeChannel("sms")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        house.disk.hang()
        press = pressing(house)
        await asyncio.sleep(4.99)
        assert sms.sent == []
        await asyncio.sleep(0.02)
        assert [time for time, _ in sms.sent] == [5.0]
        with pytest.raises(NotDurable):
            await press
        house.disk.go_on()
        await house.settle()
        await asyncio.sleep(20)
        assert len(sms.sent) == 1
        rows = [row for row in await house.rows(house.alert()) if row.channel == "sms"]
        assert [(row.state, row.attempts) for row in rows] == [("sent", 1)]


async def test_an_alert_that_cannot_be_taken_escalates_from_memory(tmp_path: Path) -> None:
    """The disk hangs for five minutes; the second step is told all the same, and kept afterwards."""
    async with open_house(tmp_path) as house:
        house.disk.hang()
        press = pressing(house)
        await asyncio.sleep(121)
        assert (house.alert().step, house.alert().rev) == (2, 2)
        with pytest.raises(NotDurable):
            await press
        house.disk.go_on()
        await house.settle()
        assert (house.alert().step, house.alert().rev) == (2, 2)
        assert all(each.durable for each in house.engine.open())
        assert await house.audit(house.alert()) == ["raised", "escalated"]


async def test_a_full_disk_calls_from_memory_loudly_and_keeps_everything_later(tmp_path: Path) -> None:
    """Alarms go out, acknowledging is refused, a technical alert says why; then it is kept, once."""
    sms = FakeChannel("sms")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        house.disk.full = True
        with pytest.raises(NotDurable):
            await pressing(house)
        await house.settle()
        alert = house.alert()
        assert [time for time, _ in sms.sent if "Bolig 12" in _.text] == [0.0], (
            "nothing waits for what refuses"
        )
        assert house.open_keys() == ["help-call/kald-12", "journal-failing/alarms"]
        assert house.alert("journal-failing/alarms").priority is Priority.HIGH
        with pytest.raises(Refused, match="not_durable"):
            await house.does(alert, "acknowledge")
        with pytest.raises(NotDurable):
            await pressing(house)
        assert house.alert().count == 2
        await asyncio.sleep(125)
        assert house.alert().step == 2
        house.disk.full = False
        await asyncio.sleep(11)
        assert house.open_keys() == ["help-call/kald-12"], "and that it could not be kept is over"
        (kept,) = house.engine.open()
        assert (kept.durable, kept.alert.id, kept.alert.count, kept.alert.step) == (True, alert.id, 2, 2)
        events = await house.journal.alarms.read(lambda ledger: ledger.events_after(0, 10))
        assert len(events) == 2
        assert len([text for text in sms.texts if "Bolig 12" in text]) == 2, "once a step"
        await house.does(alert, "acknowledge")


async def test_what_the_disk_takes_by_the_way_takes_everything(tmp_path: Path) -> None:
    """Somebody's deed tries the disk at once instead of waiting for the next turn."""
    async with open_house(tmp_path) as house:
        first = await house.press("kald-12-bad")
        house.disk.full = True
        with pytest.raises(NotDurable):
            await pressing(house)
        with pytest.raises(Refused, match="not_durable"):
            await house.does(first, "join")
        house.disk.full = False
        assert (await house.does(first, "acknowledge")).taken is not None
        assert all(each.durable for each in house.engine.open())


async def test_taking_and_escalating_at_the_same_time_never_undo_each_other(tmp_path: Path) -> None:
    """Inputs are queued, not results: in no run is somebody told after it was taken, or a taking lost.

    The disk takes 10 ms a commit; an acknowledgement comes within 20 ms of the timer, before or after.
    """
    sms = FakeChannel("sms")
    visited = 0
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        house.disk.commit_s = 0.01
        for offset in range(-20, 21, 2):
            sms.sent.clear()
            alert = await house.press()
            rang = alert.raised
            wait = 120 - house.clock.now().since(rang).total_seconds() + offset / 1000
            await asyncio.sleep(wait)
            taken = await house.engine.act(
                alert.id, "acknowledge", by="KL", source="page", fields={}, rev=None
            )
            at = asyncio.get_running_loop().time()
            await asyncio.sleep(400)
            assert taken.handling is Handling.ACKNOWLEDGED
            assert house.alert().handling is Handling.ACKNOWLEDGED
            late = [time for time, message in sms.attempts if time > at and message.about == "alert"]
            assert late == [], offset
            sms.attempts.clear()
            await house.does(alert, "resolve", outcome="checked", spoken=True)
            visited += 1
    assert visited == 21


async def test_a_disk_that_refuses_only_housekeeping_tells_nobody_twice(tmp_path: Path) -> None:
    """The rows' states are not kept; the message went out once."""
    sms = FakeChannel("sms", delay_s=1)
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        await house.press()
        house.disk.full = True
        await asyncio.sleep(30)
        assert len([text for text in sms.texts if "Bolig 12" in text]) == 1
        house.disk.full = False
        await asyncio.sleep(30)
        assert len([text for text in sms.texts if "Bolig 12" in text]) == 1


async def test_a_run_that_crashes_hands_on_what_the_disk_has_not_taken(tmp_path: Path) -> None:
    """The next run begins from the journal, and with the press that only memory has."""
    async with open_house(tmp_path) as house:
        kept = await house.press("kald-12-bad")
        house.disk.full = True
        with pytest.raises(NotDurable):
            await pressing(house)
        await house.crash()
        assert house.open_keys() == ["help-call/kald-12", "help-call/kald-12-bad", "journal-failing/alarms"]
        house.disk.full = False
        await asyncio.sleep(11)
        assert house.open_keys() == ["help-call/kald-12", "help-call/kald-12-bad"]
        assert house.alert("help-call/kald-12-bad").id == kept.id
        assert all(each.durable for each in house.engine.open())
