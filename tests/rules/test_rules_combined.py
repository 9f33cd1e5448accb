"""Combinations: several devices of a place, hours, rates of change; through restarts, clocks and changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.memory import Memory
from gateway.alerts.verdicts import Occurrence
from gateway.model.alert import Concern
from support.rule_house import DAY, NIGHT, RuleHouse

DOOR = "+door-unattended/room-12 door.unattended high"
MORNING = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 07:30 in Copenhagen


def rules(**changed: Any) -> dict[str, Any]:
    """Switch off what would speak besides, and change rules of base."""
    silent = ("door-opened", "bed-left", "bed-not-back", "no-motion", "room-cold", "room-hot")
    off = {name: {"enabled": False} for name in silent}
    return {"alerts": {"rules": {**off, **changed}}}


def unattended(**when: Any) -> dict[str, Any]:
    """Switch the rule of the door on."""
    return rules(**{"door-unattended": {"enabled": True, "when": when}})


def door_house(**when: Any) -> RuleHouse:
    """Open the house at night, with the rule of the door."""
    return RuleHouse(unattended(**when), at=NIGHT)


# Several devices of one place.


def test_door_open_and_nobody_in_the_room() -> None:
    """Both must hold, for as long as it says; either ends it."""
    house = door_house()
    assert house.says("doer-12", "opening", True) == []
    assert house.wait(minutes=30) == []  # nobody has said yet whether somebody is there
    assert house.says("uro-12", "motion", False) == []
    assert house.wait(seconds=119) == []
    assert house.wait(seconds=1) == [DOOR]
    assert house.says("doer-12", "opening", True) == []
    assert house.says("uro-12", "motion", True) == ["-door-unattended/room-12"]
    assert house.says("uro-12", "motion", False) == []
    assert house.wait(minutes=2) == [DOOR]
    assert house.says("doer-12", "opening", False) == ["-door-unattended/room-12"]
    assert house.wait(hours=1) == []


def test_every_device_must_say_so_and_a_bath_counts_with_its_home() -> None:
    """Who is in the bath is at home; one sensor that sees nobody proves nothing."""
    house = door_house()
    house.says("uro-12", "motion", False)
    house.says("uro-12-bad", "motion", True)
    house.says("doer-12", "opening", True)
    assert house.wait(minutes=10) == []
    assert house.says("uro-12-bad", "motion", False) == []
    assert house.wait(minutes=2) == [DOOR]


def test_one_is_enough_where_every_is_not_asked() -> None:
    """And the devices of a condition may be named."""
    also = [{"quantity": "motion", "state": False, "devices": ["uro-12"]}]
    house = door_house(also=also)
    house.says("uro-12-bad", "motion", False)
    house.says("doer-12", "opening", True)
    assert house.wait(minutes=10) == []
    house.says("uro-12", "motion", False)
    assert house.wait(minutes=2) == [DOOR]


def test_another_place_is_another_matter() -> None:
    """The door of 12 and the bed of 13 make nothing."""
    house = door_house(also=[{"quantity": "bed_occupancy", "state": False}], held="0s")
    house.says("doer-12", "opening", True)
    assert house.says("seng-13", "bed_occupancy", False) == []
    assert house.says("seng-12", "bed_occupancy", False) == [DOOR]


def test_interrupted_it_begins_anew() -> None:
    """Two minutes are two minutes at a stretch."""
    house = door_house()
    house.says("uro-12", "motion", False)
    house.says("doer-12", "opening", True)
    house.wait(seconds=100)
    house.says("uro-12", "motion", True)
    house.says("uro-12", "motion", False)
    assert house.wait(seconds=100) == []
    assert house.wait(seconds=20) == [DOOR]


def test_a_limit_and_an_absence_besides() -> None:
    """Cold, and nobody has moved for an hour: a temperature and a silence together."""
    cold = {
        "when": {
            "quantity": "temperature",
            "below": 17.0,
            "hysteresis": 1.0,
            "also": [{"quantity": "motion", "state": True, "missing": "1h"}],
        },
        "kind": "room.cold",
        "concern": "presence",
        "priority": "medium",
        "policy": "medium",
        "per": "place",
    }
    house = RuleHouse(rules(**{"room-cold": {"enabled": False}, "cold-alone": cold}))
    house.says("klima-12", "temperature", 16.0)
    assert house.wait(hours=3) == []  # who was never seen is not missed
    house.says("uro-12", "motion", True)
    assert house.wait(minutes=59) == []
    house.says("uro-12", "motion", True)
    assert house.wait(minutes=59) == []
    assert house.wait(minutes=1) == ["+cold-alone/room-12 room.cold medium"]
    assert house.says("klima-12", "temperature", 17.5) == []  # within the hysteresis
    assert house.says("uro-12", "motion", True) == ["-cold-alone/room-12"]
    house.says("klima-12", "temperature", 18.1)
    assert house.wait(hours=2) == []


def test_an_event_counts_only_while_the_rest_holds() -> None:
    """A button by the door, pressed while the door is open."""
    rule = {
        "when": {"quantity": "button", "also": [{"quantity": "opening", "state": True}]},
        "kind": "door.opened",
        "concern": "presence",
        "priority": "high",
        "policy": "high",
        "per": "place",
    }
    house = RuleHouse(rules(**{"pressed-open": rule}))
    assert house.says("kald-12", "button", "press") == []
    house.says("doer-12", "opening", True)
    assert house.says("kald-12", "button", "press") == ["+pressed-open/room-12 door.opened high"]
    house.says("doer-12", "opening", False)
    assert house.says("kald-12", "button", "press") == []


def test_each_concern_needs_its_basis() -> None:
    """A rule of the room that also asks who moves tells of a person, and says which basis it lacks."""
    house = door_house(held="0s")
    house.basis.refused.add(("room-12", Concern.PRESENCE))
    house.says("uro-12", "motion", False)
    assert house.says("doer-12", "opening", True) == ["?door-unattended room-12"]
    assert not [key for key in house.memory if key.startswith("door-unattended")]
    assert house.timers == {}


# Hours.


def test_hours_begin_while_it_holds() -> None:
    """What has held since the afternoon counts from eleven on, and ends at seven."""
    house = RuleHouse(unattended(), at=DAY)
    house.says("uro-12", "motion", False)
    house.says("doer-12", "opening", True)
    assert house.wait(hours=11, minutes=1, seconds=59) == []  # 23:01:59
    assert house.wait(seconds=1) == [DOOR]
    assert house.wait(hours=7, minutes=57, seconds=59) == []
    assert house.wait(seconds=1) == ["-door-unattended/room-12"]


def test_no_motion_for_four_hours_by_day() -> None:
    """A night's sleep is no absence: waiting begins when the hours begin."""
    house = RuleHouse(rules(**{"no-motion-day": {"enabled": True}}), at=DAY)
    house.says("uro-12", "motion", True)
    assert house.wait(hours=3, minutes=59) == []
    assert house.wait(minutes=1) == ["+no-motion-day/room-12 no_motion medium"]
    assert house.says("uro-12-bad", "motion", True) == ["-no-motion-day/room-12"]  # 16:00
    assert house.wait(hours=3) == []
    house.says("uro-12", "motion", True)  # 19:00; until 22:00 there are three hours
    assert house.wait(hours=16, minutes=59) == []  # 11:59
    assert house.wait(minutes=1) == ["+no-motion-day/room-12 no_motion medium"]
    assert house.wait(hours=10) == ["-no-motion-day/room-12"]


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), timedelta(hours=1)),  # 21:00, the night to summer time
        (datetime(2026, 10, 24, 19, 0, tzinfo=UTC), timedelta(hours=2)),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(begin: datetime, expected: timedelta) -> None:
    """In the nights when the hour changes, too: hours that begin at 22 or 23 and end at seven."""
    hours = {"start": "22:00" if expected == timedelta(hours=1) else "23:00", "end": "07:00"}
    house = RuleHouse(unattended(during=hours), at=begin)
    house.says("uro-12", "motion", False)
    house.says("doer-12", "opening", True)
    assert house.wait(seconds=expected.total_seconds() + 119) == []
    assert house.wait(seconds=1) == [DOOR]
    spring = begin.month == 3
    night = timedelta(hours=8 if spring else 9) - timedelta(minutes=2)
    assert house.wait(seconds=night.total_seconds() - 1) == []
    assert house.wait(seconds=1) == ["-door-unattended/room-12"]


