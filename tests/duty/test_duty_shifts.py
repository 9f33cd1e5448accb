"""Holidays of Denmark, and the duty that follows from shifts, holidays, calendars and overrides together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter as known_easter
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.alerts.shifts import Import, Imported, Override, Table
from gateway.model.clock import NS
from gateway.model.holidays import danish_holidays, easter
from gateway.settings.duty import Holidays, Shift
from support.rule_house import home_settings

ZONE = ZoneInfo("Europe/Copenhagen")
PEOPLE = {name: {"roles": ["care"]} for name in ("KL", "AB", "CD")}


def table(group: dict[str, Any], *, holidays: dict[str, Any] | None = None, **more: Any) -> Table:
    """Make the duty of one group `nat`."""
    tree = {"person": PEOPLE, "group": {"nat": group}, "holidays": holidays or {}}
    return Table(home_settings(tree), **more)


def at(text: str, fold: int = 0) -> int:
    """Give a moment on the wall in Copenhagen, in Unix nanoseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).timestamp()) * NS


def persons(duty: Table, moment: int) -> list[str]:
    """Give who is on duty."""
    return [spell.person for spell in duty.on_duty("nat", moment)]


@given(st.integers(1583, 4099))
def test_easter_is_where_another_computation_finds_it(year: int) -> None:
    """That of dateutil, which nothing of ours uses to run."""
    assert easter(year) == known_easter(year)


def test_the_holidays_of_two_years() -> None:
    """General Prayer Day was one until 2023."""
    assert sorted(danish_holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 2),
        date(2026, 4, 3),
        date(2026, 4, 5),
        date(2026, 4, 6),
        date(2026, 5, 14),
        date(2026, 5, 24),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]
    assert danish_holidays(2023)[date(2023, 5, 5)] == "store bededag"
    assert date(2024, 4, 26) not in danish_holidays(2024)


def test_a_home_adds_days_and_takes_some_out() -> None:
    """Every year, or one; or it goes by no calendar at all."""
    own = Holidays(add=("12-24", "2026-06-05", "02-29"), remove=("12-26", "2026-05-14"))
    assert [own.name(date(year, 12, 24)) for year in (2026, 2027)] == ["fridag", "fridag"]
    assert [own.name(date(year, 6, 5)) for year in (2026, 2027)] == ["fridag", None]
    assert own.name(date(2028, 2, 29)) == "fridag"
    assert own.name(date(2026, 12, 26)) is None
    assert own.name(date(2026, 5, 14)) is None
    assert own.name(date(2027, 5, 6)) == "Kristi himmelfartsdag"
    assert Holidays(calendar="none").name(date(2026, 12, 25)) is None


@pytest.mark.parametrize("day", ["24-12", "12-32", "2026-02-30", "juleaften", 1224, "20261224"])
def test_a_day_that_is_none_is_refused(day: object) -> None:
    """With how to write one."""
    with pytest.raises(ValidationError, match="12-24"):
        Holidays.model_validate({"add": [day]})


def test_shifts_for_holidays_take_the_place_of_those_that_are_not() -> None:
    """The night that begins on Christmas Day is the holiday's; the one before is not."""
    duty = table(
        {
            "shifts": [
                {"start": "23:00", "end": "07:00", "persons": ["KL"], "holidays": "never"},
                {"start": "23:00", "end": "07:00", "persons": ["AB"], "holidays": "only", "weekdays": [1]},
            ]
        }
    )
    assert persons(duty, at("2026-12-25T02:00")) == ["KL"]
    assert persons(duty, at("2026-12-25T23:30")) == ["AB"]
    assert persons(duty, at("2026-12-27T02:00")) == ["AB"]
    assert persons(duty, at("2026-12-27T23:30")) == ["KL"]


def test_a_shift_that_ends_in_the_hour_shown_twice_ends_once() -> None:
    """At the first half past two of the night in which summer time ends; the next begins just then."""
    duty = table(
        {
            "shifts": [
                {"start": "22:00", "end": "02:30", "persons": ["KL"]},
                {"start": "02:30", "end": "07:00", "persons": ["AB"]},
            ]
        }
    )
    night = [
        persons(duty, at("2026-10-25T02:15")),
        persons(duty, at("2026-10-25T02:45")),
        persons(duty, at("2026-10-25T02:15", fold=1)),
        persons(duty, at("2026-10-25T02:45", fold=1)),
    ]
    assert night == [["KL"], ["AB"], ["AB"], ["AB"]]
    assert duty.gaps("nat", at("2027-03-27T22:00"), at("2027-03-28T07:00")) == []


