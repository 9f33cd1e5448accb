"""A calendar becomes duty: series, exceptions, zones, whole days; what cannot be placed is named."""

from __future__ import annotations

import string
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.calendar_file import EVENTS_MAX, UNREADABLE, read_calendar
from gateway.model.problem import Problem
from support.calendars import HOME, NAMES, ics, read, told

OUTLOOK = (
    "DTSTART;TZID=Romance Standard Time:20261124T230000\nDTEND;TZID=Romance Standard Time:20261125T070000"
)
MONDAYS = """SUMMARY:KL
LOCATION:dag
DTSTART;VALUE=DATE:20261102
RRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20261231
EXDATE;VALUE=DATE:20261207"""
OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Planner's own
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("event", "stretches"),
    [
        ("SUMMARY:KL\nCATEGORIES:Nat øst\n" + OUTLOOK, ["nat KL 2026-11-24 23:00 +8h"]),
        (
            "SUMMARY:KL nattevagt\nLOCATION:nat\nDTSTART:20261124T230000\nDURATION:PT8H",  # floating
            ["nat KL 2026-11-24 23:00 +8h"],
        ),
        (
            "SUMMARY:Vagt: KL og AB\nLOCATION:nat\nDTSTART:20261124T220000Z\nDTEND:20261125T060000Z",
            ["nat AB 2026-11-24 23:00 +8h", "nat KL 2026-11-24 23:00 +8h"],
        ),
        (
            "SUMMARY:kl\nLOCATION:dag\nDTSTART;VALUE=DATE:20261124",  # a whole day
            ["dag KL 2026-11-24 00:00 +24h"],
        ),
        (
            "SUMMARY:Vagt\nCATEGORIES:Nattevagt\nATTENDEE;CN=Anna Larsen:mailto:x@y.example\n" + OUTLOOK,
            ["nat AB 2026-11-24 23:00 +8h"],
        ),
        (
            "SUMMARY:Vagt\nCATEGORIES:dag\nATTENDEE:MAILTO:kl@home.example\n" + OUTLOOK,
            ["dag KL 2026-11-24 23:00 +8h"],
        ),
        (
            "SUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=WEEKLY;BYDAY=TU,WE;COUNT=4\n"
            "EXDATE;TZID=Romance Standard Time:20261125T230000\n"
            "RDATE;TZID=Europe/Copenhagen;VALUE=PERIOD:20261224T200000/PT4H\n" + OUTLOOK,
            [
                "nat KL 2026-11-24 23:00 +8h",
                "nat KL 2026-12-01 23:00 +8h",
                "nat KL 2026-12-02 23:00 +8h",
                "nat KL 2026-12-24 20:00 +4h",
            ],
        ),
        (
            MONDAYS,
            ["dag KL 2026-11-02 00:00 +24h"],
        ),
        ("SUMMARY:KL\nLOCATION:nat\nSTATUS:CANCELLED\n" + OUTLOOK, []),
        (
            "SUMMARY:KL\nLOCATION:nat\nDTSTART;TZID=Planner's own:20261124T230000\nDURATION:PT8H",
            ["nat KL 2026-11-24 23:00 +8h"],
        ),
    ],
)
def test_an_event_becomes_duty(event: str, stretches: list[str]) -> None:
    """By initials, by the table of names, by the group's label; at the time that the file means."""
    found = read(ics("UID:1\n" + event, more=OWN_ZONE))
    assert told(found) == stretches
    assert found.unmapped == ()


def test_a_single_time_of_a_series_is_changed_taken_out_or_given_away() -> None:
    """RECURRENCE-ID; the last change holds for this one time alone."""
    series = "UID:s\nSUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY;COUNT=4\n" + OUTLOOK
    gone = (
        "UID:s\nSTATUS:CANCELLED\nRECURRENCE-ID;TZID=Europe/Copenhagen:20261125T230000\n"
        "DTSTART;TZID=Europe/Copenhagen:20261125T230000"
    )
    given_away = (
        "UID:s\nSUMMARY:AB\nLOCATION:nat\nRECURRENCE-ID:20261126T220000Z\n"
        "DTSTART;TZID=Europe/Copenhagen:20261126T220000\nDTEND;TZID=Europe/Copenhagen:20261127T070000"
    )
    assert told(read(ics(gone, series, given_away))) == [
        "nat KL 2026-11-24 23:00 +8h",
        "nat AB 2026-11-26 22:00 +9h",
        "nat KL 2026-11-27 23:00 +8h",
    ]