def test_an_unsynced_clock_counts_as_within_the_hours() -> None:
    """Nobody knows what time it is: better one too many."""
    house = RuleHouse(unattended(), at=DAY)
    house.unsync()
    house.says("uro-12", "motion", False)
    house.says("doer-12", "opening", True)
    assert house.wait(minutes=2) == [DOOR]


# Rates.

RATE = {"when": {"quantity": "temperature", "falls_by": 3.0, "within": "1h", "hysteresis": 1.0}}
FALLING = {
    **RATE,
    "kind": "room.changing",
    "concern": "room",
    "priority": "medium",
    "policy": "medium",
}
FELL = "+falling/klima-12 room.changing medium"


def test_a_rate_compares_with_the_highest_of_its_time() -> None:
    """Three degrees in an hour, not three degrees in a day."""
    house = RuleHouse(rules(falling=FALLING))
    for value in (21.3, 20.3, 19.3, 18.9):  # slowly: a degree an hour and a half
        assert house.says("klima-12", "temperature", value) == []
        house.wait(minutes=90)
    for value in (18.9, 17.5, 16.5):
        assert house.says("klima-12", "temperature", value) == []
        house.wait(minutes=10)
    assert house.says("klima-12", "temperature", 15.9) == [FELL]
    assert house.says("klima-12", "temperature", 16.8) == []  # within the hysteresis
    assert house.says("klima-12", "temperature", 17.0) == ["-falling/klima-12"]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(150, 250)), min_size=1, max_size=60),
    st.sets(st.integers(0, 60)),
)
def test_a_rate_is_the_model(series: list[tuple[int, int]], restarts: set[int]) -> None:
    """Exact within the window, open about the twelfth beyond it, whatever restarts come between.

    What a restart may forget is the last twelfth, so right after one only the upper bound is asked.
    """
    house = RuleHouse(rules(falling={**FALLING, "when": {**RATE["when"], "hysteresis": 0.0}}))
    past: list[tuple[float, float]] = []
    held, at, restarted = False, 0.0, -1e9
    for number, (minutes, tenths) in enumerate(series):
        at, value = at + minutes, tenths / 10
        house.wait(minutes=minutes)
        if number in restarts:
            house.restart()
            restarted = at
        past.append((at, value))
        sure = max(
            (v for t, v in past if at - t <= 60 and (t > restarted or t < restarted - 5)), default=value
        )
        most = max(v for t, v in past if at - t <= 65.001)
        said = house.says("klima-12", "temperature", value)
        held = said == [FELL] or (held and not said)
        if max(sure, value) - value >= 3 and restarted < at - 65:
            assert held
        if most - value < 3:
            assert not held


