"""Who is on duty: weekly shifts in local time, over midnight and through both changes of the clock."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.alerts.roster import Address, Proof, Roster
from gateway.alerts.shifts import Override
from gateway.model.clock import NS, ClockQuality, Instant
from support.rule_house import home_settings

PEOPLE = {name: {"roles": ["care"]} for name in ("KL", "AB", "MN", "OP")}
WEEK = {
    "person": {**PEOPLE, "OP": {"roles": ["manager"], "rights": ["basis"], "channels": ["sms", "page"]}},
    "channel": {"sms": {"kind": "webhook", "url": "http://127.0.0.1/"}},
    "group": {
        "nat": {"label": "Nat", "shifts": [{"start": "23:00", "end": "07:00", "persons": ["kl", "nobody"]}]},
        "weekend": {"shifts": [{"start": "22:00", "end": "06:00", "weekdays": [6], "persons": ["AB"]}]},
        "altid": {"persons": ["MN"], "places": ["room-13"]},
        "hele": {"shifts": [{"start": "08:00", "end": "08:00", "weekdays": [1], "persons": ["OP"]}]},
    },
}


def roster(*overlays: dict[str, Any], **more: Any) -> Roster:
    """Make the roster of a home."""
    return Roster(home_settings(*deepcopy((WEEK, *overlays))), **more)


def local(text: str, *, fold: int = 0, **more: Any) -> Instant:
    """Give a moment by the clock on the wall in Copenhagen."""
    zone = roster().zone
    at = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return replace(Instant(round(at.timestamp()) * NS, 5 * NS, "boot-1"), **more)


@pytest.mark.parametrize(
    ("group", "at", "persons"),
    [
        ("nat", "2026-11-24T22:59:59", ()),
        ("nat", "2026-11-24T23:00:00", ("KL",)),
        ("nat", "2026-11-25T06:59:59", ("KL",)),
        ("nat", "2026-11-25T07:00:00", ()),
        ("weekend", "2026-11-28T22:00:00", ("AB",)),  # a Saturday
        ("weekend", "2026-11-29T05:59:00", ("AB",)),  # Sunday morning belongs to the shift of Saturday
        ("weekend", "2026-11-29T22:00:00", ()),
        ("altid", "2026-11-24T12:00:00", ("MN",)),
        ("hele", "2026-11-23T07:59:00", ()),
        ("hele", "2026-11-23T08:00:00", ("OP",)),
        ("hele", "2026-11-24T07:59:00", ("OP",)),
        ("hele", "2026-11-24T08:00:00", ()),
    ],
)
def test_shifts_by_the_clock_on_the_wall(group: str, at: str, persons: tuple[str, ...]) -> None:
    """In the spelling of the configuration; who is not configured is nobody."""
    assert roster().duty(group, local(at)).persons == persons


def test_the_nights_in_which_the_clock_changes() -> None:
    """In October the night shift is nine hours long, in March seven."""
    autumn = roster().duty("nat", local("2026-10-25T02:30:00", fold=1))
    spring = roster().duty("nat", local("2027-03-28T03:30:00"))
    for duty, hours in ((autumn, 9), (spring, 7)):
        assert duty.persons == ("KL",)
        assert duty.until_ns is not None
        assert duty.since_ns is not None
        assert duty.until_ns - duty.since_ns == hours * 3600 * NS
        assert datetime.fromtimestamp(duty.until_ns / NS, roster().zone).hour == 7


def test_every_minute_of_a_year_belongs_to_the_right_shift() -> None:
    """Night duty is exactly the hours from 23 to 7 on the wall, whatever the offset is."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    house, visited = roster(), 0
    while now.year == 2026:
        wall = now.astimezone(house.zone)
        on = bool(house.duty("nat", Instant(round(now.timestamp()) * NS, 0, "b")).persons)
        assert on == (wall.hour >= 23 or wall.hour < 7), wall
        now += timedelta(minutes=47)
        visited += 1
    assert visited > 11_000


def test_an_unsynced_clock_counts_all_members() -> None:
    """Nobody knows whether it is night."""
    late = local("2026-11-24T12:00:00", quality=ClockQuality.UNSYNCED)
    assert roster().duty("nat", late).persons == ("KL",)
    assert roster().duty("weekend", late).persons == ("AB",)