def test_this_and_all_following_are_moved() -> None:
    """RANGE=THISANDFUTURE: from one time on the series goes on otherwise."""
    series = "UID:s\nSUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY;COUNT=4\n" + OUTLOOK
    onwards = (
        "UID:s\nSUMMARY:CD\nLOCATION:nat\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261126T220000Z\n"
        "DTSTART;TZID=Europe/Copenhagen:20261126T210000\nDURATION:PT10H"
    )
    assert told(read(ics(series, onwards))) == [
        "nat KL 2026-11-24 23:00 +8h",
        "nat KL 2026-11-25 23:00 +8h",
        "nat CD 2026-11-26 21:00 +10h",
        "nat CD 2026-11-27 21:00 +10h",
    ]


@pytest.mark.parametrize(
    ("start", "since", "hours"), [("20261024", "2026-10-24", 9), ("20270327", "2027-03-27", 7)]
)
@pytest.mark.parametrize("zone", ["Romance Standard Time", "W. Europe Standard Time", "Europe/Copenhagen"])
def test_the_nights_in_which_the_clock_changes(start: str, since: str, hours: int, zone: str) -> None:
    """A series ends at seven on the wall: nine hours in October, seven in March."""
    event = (
        f"UID:1\nSUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY\nDTSTART;TZID={zone}:20260101T230000\n"
        f"DTEND;TZID={zone}:20260102T070000"
    )
    day = f"{start[:4]}-{start[4:6]}-{start[6:]}"
    assert f"nat KL {day} 23:00 +{hours}h" in told(read(ics(event), since=since, days=2))


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("SUMMARY:Ferie\nLOCATION:nat\n" + OUTLOOK, "nobody"),
        ("SUMMARY:KL\n" + OUTLOOK, "no group"),
        ("SUMMARY:KL\nLOCATION:nat\nDTSTART;TZID=Nowhere/At all:20261124T230000", "time zone"),
        ("SUMMARY:KL\nLOCATION:nat\nDTSTART:20261124T230000", "without length"),
        ("SUMMARY:KL\nLOCATION:nat\nDTSTART:20261124T230000\nDTEND:20261224T230000", "more than 15 days"),
        ("SUMMARY:KL\nLOCATION:nat\nDTSTART:20261124T230000\nDTEND;VALUE=DATE:20261125", "different kinds"),
        ("SUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=SECONDLY\n" + OUTLOOK, "rule of repetition"),
        ("SUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY;BYHOUR=1,2\n" + OUTLOOK, "rule of repetition"),
        ("SUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY;BYDAY=XX\n" + OUTLOOK, "rule of repetition"),
        (
            "SUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY\nDTSTART:19010101T230000\nDURATION:PT8H",
            "began before 1990",
        ),
        ("SUMMARY:KL\nLOCATION:nat", "no DTSTART"),
    ],
)
def test_what_cannot_be_placed_is_named_by_line_and_uid(event: str, found: str) -> None:
    """With what to do, without a word of the event; the others are taken."""
    good = "UID:good\nSUMMARY:KL\nLOCATION:nat\n" + OUTLOOK
    data = ics(good, "UID:odd-one\n" + event)
    answer = read(data)
    assert told(answer) == ["nat KL 2026-11-24 23:00 +8h"]
    (missed,) = answer.unmapped
    assert found in missed.found
    assert missed.do
    assert missed.uid == "odd-one"
    assert data.splitlines()[missed.line - 1] == b"BEGIN:VEVENT"
    assert missed.line > 4


def test_attendees_who_are_nobody_are_counted_and_not_named() -> None:
    """Who is known is taken."""
    event = (
        "ATTENDEE:mailto:kl@a.example\nATTENDEE;CN=Birgit Holm:mailto:bh@a.example\nLOCATION:nat\n" + OUTLOOK
    )
    answer = read(ics("UID:1\nSUMMARY:Vagt\n" + event))
    assert told(answer) == ["nat KL 2026-11-24 23:00 +8h"]
    (missed,) = answer.unmapped
    assert "1 attendees" in missed.found
    assert "Birgit" not in repr(answer)
    assert "bh@" not in repr(answer)


def test_a_word_that_happens_to_be_initials_counts_only_as_they_are_written() -> None:
    """Part of a sentence: `Nat` is a group's word, `nat` somebody of this home."""
    assert told(read(ics("UID:1\nSUMMARY:Nat ab uge 48\nLOCATION:nat\n" + OUTLOOK))) == []
    assert told(read(ics("UID:1\nSUMMARY:vagt AB uge 48\nLOCATION:nat\n" + OUTLOOK))) == [
        "nat AB 2026-11-24 23:00 +8h"
    ]


