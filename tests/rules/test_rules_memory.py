"""Restarts: no edge is told twice, none is lost; hysteresis against a model; what a memory keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.memory import MEMO, Memory
from gateway.model.clock import NS, ClockQuality, Instant
from support.rule_house import DAY, NIGHT, RuleHouse, shortly

HOT = {
    "alerts": {
        "rules": {
            "room-hot": {"when": {"quantity": "temperature", "above": 28.0, "hysteresis": 1.0, "held": "0s"}},
            "room-cold": {"enabled": False},
        }
    }
}


@given(st.lists(st.tuples(st.floats(25, 31), st.booleans()), max_size=40))
def test_hysteresis_is_the_model_whatever_restarts_come_between(series: list[tuple[float, bool]]) -> None:
    """Up above 28, down at or below 27, each edge once, with restarts anywhere."""
    house, hot, expected, said = RuleHouse(HOT, at=DAY), False, list[str](), list[str]()
    for value, restart in series:
        if not hot and value > 28:
            hot, expected = True, [*expected, "+room-hot/klima-12 room.hot medium"]
        elif hot and value <= 27:
            hot, expected = False, [*expected, "-room-hot/klima-12"]
        said += house.says("klima-12", "temperature", value)
        if restart:
            house.restart()
    assert said == expected


STEPS = st.lists(
    st.one_of(
        st.booleans().map(lambda lies: ("bed", lies)),
        st.integers(1, 1500).map(lambda seconds: ("wait", seconds)),
        st.just(("restart", 0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_not_back_is_told_once_an_absence_however_often_it_restarts(steps: list[tuple[str, int]]) -> None:
    """Against a model of four lines: out for 20 minutes is told, once, and gone when back."""
    house, out_since, told, expected, said, now = RuleHouse(), None, False, list[str](), list[str](), 0
    for step, value in steps:
        if step == "bed":
            said += [
                each for each in house.says("seng-12", "bed_occupancy", bool(value)) if "not-back" in each
            ]
            if value:
                expected += ["-bed-not-back/seng-12"] if told else []
                out_since, told = None, False
            elif out_since is None:
                out_since = now
        elif step == "wait":
            said += [each for each in house.wait(seconds=value) if "not-back" in each]
            now += value
            if out_since is not None and not told and now - out_since >= 1200:
                told, expected = True, [*expected, "+bed-not-back/seng-12 bed.not_back high"]
        else:
            house.restart()
    assert said == expected


def test_a_restart_neither_repeats_nor_loses_an_edge() -> None:
    """What was told is not told again; what changed while it was dark is found in the last readings."""
    house = RuleHouse()
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]
    house.restart(dark=timedelta(minutes=2))
    assert house.says("seng-12", "bed_occupancy", False) == []
    # 13 left the bed and its reading was kept, but the process died before its alert was.
    lost = house.record("seng-13", "bed_occupancy", False)
    house.restart()
    latest = [
        lost,
        house.record("seng-12", "bed_occupancy", False),
        house.record("kald-12", "help_call", "press"),
    ]
    caught = shortly(house.take(house.book.catch_up(latest, house.now, house.memory)))
    assert caught == ["+bed-left/seng-13 bed.left high"], "no event is raised from the last readings"
    assert shortly(house.take(house.book.catch_up(latest, house.now, house.memory))) == []


def test_missing_after_a_restart_is_never_early_and_a_tenth_late_at_most() -> None:
    """The second of the last sight is not kept, so it waits a little longer."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.wait(minutes=50)
    house.says("uro-12", "motion", True)  # within the slack: kept by nobody
    house.restart()
    assert house.wait(hours=12) == []
    assert house.wait(minutes=22) == ["+no-motion/room-12 no_motion medium"]


def test_an_unsynced_boot_starts_silence_anew() -> None:
    """A power cut raises no alert a sensor: nobody knows how long it was dark."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.wait(hours=11)
    house.unsync()
    house.restart(dark=timedelta(hours=5), boot="boot-2")
    assert house.wait(hours=11, minutes=59) == []
    assert house.wait(minutes=75) == ["+no-motion/room-12 no_motion medium"]


def test_a_wait_that_began_in_an_unsynced_boot_starts_anew() -> None:
    """Its timer is of no use in the next boot, whatever that one knows: it is set again."""
    house = RuleHouse(at=DAY)
    house.unsync()
    house.says("uro-12", "motion", True)
    house.now = replace(house.now, quality=ClockQuality.SYNCED)
    house.restart(dark=timedelta(hours=5), boot="boot-2")
    assert house.wait(hours=11, minutes=59) == []
    assert house.wait(minutes=75) == ["+no-motion/room-12 no_motion medium"]


def test_a_lost_timer_is_set_again_at_start() -> None:
    """The memory says what is waited for; the timers follow from it."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.timers.clear()
    house.restart()
    assert house.wait(hours=13, minutes=12) == ["+no-motion/room-12 no_motion medium"]