def test_an_override_holds_until_its_end() -> None:
    """Whatever the shifts say."""
    noon = local("2026-11-24T12:00:00")
    ends = noon.plus(timedelta(hours=1))
    house = roster(overrides=(Override("o-1", "nat", ("AB",), noon.wall_ns, ends.wall_ns),))
    assert house.duty("nat", noon).persons == ("AB",)
    assert house.duty("nat", noon.plus(timedelta(minutes=61))).persons == ()


def test_whom_targets_reach() -> None:
    """Each way once; a person by page and channels."""
    noon, night = local("2026-11-24T12:00:00"), local("2026-11-24T23:30:00")
    house = roster()
    assert house.reach(["page", "channel:sms"], "room-12", noon).addresses == (
        Address("page", "page"),
        Address("channel:sms", "sms"),
    )
    both = house.reach(["person:op", "right:basis"], "room-12", noon)
    assert both.addresses == (Address("person:op", "page", "OP"), Address("person:op", "sms", "OP"))
    assert house.reach(["duty"], "room-13", noon).addresses == (Address("duty", "page", "MN"),)
    assert house.reach(["duty"], "room-12", night).addresses == (Address("duty", "page", "KL"),)
    assert {each.person for each in house.reach(["everyone"], None, noon).addresses} == set(PEOPLE)
    bath = roster({"group": {"altid": {"places": ["room-12"]}}})
    assert bath.reach(["duty"], "bath-12", noon).addresses == (Address("duty", "page", "MN"),)


@pytest.mark.parametrize(
    ("targets", "waits", "failed"),
    [
        (["page"], True, ()),
        (["group:nat"], False, (("group:nat", "duty.empty"),)),
        (["page", "group:nat"], False, (("group:nat", "duty.empty"),)),
        (["group:nat", "group:altid"], True, (("group:nat", "duty.empty"),)),
        (["group:gone"], False, (("group:gone", "duty.empty"),)),
        (["person:nobody"], False, (("person:nobody", "duty.empty"),)),
        (["centre:kommune-a/nat"], False, (("centre:kommune-a/nat", "duty.unreached"),)),
        (["duty"], False, (("duty", "duty.empty"),)),
    ],
)
def test_a_step_waits_only_for_somebody(
    targets: list[str], waits: bool, failed: tuple[tuple[str, str], ...]
) -> None:
    """An empty group is passed by at once, and told."""
    found = roster().reach(targets, "room-12", local("2026-11-24T12:00:00"))
    assert (found.waits, found.failed) == (waits, failed)


def test_a_centre_that_is_there_is_waited_for() -> None:
    """Its status says so."""
    house = roster(centre_up=lambda name: name == "kommune-a/nat")
    found = house.reach(["centre:kommune-a/nat"], "room-12", local("2026-11-24T12:00:00"))
    assert (found.waits, found.failed, found.addresses) == (True, (), ())


def test_who_is_not_proved_reachable_is_sent_to_and_not_waited_for() -> None:
    """From the first proof in this home on; a proof counts for a shift."""
    noon = local("2026-11-24T12:00:00")
    group = {"group": {"altid": {"persons": ["MN", "AB"]}}}
    targets = ["group:altid"]
    assert roster(group).reach(targets, "room-13", noon).waits
    proved = Proof(reached=True, at=noon)
    for proofs, waits in (
        ({"MN": proved}, True),
        ({"KL": proved}, False),
        ({"MN": Proof(reached=False, at=noon)}, False),
        ({"MN": Proof(reached=True, at=noon.plus(timedelta(hours=-13)))}, False),
    ):
        found = roster(group, proofs=proofs).reach(targets, "room-13", noon)
        assert found.waits is waits
        assert {each.person for each in found.addresses} == {"MN", "AB"}
        assert found.failed == (() if waits else (("group:altid", "duty.unreached"),))
    assert roster(group).duty("altid", noon).reached is None
    assert roster(group, proofs={"MN": proved}).duty("altid", noon).reached == 1
