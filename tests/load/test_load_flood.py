"""A flood is told once and holds nothing back; what chatters is named; a call is never one too many."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.flood import KEYS_MAX, AlarmLoad, counts
from gateway.model.alert import Concern, Condition, Handling, Priority
from gateway.model.clock import Instant
from gateway.model.trouble import Trouble
from gateway.settings.load import Load
from support.alarm_house import open_house
from support.load_alerts import an_alert
from support.rule_house import RuleHouse

START = RuleHouse().now


def at(minutes: float) -> Instant:
    """Give a moment, in minutes from the start."""
    return START.plus(timedelta(minutes=minutes))


def said(troubles: Iterable[Trouble]) -> list[str]:
    """Write troubles for reading."""
    return [f"{'+' if each.present else '-'}{each.kind}/{each.subject}" for each in troubles]


def test_more_than_two_for_each_on_duty_in_ten_minutes_is_a_flood_told_once() -> None:
    """Told with which rule and device rings; over at half of it."""
    load = AlarmLoad(Load())
    for n in range(4):
        load.note(an_alert(n, device=f"doer-{n}"), at(n))
    assert load.look(at(4), 2) == []
    load.note(an_alert(9, "bed-left", "seng-12"), at(5))
    (told,) = load.look(at(5), 2)
    assert said([told]) == ["+alarm.flood/home"]
    assert told.detail == (
        "5 new alerts in 10 min, more than 4 for 2 on duty; most by rule door-opened: 4; 1 of them by doer-0."
        " Nothing is held back."
    )
    assert (told.place, told.device) == (None, None)
    load.note(an_alert(10, "bed-left", "seng-13"), at(6))
    assert load.look(at(6), 2) == []
    assert load.flood is not None
    assert (load.flood.count, load.flood.since) == (6, at(5))
    assert load.look(at(12.5), 2) == [], "more than half of it is left"
    assert said(load.look(at(14), 2)) == ["-alarm.flood/home"]
    assert load.flood is None


def test_a_flood_of_one_device_names_where_to_go() -> None:
    """More than half of it comes from there."""
    load = AlarmLoad(Load())
    for n in range(3):
        load.note(an_alert(n), at(n))
    (told,) = [each for each in load.look(at(3), 0) if each.kind == "alarm.flood"]
    assert (told.place, told.device) == ("room-12", "doer-12")


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, True),
        ({"priority": Priority.MEDIUM}, True),
        ({"priority": Priority.EMERGENCY}, False),
        ({"concern": Concern.SELF}, False),
        ({"test": True}, False),
        ({"rule": "device-silent", "concern": Concern.TECHNICAL}, True),
        ({"rule": "device-silent", "concern": Concern.TECHNICAL, "priority": Priority.TECHNICAL}, False),
        ({"rule": "tamper", "concern": Concern.TECHNICAL, "priority": Priority.TECHNICAL}, True),
    ],
)
def test_what_counts(changes: dict[str, Any], counted: bool) -> None:
    """Rules' alerts but emergencies; of our own what stands among the calls; never a call or a test."""
    alert = an_alert(1, **changes)
    assert counts(alert) is counted
    load = AlarmLoad(Load())
    for n in range(50):
        load.note(replace(alert, id=str(n), latching=True), at(0))
    assert (load.look(at(0), 1) != []) is counted


def test_an_alert_counts_once_and_when_it_is_let_through() -> None:
    """Its later states are no news; one that was held back counts when it calls."""
    load = AlarmLoad(Load())
    for n in range(3):
        held = an_alert(n, device=f"d-{n}", handling=Handling.SUPPRESSED)
        for _ in range(5):
            load.note(held, at(0))
    assert load.look(at(0), 1) == []
    for n in range(3):
        for handling in (Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED, Handling.RESOLVED):
            load.note(an_alert(n, device=f"d-{n}", handling=handling), at(1))
    assert said(load.look(at(1), 1)) == ["+alarm.flood/home"]
    assert load.flood is not None
    assert load.flood.count == 3


def come_and_go(load: AlarmLoad, minutes: float, n: int = 0, **changes: Any) -> None:
    """Let a condition come and go once."""
    alert = an_alert(n, **changes)
    load.note(alert, at(minutes))
    load.note(replace(alert, condition=Condition.GONE), at(minutes + 0.1))


def test_what_comes_and_goes_again_and_again_is_named() -> None:
    """Five times in ten minutes; calm after half an hour without."""
    load = AlarmLoad(Load(per_person=1000))
    for n in range(4):
        come_and_go(load, n)
    assert load.look(at(4), 1) == []
    come_and_go(load, 5)
    (told,) = load.look(at(5), 1)
    assert said([told]) == ["+alarm.chattering/door-opened/doer-12"]
    assert (told.device, told.place) == ("doer-12", "room-12")
    assert told.detail == (
        "rule door-opened of doer-12 has come and gone 5 times in 10 min. Nothing is held back."
    )
    come_and_go(load, 6)
    assert load.look(at(34), 1) == []
    assert said(load.look(at(37), 1)) == ["-alarm.chattering/door-opened/doer-12"]


