"""When the gateway tests a device by itself, when nobody has proved one for too long; by its clock alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.alerts.tests_due import LATE_MAX, Record, due, overdue, proved, read, weekday
from gateway.alerts.watched import Watched, watched
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.load import ScheduledTests
from support.rule_house import home_settings, no_driver

ZONE = ZoneInfo("Europe/Copenhagen")
BEATS = {"device": {"kald-12": {"heard_every": "60s"}}}
DEVICES: dict[str, Watched] = watched(home_settings(BEATS), no_driver)
CALLING = {"kald-12", "kald-12-bad", "fald-12"}
DAILY = ScheduledTests(every="day")
DAY_NS = 86_400 * NS


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> Instant:
    """Give a moment by the home's clock."""
    at = datetime(2026, month, day, hour, minute, tzinfo=ZONE)
    ns = round(at.timestamp()) * NS
    return Instant(ns, ns, "boot", ClockQuality.SYNCED)


def records(since: Instant, **changes: Any) -> dict[str, Record]:
    """Give a record of each device, first known then."""
    return {name: Record(since_ns=since.wall_ns, **changes) for name in DEVICES}


def test_once_a_day_at_the_time_that_the_home_says() -> None:
    """Each device that carries calls or falls; not before, not twice."""
    kept = records(local(1, 12))
    assert due(DEVICES, kept, DAILY, ZONE, local(2, 10, 29)) == []
    now = local(2, 10, 30)
    assert set(due(DEVICES, kept, DAILY, ZONE, now)) == CALLING
    for name in CALLING:
        kept[name] = proved(kept[name], "schedule", now.wall_ns, 12.0, ok=name == "kald-12")
    assert due(DEVICES, kept, DAILY, ZONE, local(2, 16)) == [], "one that failed is told, not repeated"
    assert set(due(DEVICES, kept, DAILY, ZONE, local(3, 10, 30))) == CALLING


def test_a_device_that_was_added_after_the_time_of_day_waits_for_the_next() -> None:
    """A gateway that was just set up does not begin with tests."""
    assert due(DEVICES, records(local(2, 10, 31)), DAILY, ZONE, local(2, 10, 32)) == []


def test_what_was_missed_is_made_up_for_by_day_only() -> None:
    """A gateway that comes back in the evening wakes no board for it."""
    kept = records(local(1, 12))
    latest = local(2, 10, 30).plus(LATE_MAX)
    assert set(due(DEVICES, kept, DAILY, ZONE, latest)) == CALLING
    assert due(DEVICES, kept, DAILY, ZONE, latest.plus(timedelta(minutes=1))) == []


def test_each_week_each_device_has_a_day_of_its_own() -> None:
    """Over seven days each comes once, on the weekday that its name gives it."""
    kept, seen = records(local(1, 12)), list[tuple[str, int]]()
    for day in range(2, 9):
        seen += [(name, day) for name in due(DEVICES, kept, ScheduledTests(), ZONE, local(day, 11))]
    assert sorted(name for name, _ in seen) == sorted(CALLING)
    assert all(datetime(2026, 11, day, tzinfo=UTC).isoweekday() == weekday(name) for name, day in seen)


@pytest.mark.parametrize("day", [24, 25, 26])
def test_the_time_of_day_is_the_homes_also_when_the_clocks_change(day: int) -> None:
    """On 25 October 2026 summer time ends: half past ten stays half past ten."""
    kept = records(local(day - 1, 12, month=10))
    assert due(DEVICES, kept, DAILY, ZONE, local(day, 10, 29, month=10)) == []
    assert set(due(DEVICES, kept, DAILY, ZONE, local(day, 10, 30, month=10))) == CALLING


def test_nobody_is_tested_while_the_time_is_unknown_or_tests_are_off() -> None:
    """At three in the night an unsynced clock may say half past ten."""
    kept, now = records(local(1, 12)), local(2, 10, 30)
    assert due(DEVICES, kept, DAILY, ZONE, replace(now, quality=ClockQuality.UNSYNCED)) == []
    assert due(DEVICES, kept, ScheduledTests(enabled=False), ZONE, now) == []