SPELL = Imported(at("2026-11-24T23:00"), at("2026-11-25T07:00"), "nat", "AB")
SHIFTS = {"shifts": [{"start": "22:00", "end": "07:00", "persons": ["KL"]}]}


def test_what_counts_the_stronger_first() -> None:
    """Override, calendar, shift; who is not configured counts for nothing and empties nothing."""
    night, late = at("2026-11-25T02:00"), at("2026-11-24T22:30")
    duty = table(SHIFTS, imports=(Import("plan", (SPELL,)),))
    assert (persons(duty, late), persons(duty, night)) == (["KL"], ["AB"])
    gone = Import("plan", (Imported(SPELL.since_ns, SPELL.until_ns, "nat", "GONE"),))
    assert persons(table(SHIFTS, imports=(gone,)), night) == ["KL"]
    other = Override("o-1", "nat", ("cd",), SPELL.since_ns, SPELL.until_ns)
    assert persons(table(SHIFTS, overrides=(other,)), night) == ["CD"]
    nobody = Override("o-1", "nat", ("GONE",), SPELL.since_ns, SPELL.until_ns)
    assert persons(table(SHIFTS, overrides=(nobody,)), night) == ["KL"]


def test_the_end_of_a_stretch_belongs_to_the_next() -> None:
    """Of shifts, calendars and overrides alike."""
    duty = table({"persons": []}, imports=(Import("plan", (SPELL,)),))
    assert persons(duty, SPELL.since_ns - 1) == []
    assert persons(duty, SPELL.since_ns) == ["AB"]
    assert persons(duty, SPELL.until_ns - 1) == ["AB"]
    assert persons(duty, SPELL.until_ns) == []


STRETCHES = st.lists(
    st.tuples(st.integers(0, 96), st.integers(1, 40), st.sampled_from(["KL", "AB", "CD", "GONE"])),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(imported=STRETCHES, overridden=STRETCHES, begin=st.integers(0, 60))
def test_gaps_are_the_moments_in_which_nobody_is_on_duty(
    imported: list[tuple[int, int, str]], overridden: list[tuple[int, int, str]], begin: int
) -> None:
    """Against asking each quarter of an hour; `changes_at` is the first of them with somebody else."""
    zero, quarter = at("2026-10-24T12:00"), 900 * NS
    spells = [Imported(zero + a * quarter, zero + (a + n) * quarter, "nat", who) for a, n, who in imported]
    overrides = [
        Override(f"o-{i}", "nat", (who,), zero + a * quarter, zero + (a + n) * quarter)
        for i, (a, n, who) in enumerate(overridden)
    ]
    shifts = {"shifts": [{"start": "23:00", "end": "03:15", "persons": ["KL"]}]}
    duty = table(shifts, imports=(Import("plan", tuple(spells)),), overrides=overrides)
    first, last = zero + begin * quarter, zero + (begin + 60) * quarter
    moments = range(first, last, quarter)
    gaps = duty.gaps("nat", first, last)
    for moment in moments:
        covered = any(since <= moment < until for since, until in gaps)
        assert covered == (persons(duty, moment) == [])
    now = set(persons(duty, first))
    expected = next((each for each in moments if set(persons(duty, each)) != now), None)
    assert duty.changes_at("nat", first, timedelta(hours=15)) == expected


def test_whom_a_date_means() -> None:
    """The shifts that begin on it; in a group without any the whole local day, also one of 25 hours."""
    day = date(2026, 10, 25)
    assert table(SHIFTS).span_of("nat", day) == (at("2026-10-25T22:00"), at("2026-10-26T07:00"))
    begin, end = table({"persons": ["KL"]}).span_of("nat", day)
    assert (end - begin) // NS == 25 * 3600
    assert datetime.fromtimestamp(begin / NS, UTC) == datetime(2026, 10, 24, 22, tzinfo=UTC)


def test_a_shift_says_what_it_does_on_holidays() -> None:
    """Any other word is refused."""
    with pytest.raises(ValidationError):
        Shift.model_validate({"start": "07:00", "end": "15:00", "persons": [], "holidays": "sometimes"})