def test_a_condition_that_stays_does_not_chatter_however_often_it_is_said() -> None:
    """A state that is repeated is present all the time; an event that latches is many calls."""
    load = AlarmLoad(Load(per_person=1000))
    for n in range(30):
        load.note(an_alert(1, count=n), at(n / 10))
        come_and_go(load, n / 10, n, device="pendant", latching=True)
        come_and_go(load, n / 10, n, device="kald-12", concern=Concern.SELF)
    assert load.look(at(3), 1) == []


def test_our_own_alerts_about_load_are_no_load() -> None:
    """A flood that comes and goes does not chatter."""
    load = AlarmLoad(Load(per_person=1))
    for n in range(30):
        for rule in ("alarm-flood", "alarm-chattering"):
            come_and_go(load, n / 10, n, rule=rule)
    assert load.look(at(3), 1) == []


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 3)), max_size=80), st.integers(1, 4))
def test_a_flood_is_the_model(series: list[tuple[float, int]], persons: int) -> None:
    """Above the limit it begins, at half of it it ends; each edge is told once."""
    load, now, flooded, told = AlarmLoad(Load()), 0.0, False, list[bool]()
    rung: list[float] = []
    for number, (later, new) in enumerate(series):
        now += later
        for each in range(new):
            load.note(an_alert(number * 10 + each, latching=True), at(now))
            rung.append(now)
        count = sum(at(now).since(at(each)) <= timedelta(minutes=10) for each in rung)
        before, limit = flooded, 2 * persons
        flooded = count > (limit // 2 if before else limit)
        edges = [each.present for each in load.look(at(now), persons)]
        assert edges == ([flooded] if flooded is not before else [])
        told += edges
    assert told == [bool((n + 1) % 2) for n in range(len(told))]


def test_what_is_followed_is_bounded() -> None:
    """A home has some hundred conditions; a fault must not fill the memory."""
    load = AlarmLoad(Load(per_person=10**6))
    for n in range(KEYS_MAX + 500):
        come_and_go(load, 0, n, device=f"d-{n}")
    assert len(load._followed) == KEYS_MAX
    assert len(load._known) == len(load._rung) == KEYS_MAX


# In the engine.


@pytest.mark.looptime
async def test_in_a_flood_every_alert_goes_out_and_an_emergency_waits_for_nothing(tmp_path: Path) -> None:
    """Each rings and stands by itself; the fall in the middle of it is told in the same moment."""
    async with open_house(tmp_path) as house:
        for device in ("vand-12", "klima-12"):
            await house.says(device, "moisture", True)
        for device in ("doer-12", "kald-12", "uro-12", "seng-12", "klima-12"):
            await house.says(device, "tamper", True)
        await asyncio.sleep(6)
        flood = house.alert("alarm-flood/home")
        assert (flood.priority, flood.kind, flood.concern) == (
            Priority.TECHNICAL,
            "alarm.flood",
            Concern.TECHNICAL,
        )
        begun = asyncio.get_running_loop().time()
        emergency = await house.press("kald-12", "long_press")
        assert emergency.priority is Priority.EMERGENCY
        assert asyncio.get_running_loop().time() - begun < 1
        again = [a for t, p in house.published if (a := p.alert).id == emergency.id and t >= begun]
        assert again, "published at once"
        keys = house.open_keys()
        assert {"leak/vand-12", "leak/klima-12", "tamper/doer-12", "help-call/kald-12"} <= set(keys)
        assert house.engine.load.flood is not None
        await asyncio.sleep(700)
        assert "alarm-flood/home" not in house.open_keys()
        assert house.alert("help-call/kald-12").handling is Handling.UNACKNOWLEDGED


@pytest.mark.looptime
async def test_a_flood_outlives_a_restart_and_is_not_told_twice(tmp_path: Path) -> None:
    """What rang before the power cut counts on."""
    async with open_house(tmp_path) as house:
        for device in ("vand-12", "klima-12"):
            await house.says(device, "moisture", True)
        for device in ("doer-12", "kald-12", "uro-12", "seng-12", "klima-12"):
            await house.says(device, "tamper", True)
        await asyncio.sleep(6)
        before = house.alert("alarm-flood/home")
        await house.power_cut(dark_s=5)
        await asyncio.sleep(240)
        after = house.alert("alarm-flood/home")
        assert (after.id, after.count) == (before.id, before.count)
