"""From a press to the person who takes it, in virtual time on a real journal."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.model.alert import Handling, Priority
from gateway.model.clock import ClockQuality
from support.alarm_house import FakeChannel, open_house

pytestmark = pytest.mark.looptime


async def test_a_press_is_an_alert_with_its_timer_and_rows(tmp_path: Path) -> None:
    """One commit holds the event, the alert, its timer and its notifications."""
    async with open_house(tmp_path) as house:
        commits = []
        house.journal.alarms.on_commit(commits.append)
        alert = await house.press()
        assert (alert.handling, alert.step, alert.rev) == (Handling.UNACKNOWLEDGED, 1, 1)
        assert alert.title == {"da": "Kald – Bolig 12", "en": "Call – Bolig 12"}
        first = commits[0]
        assert [record.value for _, record in first.events] == ["press"]
        assert [alert.id for _, alert in first.alerts] == [alert.id]
        assert {row.state for row in first.notifications} == {"sending"}
        assert {(row.channel, row.person) for row in first.notifications} == {
            ("page", None),
            ("page", "KL"),
            ("page", "AB"),
            ("page", "MN"),
        }
        assert [(timer.kind, timer.rev) for timer in await house.timers()] == [("escalate", 1)]
        _, published = house.published[0]
        assert (published.alert, published.durable) == (alert, True)


async def test_silence_of_the_first_step_calls_the_second_and_the_last_for_ever(tmp_path: Path) -> None:
    """A step that nobody acknowledges within its `after` starts the next one; the last one repeats."""
    async with open_house(tmp_path) as house:
        await house.press()
        await asyncio.sleep(119)
        assert house.alert().step == 1
        await asyncio.sleep(1.01)
        assert (house.alert().step, house.alert().asked) == (2, ("page", "duty", "everyone"))
        before = house.alert().rev
        await asyncio.sleep(600)
        assert (house.alert().step, house.alert().rev) == (2, before + 5)
        assert house.alert().priority is Priority.HIGH


async def test_taking_it_stops_the_escalation_and_the_return_timer_gives_it_back(tmp_path: Path) -> None:
    """Taken is not done: after ten minutes it calls again from step 1, its holder asked two before."""
    async with open_house(tmp_path) as house:
        alert = await house.press()
        await house.does(alert, "acknowledge", rev=1)
        assert [timer.kind for timer in await house.timers()] == ["return", "warn"]
        await asyncio.sleep(7 * 60 + 59)
        assert not house.alert().warned
        await asyncio.sleep(1.01)
        assert house.alert().warned
        assert [row.person for row in await house.rows(alert) if row.about == "return"] == ["KL"]
        await asyncio.sleep(2 * 60)
        back = house.alert()
        assert (back.handling, back.step, back.returned, back.taken) == (
            Handling.UNACKNOWLEDGED,
            1,
            True,
            None,
        )
        assert [timer.kind for timer in await house.timers()] == ["escalate"]
        assert await house.audit(alert) == ["raised", "acknowledged", "warned", "returned"]


SMS = {"person": {"KL": {"channels": ["sms"]}}}
NIGHT = {
    "group": {
        "nat": {"persons": [], "shifts": [{"start": "23:00", "end": "07:00", "persons": ["KL"]}]},
        "dag": {"persons": ["AB"]},
    },
    "alerts": {
        "policies": {
            "call": {
                "steps": [
                    {"targets": ["group:nat"], "after": "2m"},
                    {"targets": ["group:dag"], "after": "3m"},
                ]
            }
        }
    },
}


async def test_an_empty_group_starts_the_next_step_at_once_and_says_so(tmp_path: Path) -> None:
    """Nobody of the night is on duty by day; the technical alert ends once somebody is."""
    async with open_house(tmp_path, NIGHT) as house:
        alert = await house.press()
        assert (alert.step, alert.asked) == (2, ("group:nat", "group:dag"))
        assert {row.person for row in await house.rows(alert)} == {"AB"}
        assert (await house.audit(alert))[:3] == ["raised", "step_failed", "escalated"]
        assert house.open_keys() == ["duty-empty/nat", "help-call/kald-12"]
        assert house.alert("duty-empty/nat").priority is Priority.TECHNICAL
        await asyncio.sleep(9 * 3600)  # past 23:00 in Copenhagen
        assert house.open_keys() == ["help-call/kald-12"]


async def test_an_unsynced_clock_counts_every_member(tmp_path: Path) -> None:
    """Nobody knows whether it is night, so everybody is asked."""
    async with open_house(tmp_path, NIGHT, quality=ClockQuality.UNSYNCED) as house:
        alert = await house.press()
        assert (alert.step, {row.person for row in await house.rows(alert)}) == (1, {"KL"})


async def test_where_no_step_has_anybody_everybody_is_told(tmp_path: Path) -> None:
    """Better everybody than nobody."""
    nobody = {"group": {"dag": {"persons": []}}}
    async with open_house(tmp_path, NIGHT, nobody) as house:
        alert = await house.press()
        assert (alert.step, alert.asked) == (2, ("group:nat", "group:dag", "everyone"))
        assert {row.person for row in await house.rows(alert)} == {None, "KL", "AB", "MN"}


async def test_a_step_whose_every_channel_failed_does_not_wait(tmp_path: Path) -> None:
    """The next starts at once, a technical alert of priority high says that calls do not get through."""
    policy = {
        "alerts": {
            "policies": {
                "call": {
                    "steps": [
                        {"targets": ["channel:sms"], "after": "2m"},
                        {"targets": ["page"], "after": "3m"},
                    ]
                }
            }
        }
    }
    sms = FakeChannel("sms", does="refuse")
    async with open_house(tmp_path, policy, channels={"sms": sms}) as house:
        alert = await house.press()
        await asyncio.sleep(0.1)
        assert house.alert().step == 2
        failing = house.alert("channel-failing/sms")
        assert (failing.priority, failing.concern.value) == (Priority.HIGH, "technical")
        assert [row.state for row in await house.rows(alert) if row.channel == "sms"] == ["failed"]
        sms.does = "take"
        await asyncio.sleep(3)
        assert len(sms.sent) == 1
        assert house.open_keys() == ["help-call/kald-12"], "it closes itself when the channel works again"
        assert [row.state for row in await house.rows(alert) if row.channel == "sms"] == ["sent"]


async def test_a_step_that_the_page_has_shown_waits_although_its_channel_fails(tmp_path: Path) -> None:
    """Somebody has it before their eyes."""
    sms = FakeChannel("sms", does="refuse", delay_s=1)
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        alert = await house.press()
        assert house.engine.shown_on(alert.id) == (0, 3)
        house.engine.page_shown(alert.id, "ab")
        house.engine.page_shown(alert.id, "wall-1")
        await house.settle()
        assert house.engine.shown_on(alert.id) == (1, 3)
        await asyncio.sleep(60)
        assert house.alert().step == 1


async def test_a_failing_channel_is_tried_with_growing_pauses_of_half_a_minute_at_most(
    tmp_path: Path,
) -> None:
    """Until somebody has taken it, and not once after that."""
    sms = FakeChannel("sms", does="refuse")
    async with open_house(tmp_path, SMS, channels={"sms": sms}) as house:
        alert = await house.press()
        await asyncio.sleep(118)
        tries = [(time, message.key) for time, message in sms.attempts if message.key.startswith(alert.id)]
        assert len({key for _, key in tries}) == 2, "one message a step, one key a message"
        times = [time for time, key in tries if key == tries[-1][1]]
        pauses = [later - time for time, later in pairwise(times)]
        assert len(times) >= 6
        assert max(pauses) <= 30.1
        assert pauses[3] > pauses[0]
        await house.does(alert, "acknowledge")
        await asyncio.sleep(400)
        late = [time for time, message in sms.attempts if message.key.startswith(alert.id) and time > 118.5]
        assert late == []
        assert {row.state for row in await house.rows(alert) if row.channel == "sms"} == {"dropped"}


async def test_a_channel_that_hangs_or_raises_delays_no_other(tmp_path: Path) -> None:
    """Each has its own lane and its own time."""
    every = {
        "hangs": FakeChannel("hangs", does="hang"),
        "raises": FakeChannel("raises", does="raise"),
        "works": FakeChannel("works"),
    }
    people = {"person": {"KL": {"channels": ["hangs", "raises", "works"]}}}
    async with open_house(tmp_path, people, channels=every) as house:
        for device in ("kald-12", "kald-12-bad"):
            await house.press(device)
        assert len(every["works"].sent) == 2
        assert max(time for time, _ in every["works"].sent) < 0.1
        await asyncio.sleep(11)
        rows = await house.rows(house.alert())
        errors = {row.channel: row.error for row in rows if row.channel in ("hangs", "raises")}
        assert errors == {"hangs": "no answer within 10 s", "raises": "it raised ZeroDivisionError"}


async def test_what_a_message_says(tmp_path: Path) -> None:
    """What, where, how long, how often, what to do; each in their language; outside the home the least."""
    people = {
        "person": {"KL": {"channels": ["sms"]}, "MN": {"channels": ["sms"]}, "AB": {"channels": ["far"]}}
    }
    sms, far = FakeChannel("sms"), FakeChannel("far", short=True)
    async with open_house(tmp_path, people, channels={"sms": sms, "far": far}) as house:
        await house.press()
        await house.press()
        assert sms.texts == ["Kald – Bolig 12. Gå til boligen.", "Call – Bolig 12. Go to the home."]
        assert far.texts == ["Bolig 12: Haster"]
        assert "kind" not in far.sent[0][1].document
        await asyncio.sleep(121)
        assert sms.texts[2] == (
            "Kald – Bolig 12. Gå til boligen. Har ventet 2 min. 2 gange. Sendt videre, ingen har taget den."
        )