def test_one_group_for_all_and_the_only_group_there_is() -> None:
    """`--group` stands over what an event says."""
    event = ics("UID:1\nSUMMARY:KL\nLOCATION:nat\n" + OUTLOOK)
    assert told(read(event, names=replace(NAMES, only_group="dag"))) == ["dag KL 2026-11-24 23:00 +8h"]
    alone = replace(NAMES, groups={"vest": "vest", "vest, 1. sal": "vest"}, group_of={})
    assert told(read(event, names=alone)) == ["vest KL 2026-11-24 23:00 +8h"]


HOURLY = """UID:{n}
SUMMARY:KL
LOCATION:nat
RRULE:FREQ=DAILY
DTSTART:20261101T{hour:02d}{minute:02d}00
DURATION:PT1H"""


def process(data: bytes, *, cpu_s: int = 20) -> object:
    """Read it as a command does: in a process of its own."""
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return read_calendar(data, NAMES, HOME.key, now, now + timedelta(days=400), cpu_s=cpu_s)


def test_the_process_says_the_same() -> None:
    """Names and times go over and come back."""
    data = ics("UID:1\nSUMMARY:Anna Larsen\nLOCATION:nat\nRRULE:FREQ=DAILY;COUNT=3\n" + OUTLOOK)
    assert process(data) == read(data, since="2026-11-20", days=400)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"%PDF-1.7",
        b"x" * ((4 << 20) + 1),
        ics(*["UID:1\nSUMMARY:KL"] * (EVENTS_MAX + 1)),
        ics(*[HOURLY.format(n=n, hour=n % 24, minute=n // 24) for n in range(30)]),
    ],
    ids=["empty", "noise", "cut", "pdf", "bytes", "events", "stretches"],
)
def test_what_is_no_calendar_or_too_much_of_one_is_refused(data: bytes) -> None:
    """With what to do; nothing of it is shown."""
    with pytest.raises(Problem) as refused:
        process(data)
    assert refused.value.findings[0].do


def test_a_rule_that_never_comes_true_is_stopped() -> None:
    """31 February each day until the year 9999: the kernel ends it, and the command says so."""
    event = "UID:1\nSUMMARY:KL\nLOCATION:nat\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31\n" + OUTLOOK
    with pytest.raises(Problem) as refused:
        process(ics(*[event.replace("UID:1", f"UID:{n}") for n in range(200)]), cpu_s=1)
    assert "more work" in refused.value.findings[0].found


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=string.printable, max_size=300))
def test_whatever_stands_in_an_event_ends_in_an_answer(text: str) -> None:
    """Nothing raises but what says that it is no calendar."""
    with suppress(*UNREADABLE, Problem):
        read(ics("UID:1\nSUMMARY:KL\nLOCATION:nat\n" + OUTLOOK + "\n" + text))


DAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, unique=True)


@settings(max_examples=60, deadline=None)
@given(days=DAYS, every=st.integers(1, 5), first=st.integers(0, 400), hour=st.integers(0, 23))
def test_weekly_series_are_what_the_calendar_on_the_wall_says(
    days: list[str], every: int, first: int, hour: int
) -> None:
    """Against counting days by hand, through both changes of the clock."""
    names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
    begin = datetime(2026, 1, 5) + timedelta(days=first)  # noqa: DTZ001  (on the wall)
    begin = begin.replace(hour=hour)
    event = (
        f"UID:1\nSUMMARY:KL\nLOCATION:nat\nDTSTART;TZID=Europe/Copenhagen:{begin:%Y%m%dT%H%M%S}\n"
        f"DURATION:PT30M\nRRULE:FREQ=WEEKLY;INTERVAL={every};BYDAY={','.join(days)}"
    )
    monday = begin - timedelta(days=begin.weekday())
    expected = []
    for after in range(140):
        day = begin + timedelta(days=after)
        if ((day - monday).days // 7) % every == 0 and names[day.weekday()] in days:
            expected.append(day.replace(tzinfo=HOME).astimezone(UTC).timestamp())
    found = read(ics(event), since=f"{begin:%Y-%m-%d}", days=139)
    last = begin.replace(tzinfo=HOME).timestamp() + 138 * 86_400
    assert [each.since_s for each in found.stretches if each.since_s < last] == [
        each for each in expected if each < last
    ]
