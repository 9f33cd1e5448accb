"""When a schedule is open: windows over midnight, weekdays, and the nights in which the clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.hours import is_open, opens
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.conditions import Schedule

ZONE = ZoneInfo("Europe/Copenhagen")
NIGHT = Schedule(start=time(23), end=time(7))


def at(text: str, quality: ClockQuality = ClockQuality.SYNCED) -> Instant:
    """Give the moment of a UTC time."""
    return Instant(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * NS), 0, "b", quality)


def utc(moment: Instant | None) -> str | None:
    """Write a moment as UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment.wall_ns / NS, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-24T21:59:59", False),  # 22:59:59 in Copenhagen
        ("2026-11-24T22:00:00", True),
        ("2026-11-25T05:59:59", True),
        ("2026-11-25T06:00:00", False),
    ],
)
def test_a_night(now: str, expected: bool) -> None:
    """Begins on the minute and ends on it."""
    assert is_open(NIGHT, at(now), ZONE) is expected


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    """Friday's night goes on into Saturday; Saturday has none of its own."""
    friday = Schedule(start=time(23), end=time(7), weekdays=(5,))
    assert is_open(friday, at("2026-11-27T23:00:00"), ZONE)  # Saturday 00:00
    assert not is_open(friday, at("2026-11-27T03:00:00"), ZONE)  # Friday 04:00
    assert not is_open(friday, at("2026-11-28T23:00:00"), ZONE)  # Sunday 00:00
    assert utc(opens(friday, at("2026-11-28T12:00:00"), ZONE)) == "2026-12-04 22:00:00"


def test_the_whole_day() -> None:
    """start equal to end is the whole of its days."""
    weekend = Schedule(start=time(0), end=time(0), weekdays=(6, 7))
    assert is_open(weekend, at("2026-11-28T11:00:00"), ZONE)
    assert not is_open(weekend, at("2026-11-27T22:59:00"), ZONE)
    assert utc(opens(weekend, at("2026-11-27T11:00:00"), ZONE)) == "2026-11-27 23:00:00"
    assert utc(
        opens(Schedule(start=time(8), end=time(8), weekdays=(6,)), at("2026-11-27T11:00:00"), ZONE)
    ) == ("2026-11-27 23:00:00")


def test_unsynced_is_open() -> None:
    """An unsynced clock suppresses nothing."""
    assert is_open(NIGHT, at("2026-11-24T12:00:00", ClockQuality.UNSYNCED), ZONE)
    assert opens(NIGHT, at("2026-11-24T12:00:00", ClockQuality.UNSYNCED), ZONE) is None
    assert not is_open(NIGHT, at("2026-11-24T12:00:00", ClockQuality.HOLDOVER), ZONE)


def test_the_night_to_summer_time_is_an_hour_shorter() -> None:
    """29 March 2026: 02:00 becomes 03:00; the night ends at 07:00 summer time."""
    assert is_open(NIGHT, at("2026-03-29T04:59:59"), ZONE)
    assert not is_open(NIGHT, at("2026-03-29T05:00:00"), ZONE)


def test_the_night_to_winter_time_is_an_hour_longer() -> None:
    """25 October 2026: 03:00 becomes 02:00; the night ends at 07:00 winter time."""
    assert is_open(NIGHT, at("2026-10-25T05:59:59"), ZONE)
    assert not is_open(NIGHT, at("2026-10-25T06:00:00"), ZONE)


def test_a_window_that_begins_in_the_missing_hour_opens_at_the_jump() -> None:
    """02:30 does not come that night: the window is open from 03:00 summer time, 01:00 UTC."""
    early = Schedule(start=time(2, 30), end=time(6))
    assert utc(opens(early, at("2026-03-29T00:10:00"), ZONE)) == "2026-03-29 01:00:00"
    assert is_open(early, at("2026-03-29T01:00:00"), ZONE)


TIMES = st.times().map(lambda each: each.replace(second=0, microsecond=0))
SCHEDULES = st.builds(
    Schedule,
    start=TIMES,
    end=TIMES,
    weekdays=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
)
AROUND = st.sampled_from(["2026-03-28", "2026-10-24", "2026-06-15", "2026-12-31"]).flatmap(
    lambda day: st.integers(0, 72 * 60).map(
        lambda minute: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minute)
    )
)


@given(SCHEDULES, AROUND)
def test_it_opens_when_it_says_and_not_before(schedule: Schedule, moment: datetime) -> None:
    """From a closed moment to the one named every quarter is closed, and that one is open."""
    now = Instant(round(moment.timestamp() * NS), 0, "b")
    opening = opens(schedule, now, ZONE)
    if opening is None:
        assert is_open(schedule, now, ZONE)
        return
    assert is_open(schedule, opening, ZONE)
    assert opening.mono_ns - now.mono_ns == opening.wall_ns - now.wall_ns
    wait = timedelta(microseconds=(opening.wall_ns - now.wall_ns) / 1000)
    assert wait <= timedelta(days=7, hours=1)
    step, passed = max(wait / 40, timedelta(minutes=1)), timedelta(0)
    while passed < wait:
        assert not is_open(schedule, now.plus(passed), ZONE)
        passed += step
    assert not is_open(schedule, now.plus(wait - timedelta(seconds=1)), ZONE)