def test_a_rate_goes_on_after_a_restart() -> None:
    """The pieces of its time that are over are kept."""
    house = RuleHouse(rules(falling=FALLING))
    house.says("klima-12", "temperature", 21.0)
    house.wait(minutes=6)
    house.says("klima-12", "temperature", 21.0)
    house.restart(dark=timedelta(minutes=10), boot="boot-2")
    assert house.says("klima-12", "temperature", 18.0) == [FELL]


def test_a_rate_forgets_what_nobody_can_date() -> None:
    """After an unsynced boot nobody knows how old a value is."""
    house = RuleHouse(rules(falling=FALLING))
    house.says("klima-12", "temperature", 21.0)
    house.wait(minutes=6)
    house.says("klima-12", "temperature", 21.0)
    house.unsync()
    house.restart(dark=timedelta(minutes=10), boot="boot-2")
    assert house.says("klima-12", "temperature", 18.0) == []


# Restarts and changes.


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """Neither the part that was said before, nor the minutes that have passed."""
    house = door_house()
    house.says("doer-12", "opening", True)
    house.restart(dark=timedelta(minutes=1), boot="boot-2")
    house.says("uro-12", "motion", False)
    house.wait(seconds=60)
    house.restart(dark=timedelta(seconds=30), boot="boot-3")
    assert house.wait(seconds=29) == []
    assert house.wait(seconds=1) == [DOOR]
    assert house.restart(dark=timedelta(minutes=5), boot="boot-4") == []
    assert house.says("uro-12", "motion", True) == ["-door-unattended/room-12"]


