"""Combinations in a whole home: timers in the journal, a crash in the middle, a rule that is changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.model.alert import Handling
from support.alarm_house import AlarmHouse, open_house
from support.rule_house import home_settings

pytestmark = pytest.mark.looptime

KEY = "door-unattended/room-12"


def watching(**when: Any) -> dict[str, Any]:
    """Switch the rule of the door on, at any hour."""
    whole = {"start": "00:00", "end": "00:00"}
    return {"alerts": {"rules": {"door-unattended": {"enabled": True, "when": {"during": whole, **when}}}}}


async def opened(house: AlarmHouse) -> None:
    """Open the door of a room in which nobody is."""
    await house.allow("room-12", "presence")
    await house.says("uro-12", "motion", False)
    await house.says("doer-12", "opening", True)


async def test_it_is_raised_by_its_timer_and_closes_by_itself(tmp_path: Path) -> None:
    """Two minutes later, with nobody saying a word."""
    async with open_house(tmp_path, watching()) as house:
        await opened(house)
        await asyncio.sleep(119)
        assert KEY not in house.open_keys()
        await asyncio.sleep(2)
        assert house.alert(KEY).handling is Handling.UNACKNOWLEDGED
        assert house.alert(KEY).do["en"] == "See where the resident is"
        await house.says("uro-12", "motion", True)
        assert KEY not in house.open_keys()


async def test_a_crash_in_the_middle_loses_neither_state_nor_time(tmp_path: Path) -> None:
    """What was said before the power went is remembered, and the time counts on."""
    async with open_house(tmp_path, watching()) as house:
        await opened(house)
        await asyncio.sleep(60)
        await house.power_cut(dark_s=30)
        await asyncio.sleep(25)
        assert KEY not in house.open_keys()
        await asyncio.sleep(10)
        assert house.open_keys().count(KEY) == 1
        await house.says("doer-12", "opening", False)
        assert KEY not in house.open_keys()


async def test_a_rule_that_is_changed_holds_at_once(tmp_path: Path) -> None:
    """What the devices said last is looked at again: nobody need open the door anew."""
    async with open_house(tmp_path) as house:
        await house.allow("room-12", "presence")
        records = [house.record("uro-12", "motion", False), house.record("doer-12", "opening", True)]
        house.journal.readings.append(records)
        await house.journal.readings.flush()
        house.engine.observe(records)
        await house.settle()
        house.engine.reload(home_settings(watching()))
        await asyncio.sleep(121)
        assert KEY in house.open_keys()
        house.engine.reload(home_settings())
        await house.settle()
        assert KEY not in house.open_keys()
