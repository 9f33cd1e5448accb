"""Moments of a boot before this one: whatever an alert says of them, its timers run in this boot's time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.model.alert import Handling
from gateway.model.clock import ClockQuality
from support.alarm_house import AlarmHouse, open_house

pytestmark = pytest.mark.looptime

TEN_DAYS_S = 864_000.0


def up_for_ten_days(house: AlarmHouse) -> None:
    """Let the machine have run for long: its monotonic time is far beyond that of the next boot."""
    house.clock.mono_from_s = -TEN_DAYS_S


async def test_a_taken_alert_comes_back_in_time_after_a_boot(tmp_path: Path) -> None:
    """Ten minutes to return, three of them dark: warned at eight, given back at ten."""
    async with open_house(tmp_path) as house:
        up_for_ten_days(house)
        await house.does(await house.press(), "acknowledge")
        await asyncio.sleep(60)
        await house.power_cut(dark_s=180)
        await asyncio.sleep(480 - 240 + 1)
        assert house.alert().warned
        assert house.alert().handling is Handling.ACKNOWLEDGED
        await asyncio.sleep(120)
        assert house.alert().handling is Handling.UNACKNOWLEDGED
        assert house.alert().returned


async def test_after_a_boot_without_a_clock_what_was_taken_comes_back_at_once(tmp_path: Path) -> None:
    """The warning is due at once as well, and must not put the return off."""
    async with open_house(tmp_path) as house:
        up_for_ten_days(house)
        await house.does(await house.press(), "acknowledge")
        await house.power_cut(dark_s=5, quality=ClockQuality.UNSYNCED)
        await asyncio.sleep(1)
        assert house.alert().handling is Handling.UNACKNOWLEDGED


async def test_somebody_who_comes_along_after_a_boot_puts_no_step_off(tmp_path: Path) -> None:
    """`join` is a transition, so the timer is set anew, at the moment that the alert names."""
    async with open_house(tmp_path) as house:
        up_for_ten_days(house)
        alert = await house.press()
        await house.power_cut(dark_s=30)
        await house.does(alert, "join", by="AB")
        await asyncio.sleep(91)
        assert house.alert().step == 2


async def test_a_clock_set_back_after_a_boot_puts_no_return_off(tmp_path: Path) -> None:
    """Found by the simulation: the warning set the return anew by the wall clock, which stood an hour off."""
    async with open_house(tmp_path) as house:
        house.clock.ahead_s = 3600.0
        await house.does(await house.press(), "acknowledge")
        await asyncio.sleep(60)
        await house.power_cut(dark_s=30)
        house.clock.ahead_s = 0.0
        await asyncio.sleep(600 - 90 + 1)
        assert house.alert().handling is Handling.UNACKNOWLEDGED


async def test_a_clock_set_back_after_a_boot_puts_no_step_off(tmp_path: Path) -> None:
    """The same for somebody who comes along."""
    async with open_house(tmp_path) as house:
        house.clock.ahead_s = 3600.0
        alert = await house.press()
        await house.power_cut(dark_s=30)
        house.clock.ahead_s = 0.0
        await house.does(alert, "join", by="AB")
        await asyncio.sleep(91)
        assert house.alert().step == 2


async def test_a_clock_that_stands_before_what_it_wrote_is_not_believed(tmp_path: Path) -> None:
    """Found by the simulation: after a night with a fast clock an emergency was silent for an hour."""
    async with open_house(tmp_path) as house:
        house.clock.ahead_s = 3600.0
        await house.press()
        house.clock.ahead_s = 0.0
        await house.power_cut(dark_s=30)
        await asyncio.sleep(1)
        assert house.alert().step == 2