def test_due_meanwhile_it_is_told_at_once() -> None:
    """And where nobody knows how long it was dark, early beats late."""
    house = door_house()
    house.says("doer-12", "opening", True)
    house.says("uro-12", "motion", False)
    house.wait(seconds=10)
    assert house.restart(dark=timedelta(minutes=5), boot="boot-2") == [DOOR]
    unsure = door_house()
    unsure.says("doer-12", "opening", True)
    unsure.says("uro-12", "motion", False)
    unsure.unsync()
    assert unsure.restart(dark=timedelta(seconds=1), boot="boot-2") == [DOOR]


def test_an_absence_begins_anew_after_an_unsynced_boot() -> None:
    """Or each power cut would ring in each home."""
    house = RuleHouse(rules(**{"no-motion-day": {"enabled": True}}), at=DAY)
    house.says("uro-12", "motion", True)
    house.wait(hours=3)
    house.unsync()
    assert house.restart(dark=timedelta(hours=3), boot="boot-2") == []
    assert house.wait(hours=3, minutes=59) == []
    assert house.wait(minutes=30) == ["+no-motion-day/room-12 no_motion medium"]


def test_an_absence_keeps_its_time_with_few_writes() -> None:
    """A thousand sights in an hour of four move the kept one ten times an hour at most."""
    house = RuleHouse(rules(**{"no-motion-day": {"enabled": True}}), at=DAY)
    kept = 0
    for _ in range(1000):
        before = dict(house.kept)
        house.says("uro-12", "motion", True)
        kept += before != house.kept
        house.wait(seconds=3.6)
    assert kept <= 4
    assert house.wait(hours=3, minutes=59, seconds=50) == []
    assert house.wait(seconds=10) == ["+no-motion-day/room-12 no_motion medium"]


def test_a_changed_rule_holds_at_once_for_what_is_so() -> None:
    """The last words of the devices are looked at again; what is not asked any more is forgotten."""
    house = door_house()
    latest = [house.record("doer-12", "opening", True), house.record("uro-12", "motion", False)]
    for record in latest:
        house.judge(record)
    assert house.wait(minutes=2) == [DOOR]
    house.configure(unattended(also=[{"quantity": "bed_occupancy", "state": False}]))
    house.take(house.book.prune(house.memory))
    judged = house.take(house.book.started(house.now, house.memory))
    assert [type(each).__name__ for each in judged.verdicts] == ["Gone"]
    house.take(
        house.book.catch_up(
            [*latest, house.record("seng-12", "bed_occupancy", False)], house.now, house.memory
        )
    )
    assert house.wait(minutes=2) == [DOOR]
    house.configure(rules())
    gone = house.take(house.book.prune(house.memory))
    assert [type(each).__name__ for each in gone.verdicts][-1] == "Gone"
    assert house.timers == {}


