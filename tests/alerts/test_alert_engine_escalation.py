"""From a press to the person who takes it, in virtual time on a real journal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.alert import Handling, Priority
from support.alarm_house import open_house

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