def test_a_synced_boot_goes_on() -> None:
    """With a clock that is right the wait goes on over the boot."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.wait(hours=10)
    house.restart(dark=timedelta(hours=1), boot="boot-2")
    assert house.wait(hours=2, minutes=15) == ["+no-motion/room-12 no_motion medium"]


def test_conditions_of_rules_and_devices_that_are_gone_end() -> None:
    """A reload that turns a rule off or removes a device ends what was open and what was set."""
    house = RuleHouse()
    house.says("seng-12", "bed_occupancy", False)
    house.says("seng-13", "bed_occupancy", False)
    house.memory.change(":maintenance/seng-12", said="1")
    house.memory.change("device-silent/seng-12", active=True)
    house.configure({"alerts": {"rules": {"bed-not-back": {"enabled": False}}}})
    del house.settings.device["seng-13"]
    ended = shortly(house.take(house.book.prune(house.memory)))
    assert ended == ["-bed-left/seng-13"]
    assert house.timers == {}
    assert sorted(house.memory) == [":maintenance/seng-12", "bed-left/seng-12", "device-silent/seng-12"]


def test_a_timer_of_a_rule_that_is_gone_ends_its_condition() -> None:
    """It is due after a reload: nothing is told, and its alert is over."""
    house = RuleHouse()
    house.says("seng-12", "bed_occupancy", False)
    house.configure({"alerts": {"rules": {"bed-not-back": {"enabled": False}}}})
    assert house.wait(minutes=20) == []
    assert sorted(house.memory) == ["bed-left/seng-12"]


def test_a_memory_is_kept_and_restored_whole() -> None:
    """As JSON, each slot a memo, those that are empty ended."""
    at = Instant(5, 6, "b", ClockQuality.HOLDOVER)
    memory = Memory()
    memory.change("a/b", holds=frozenset({"b/q/"}), active=True, since=at, said="x")
    memory.change("c/d", seen=at)
    kept = json.loads(json.dumps(memory.changes()))
    assert set(kept) == {MEMO + "a/b", MEMO + "c/d"}
    assert memory.changes() == {}
    again = Memory.restored(kept)
    assert (again["a/b"], again["c/d"]) == (memory["a/b"], memory["c/d"])
    assert len(again) == 2
    again.forget("a/b")
    again.forget("never/was")
    assert again.changes() == {MEMO + "a/b": None}
    again.lost([MEMO + "a/b"])
    assert again.changes() == {MEMO + "a/b": None}


@pytest.mark.parametrize(
    "memo", [{}, {"holds": 5}, {"holds": [], "active": True, "since": [1], "seen": None}]
)
def test_a_memo_that_cannot_be_read_is_forgotten(memo: dict[str, object]) -> None:
    """A condition told twice is a nuisance; a gateway that does not start would be worse."""
    memory = Memory.restored({MEMO + "a/b": memo})
    assert len(memory) == 0
    assert memory.changes() == {MEMO + "a/b": None}


def test_time_of_a_slot_survives_to_the_nanosecond() -> None:
    """Instants go through JSON unharmed."""
    at = Instant(1_795_000_000 * NS + 123_456_789, 77, "b")
    memory = Memory()
    memory.change("a/b", since=at)
    assert Memory.restored(json.loads(json.dumps(memory.changes())))["a/b"].since == at


def test_a_wait_that_is_made_shorter_or_longer_counts_from_where_it_began() -> None:
    """A changed rule holds for what is waiting already."""
    house = RuleHouse(at=NIGHT)
    house.says("seng-12", "bed_occupancy", False)
    house.wait(minutes=10)
    for held, left in (("15m", 5), ("5m", 0)):
        changed = {"alerts": {"rules": {"bed-not-back": {"when": {"held": held}}}}}
        house.configure(changed)
        house.take(house.book.started(house.now, house.memory))
        due = house.timers["rule:bed-not-back/seng-12", "held"]
        assert due.since(house.now) == timedelta(minutes=left)
    assert house.wait(seconds=0) == ["+bed-not-back/seng-12 bed.not_back high"]