def test_a_device_that_is_removed_takes_its_word_along() -> None:
    """What nobody can take back holds nothing."""
    house = door_house()
    house.says("doer-12", "opening", True)
    house.says("uro-12", "motion", False)
    assert house.wait(minutes=2) == [DOOR]
    del house.settings.device["doer-12"]
    house.take(house.book.prune(house.memory))
    judged = house.take(house.book.started(house.now, house.memory))
    assert [type(each).__name__ for each in judged.verdicts] == ["Gone"]


def test_what_is_remembered_survives_as_it_is() -> None:
    """Sights, pieces and the next look, to the nanosecond."""
    house = RuleHouse(rules(falling=FALLING, **{"no-motion-day": {"enabled": True}}), at=DAY)
    house.says("uro-12", "motion", True)
    house.says("klima-12", "temperature", 21.0)
    house.wait(minutes=6)
    house.says("klima-12", "temperature", 20.0)
    again = Memory.restored({key: json.loads(memo) for key, memo in house.kept.items()})
    assert {key: again[key] for key in again} == {key: house.memory[key] for key in house.memory}
    assert any(again[key].sights for key in again)
    assert any(again[key].lows for key in again)


# Overrides.


def test_a_product_may_differ() -> None:
    """By the profile of the device: this make of thermometer reads a degree too high."""
    hot = {
        "override": [
            {"profiles": "ruuvi-tag", "above": 30.0, "held": "0s", "do": {"da": "Luft", "en": "Air"}}
        ]
    }
    house = RuleHouse(rules(**{"room-hot": hot}))
    assert house.says("klima-12", "temperature", 29.5) == []
    judged = house.judge(house.record("klima-12", "temperature", 30.5))
    assert [each.do["en"] for each in judged.verdicts if hasattr(each, "do")] == ["Air"]
    assert house.says("uro-12", "temperature", 29.5) == []
    assert house.wait(minutes=30) == ["+room-hot/uro-12 room.hot medium"]


def test_a_place_may_have_its_own_hours_and_rate() -> None:
    """Each key of `when` that a rule has may differ."""
    override = [{"places": "room-12", "falls_by": 1.0, "within": "10m", "hysteresis": 0.5}]
    house = RuleHouse(rules(falling={**FALLING, "override": override}))
    house.says("klima-12", "temperature", 21.0)
    assert house.says("klima-12", "temperature", 20.0) == [FELL]


def test_a_vital_sign_among_the_conditions_needs_the_intended_use() -> None:
    """In bed with a fast pulse: a limit on a vital sign, however it is dressed; and it says so."""
    rule = {
        "when": {
            "quantity": "bed_occupancy",
            "state": True,
            "also": [{"quantity": "heart_rate", "above": 120.0, "hysteresis": 5.0}],
        },
        "kind": "vital.limit",
        "concern": "vital",
        "priority": "medium",
        "policy": "medium",
        "per": "place",
    }
    use = {"responsible": "klinik", "since": "2026-01-01", "grounds": "sag 1"}
    off = RuleHouse(rules(**{"pulse-in-bed": rule}))
    on = RuleHouse(rules(**{"pulse-in-bed": rule}), {"intended_use": use})
    for house in (off, on):
        assert house.says("seng-12", "bed_occupancy", True) == []
    assert off.says("seng-12", "heart_rate", 130.0) == []
    judged = on.judge(on.record("seng-12", "heart_rate", 130.0))
    [told] = [each for each in judged.verdicts if isinstance(each, Occurrence)]
    assert (told.kind, told.concern) == ("vital.limit", Concern.VITAL)
    assert "intended use" in told.detail
    on.says("seng-12", "heart_rate", 100.0)
    on.basis.refused.add(("room-12", Concern.PRESENCE))  # the bed tells of it too
    assert on.says("seng-12", "heart_rate", 130.0) == ["?pulse-in-bed room-12"]