@given(st.integers(0, 60 * 24 * 30), st.integers(0, 60 * 24 * 30))
def test_tests_come_within_their_hours_only(since_minutes: int, minutes: int) -> None:
    """Whatever was missed: between half past ten and half past four."""
    start = local(1, 0)
    kept = records(start.plus(timedelta(minutes=since_minutes)))
    now = start.plus(timedelta(minutes=since_minutes + minutes))
    at = datetime.fromtimestamp(now.wall_ns / NS, ZONE).time()
    if due(DEVICES, kept, DAILY, ZONE, now):
        assert datetime(1, 1, 1, 10, 30).time() <= at <= datetime(1, 1, 1, 16, 30).time()  # noqa: DTZ001


def told(kept: dict[str, Record], now: Instant) -> dict[str, int]:
    """Give how insistently each device that is overdue is told."""
    return {name: degree for name, (degree, _) in overdue(DEVICES, kept, DAILY, now).items()}


def test_who_was_not_proved_is_told_after_thirty_days_and_again_after_ninety() -> None:
    """Counted from when it was added, where it never was."""
    start = local(1, 12)
    kept = records(start)
    assert told(kept, start.plus(timedelta(days=30))) == {}
    assert told(kept, start.plus(timedelta(days=31))) == dict.fromkeys(CALLING, 1)
    assert told(kept, start.plus(timedelta(days=91))) == dict.fromkeys(CALLING, 2)
    trouble = overdue(DEVICES, kept, DAILY, start.plus(timedelta(days=31)))["kald-12-bad"][1]
    assert (trouble.kind, trouble.device, trouble.calls_unheard) == ("chain.overdue", "kald-12-bad", False)
    assert trouble.detail == (
        "never proved since it was added, 31 days ago; it speaks only when pressed, so only a press can prove"
        " it. Press it and see it on the page, or: velgate alert test kald-12-bad"
    )


def test_a_press_or_a_persons_test_proves_a_test_of_our_own_only_who_speaks_by_itself() -> None:
    """That a dead button still presses no test of ours can know."""
    start = local(1, 12)
    later = start.plus(timedelta(days=29))
    for how in ("event", "person"):
        kept = {n: proved(r, how, later.wall_ns, 3.0, ok=True) for n, r in records(start).items()}  # type: ignore[arg-type]
        assert told(kept, later.plus(timedelta(days=29))) == {}
    kept = {n: proved(r, "schedule", later.wall_ns, 3.0, ok=True) for n, r in records(start).items()}
    assert told(kept, later.plus(timedelta(days=2))) == {"kald-12-bad": 1, "fald-12": 1}
    kept = {n: proved(r, "schedule", later.wall_ns, None, ok=False) for n, r in records(start).items()}
    assert told(kept, later.plus(timedelta(days=2))) == dict.fromkeys(CALLING, 1)


def test_a_test_that_failed_takes_no_proof_away() -> None:
    """What worked yesterday worked."""
    record = Record(since_ns=1, proved_ns=5)
    assert proved(record, "person", 9, None, ok=False) == record


def test_nobody_is_overdue_by_an_unsynced_clock() -> None:
    """1970 and 2036 both are wrong."""
    kept = records(local(1, 12))
    assert told(kept, replace(local(1, 12, month=12), quality=ClockQuality.UNSYNCED)) == {}


def test_what_is_kept_is_read_back_and_what_nobody_can_read_begins_anew() -> None:
    """A record of another version costs a month of patience, never the gateway."""
    record = Record(since_ns=1, proved_ns=2, tested_ns=3, tested_ok=True, ms=4.5)
    assert read(record.document(), 9) == record
    assert read(None, 9) == read({}, 9) == read({"since": "x"}, 9) == Record(since_ns=9)


def test_the_reminders_stand_in_order() -> None:
    """Insisting before reminding is refused."""
    with pytest.raises(ValidationError, match="remind_after"):
        ScheduledTests(remind_after=timedelta(days=90), insist_after=timedelta(days=30))
