"""An iCalendar file made into stretches of duty, in a process with bounds to its time and memory.

`read_calendar` is what a command calls; `main` is the process: one line of JSON that says what is wanted, and
then the file, on stdin; the answer as JSON on stdout. A file may be hostile: it is bounded in bytes and
events, and what it makes a parser do is bounded by the kernel.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.cli.calendar_people import Names, meant
from gateway.cli.calendar_rules import (
    Moment,
    NotUnderstood,
    Occurrence,
    Window,
    begin_and_length,
    moment,
    occurrences,
)
from gateway.model.problem import Problem

if TYPE_CHECKING:
    from icalendar import Event

BYTES_MAX = 4 << 20
EVENTS_MAX = 5000
STRETCHES_MAX = 10_000
CPU_S = 20
MEMORY_BYTES = 1 << 30
ANSWER_S = 60.0
UID_MAX = 64
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What a parser raises at what is no calendar."""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An event, or something of it, that is not in the roster. No text of the event's is in it."""

    line: int
    uid: str
    found: str
    do: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """One person's stretch of duty, in Unix seconds."""

    since_s: int
    until_s: int
    group: str
    person: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a file says."""

    events: int
    stretches: tuple[Stretch, ...]
    unmapped: tuple[Unmapped, ...]


def read_calendar(
    data: bytes, names: Names, zone: str, since: datetime, until: datetime, *, cpu_s: int = CPU_S
) -> Calendar:
    """Read a file in a process of its own. Raises Problem where it is no calendar, or too much of one."""
    if len(data) > BYTES_MAX:
        raise _too_much(f"{len(data)} bytes, at most {BYTES_MAX}")
    wanted = {
        "names": asdict(names),
        "zone": zone,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "cpu_s": cpu_s,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(wanted).encode() + b"\n" + data,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(f"no end of it within {ANSWER_S:.0f} s") from None
    if done.returncode != 0:
        raise _too_much("more work than it is worth")
    answer = json.loads(done.stdout)
    if "problem" in answer:
        raise Problem("the calendar", expected="an iCalendar file (RFC 5545)", **answer["problem"])
    return Calendar(
        answer["events"],
        tuple(Stretch(*row) for row in answer["stretches"]),
        tuple(Unmapped(**row) for row in answer["unmapped"]),
    )


def expand(data: bytes, names: Names, home: ZoneInfo, window: Window) -> Calendar:
    """Read a file here and now. Raises ValueError where it is no calendar, Problem where it is too much."""
    from icalendar import Calendar as Parsed
    from icalendar import Event

    lines = [
        number for number, line in enumerate(data.splitlines(), 1) if line.strip().upper() == b"BEGIN:VEVENT"
    ]
    if len(lines) > EVENTS_MAX:
        raise _too_much(f"{len(lines)} events, at most {EVENTS_MAX}")
    if not lines and b"BEGIN:VCALENDAR" not in data.upper():
        raise ValueError("no calendar")
    for kind in (b"VCALENDAR", b"VEVENT"):  # half of a roster must not replace the whole
        if _lines(data, b"BEGIN:" + kind) != _lines(data, b"END:" + kind):
            raise ValueError("cut off")
    events = [
        event
        for each in Parsed.from_ical(data, multiple=True)
        for event in each.walk("VEVENT")
        if isinstance(event, Event)
    ]
    reading = _Reading(names, home, window)
    for number, event in enumerate(events):
        reading.add(event, lines[number] if number < len(lines) else 0)
    return Calendar(len(events), tuple(reading.stretches()), tuple(reading.unmapped))


def _lines(data: bytes, wanted: bytes) -> int:
    return sum(line.strip().upper() == wanted for line in data.splitlines())


@dataclass(slots=True)
class _Series:
    """An event with what was said of single times of it."""

    event: Event
    line: int
    changed: list[tuple[Event, int]]


class _Reading:
    """One reading of a file."""

    def __init__(self, names: Names, home: ZoneInfo, window: Window) -> None:
        self._names, self._home, self._window = names, home, window
        self._series: list[_Series] = []
        self._by_uid: dict[str, _Series] = {}
        self._changed: list[tuple[str, Event, int]] = []
        self.unmapped: list[Unmapped] = []

    def add(self, event: Event, line: int) -> None:
        """Take an event of the file."""
        uid = _uid(event)
        if event.get("RECURRENCE-ID") is not None:
            self._changed.append((uid, event, line))
            return
        series = _Series(event, line, [])
        self._series.append(series)
        self._by_uid.setdefault(uid, series)

    def stretches(self) -> list[Stretch]:
        """Give what all events say together, each stretch once."""
        for uid, event, line in self._changed:
            series = self._by_uid.get(uid) if uid else None
            if series is None:  # the series itself is not in the file: what is left is a single event
                self._series.append(_Series(event, line, []))
            else:
                series.changed.append((event, line))
        found: dict[Stretch, None] = {}
        for series in self._series:
            for stretch in self._of(series):
                found[stretch] = None
                if len(found) > STRETCHES_MAX:
                    raise _too_much(f"more than {STRETCHES_MAX} stretches of duty")
        return sorted(found, key=lambda each: (each.since_s, each.until_s, each.group, each.person))

    def _of(self, series: _Series) -> list[Stretch]:
        if _cancelled(series.event):
            return []
        try:
            times = [(each, series.event, series.line) for each in self._times(series.event)]
        except NotUnderstood as odd:
            self._miss(series.event, series.line, odd.found, odd.do)
            return []
        for event, line in series.changed:
            try:
                times = self._after(times, event, line)
            except NotUnderstood as odd:
                self._miss(event, line, odd.found, odd.do)
        found: list[Stretch] = []
        whom: dict[int, list[tuple[str, str]]] = {}
        for each, event, line in times:
            if id(event) not in whom:
                whom[id(event)] = self._whom(event, line)
            if self._window.meets(each.begin, each.end):
                begin, end = round(each.begin.utc.timestamp()), round(each.end.utc.timestamp())
                found += [Stretch(begin, end, group, person) for group, person in whom[id(event)]]
        return found

    def _times(self, event: Event) -> list[Occurrence]:
        return occurrences(event, self._home, self._window)

    def _after(
        self, times: list[tuple[Occurrence, Event, int]], event: Event, line: int
    ) -> list[tuple[Occurrence, Event, int]]:
        """Give the times of a series after one of them, or all from one on, was changed."""
        given = event["RECURRENCE-ID"]
        named = moment(given, self._home, "RECURRENCE-ID")
        onwards = str(given.params.get("RANGE", "")).upper() == "THISANDFUTURE"
        gone = _cancelled(event)
        begin, length = (named, timedelta()) if gone else begin_and_length(event, self._home)
        met = next((each.named for each, _, _ in times if _same(each.named, named)), None)
        named = met or named
        kept: list[tuple[Occurrence, Event, int]] = []
        for each, of, at in times:
            if each.named.utc != named.utc and not (onwards and each.named.utc > named.utc):
                kept.append((each, of, at))
            elif not gone:  # moved by the clock on the wall, whatever the zone does in between
                first = begin.at(begin.wall + (each.named.wall - named.wall))
                kept.append((Occurrence(each.named, first, first.at(first.wall + length)), event, line))
        if met is None and not gone and not onwards:  # the series' own time lies outside the window
            kept.append((Occurrence(named, begin, begin.at(begin.wall + length)), event, line))
        return kept

    def _whom(self, event: Event, line: int) -> list[tuple[str, str]]:
        whom = meant(event, self._names)
        if not whom.persons:
            do = "write the initials of velgate staff list into its title, or say with --names whom it means"
            self._miss(event, line, "nobody of the configuration in title, category or attendees", do)
            return []
        if whom.group is None:
            do = "name the group with --group, in a category or the location, or with --names"
            self._miss(event, line, "no group of the configuration in category, location or title", do)
            return []
        if whom.strangers:
            do = "map them with --names, or add them with velgate staff add"
            found = f"{whom.strangers} attendees who are nobody of the configuration; the others are taken"
            self._miss(event, line, found, do)
        return [(whom.group, person) for person in whom.persons]

    def _miss(self, event: Event, line: int, found: str, do: str) -> None:
        self.unmapped.append(Unmapped(line, _uid(event)[:UID_MAX], found, do))


def _same(each: Moment, named: Moment) -> bool:
    if named.whole_day and not each.whole_day:
        return each.wall.date() == named.wall.date()
    return each.utc == named.utc


def _cancelled(event: Event) -> bool:
    return str(event.get("STATUS", "")).strip().upper() == "CANCELLED"


def _uid(event: Event) -> str:
    return "".join(each for each in str(event.get("UID", "")) if each.isprintable())


def _too_much(found: str) -> Problem:
    return Problem(
        "the calendar",
        expected="a roster of one home: 4 MB, 5000 events, 10000 stretches of duty at most",
        found=found,
        do="export a shorter time, or one group at a time; --days says how far ahead is read",
    )


def main() -> int:
    """Be the process. What goes wrong inside goes to the parent as an answer, or as a death."""
    import resource

    wanted: Mapping[str, Any] = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CPU, (wanted["cpu_s"], wanted["cpu_s"]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    names = Names(**{**wanted["names"], "persons": tuple(wanted["names"]["persons"])})
    window = Window(datetime.fromisoformat(wanted["since"]), datetime.fromisoformat(wanted["until"]))
    try:
        found = expand(sys.stdin.buffer.read(BYTES_MAX + 1), names, ZoneInfo(wanted["zone"]), window)
    except Problem as problem:
        first = problem.findings[0] if problem.findings else None
        answer: dict[str, Any] = {
            "problem": {
                "found": first.found if first else "too much of one",
                "do": first.do if first else "export a shorter time",
            }
        }
    except UNREADABLE:
        do = "export it as iCalendar (.ics) from the program that plans the duty"
        answer = {"problem": {"found": "something that cannot be read as one", "do": do}}
    else:
        answer = {
            "events": found.events,
            "stretches": [[s.since_s, s.until_s, s.group, s.person] for s in found.stretches],
            "unmapped": [asdict(each) for each in found.unmapped],
        }
    sys.stdout.write(json.dumps(answer))
    return 0


def window_of(now: datetime, days: int) -> tuple[datetime, datetime]:
    """Give what is read of a calendar: from the day before yesterday to so many days ahead, in UTC."""
    at = now.astimezone(UTC)
    return at - timedelta(days=2), at + timedelta(days=days)


if __name__ == "__main__":
    sys.exit(main())
