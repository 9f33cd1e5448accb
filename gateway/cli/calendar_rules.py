"""When the events of an iCalendar file (RFC 5545) happen, within a window of time.

Understood are single events and series: RRULE by day, week, month or year, RDATE, EXDATE, RECURRENCE-ID with
or without THISANDFUTURE, whole days, floating times, zones by IANA name, by Outlook's name or by a VTIMEZONE
of the file. A series goes by the clock on the wall of its zone, its end too: a night from 23 to 7 ends at 7
also where summer time ends or begins, as every calendar shows it. (RFC 5545 section 3.8.5.3 would give it
eight hours each night, and leave an hour without anybody.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from icalendar import Event

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(
    ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST")
)
RULE_PARTS_MAX = 64  # values of one part of a rule, such as days of a month
TIMES_MAX = 2000  # of one event within the window
LISTED_MAX = 2000  # EXDATE and RDATE of one event
FIRST_YEAR = 1990  # a series that began before is no roster
LONGEST = timedelta(days=15)


class NotUnderstood(Exception):
    """An event that cannot be placed in time: what was found, and what to do."""

    def __init__(self, found: str, do: str) -> None:
        """Say both without any text of the event's own."""
        super().__init__(found)
        self.found, self.do = found, do


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of the file: on the wall of its zone, or a whole day."""

    wall: datetime
    """Without zone; of a whole day its midnight."""
    zone: tzinfo
    whole_day: bool = False

    @property
    def utc(self) -> datetime:
        """The moment itself."""
        return self.wall.replace(tzinfo=self.zone).astimezone(UTC)

    def at(self, wall: datetime) -> Moment:
        """Give the same kind of moment at another time on the wall."""
        return Moment(wall, self.zone, self.whole_day)


@dataclass(frozen=True, slots=True)
class Window:
    """What is of interest."""

    since: datetime
    """In UTC."""
    until: datetime

    def meets(self, begin: Moment, end: Moment) -> bool:
        """Tell whether a stretch has anything in it."""
        return begin.utc < self.until and end.utc > self.since


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Once that an event happens, and the moment by which the series names it."""

    named: Moment
    begin: Moment
    end: Moment


def begin_and_length(event: Event, home: ZoneInfo) -> tuple[Moment, timedelta]:
    """Give begin and length on the wall. Raises NotUnderstood."""
    begin = moment(event.get("DTSTART"), home, "DTSTART")
    given, lasting = event.get("DTEND"), event.get("DURATION")
    if given is not None:
        end = moment(given, home, "DTEND")
        if end.whole_day != begin.whole_day:
            raise NotUnderstood("a begin and an end of different kinds", "give both a time, or neither")
        length = end.wall - begin.wall if end.zone == begin.zone else end.utc - begin.utc
    elif lasting is not None:
        length = lasting.dt if isinstance(getattr(lasting, "dt", None), timedelta) else timedelta()
    else:
        length = timedelta(days=1) if begin.whole_day else timedelta()
    if length <= timedelta():
        raise NotUnderstood("an event without length", "give it an end after its begin")
    if length > LONGEST:
        raise NotUnderstood(f"more than {LONGEST.days} days at once", "make a series of shorter events")
    return begin, length


def moment(given: Any, home: ZoneInfo, key: str) -> Moment:
    """Read one time of the file. Raises NotUnderstood."""
    value = getattr(given, "dt", None)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return Moment(value.replace(tzinfo=None, fold=0), value.tzinfo)
        if "TZID" in getattr(given, "params", {}):
            do = "use an IANA name such as Europe/Copenhagen, or put its VTIMEZONE into the file"
            raise NotUnderstood(f"a {key} in a time zone that nobody knows", do)
        return Moment(value, home)
    if isinstance(value, date):
        return Moment(datetime.combine(value, time()), home, whole_day=True)
    raise NotUnderstood(f"no {key} that can be read", "export the calendar anew")


def occurrences(event: Event, home: ZoneInfo, window: Window) -> list[Occurrence]:
    """Give when an event or series happens within a window. Raises NotUnderstood."""
    begin, length = begin_and_length(event, home)
    excluded, whole_days = _excluded(event, home, begin)
    found: dict[datetime, Occurrence] = {}
    for wall in _walls(event, begin, length, window):
        at = begin.at(wall)
        found[at.utc] = Occurrence(at, at, at.at(wall + length))
    for at, end in _added(event, home, begin, length):
        if window.meets(at, end):
            found[at.utc] = Occurrence(at, at, end)
    kept = [
        each
        for utc, each in sorted(found.items())
        if utc not in excluded and each.begin.wall.date() not in whole_days
    ]
    if len(kept) > TIMES_MAX:
        raise NotUnderstood(f"more than {TIMES_MAX} times within the window", "import a shorter time: --days")
    return kept


def _walls(event: Event, begin: Moment, length: timedelta, window: Window) -> Iterator[datetime]:
    """Give the begins of a series on the wall, those that may lie in the window."""
    rule = event.get("RRULE")
    if rule is None:
        if window.meets(begin, begin.at(begin.wall + length)):
            yield begin.wall
        return
    if isinstance(rule, list):
        raise NotUnderstood("more than one RRULE", "make each a series of its own")
    if begin.wall.year < FIRST_YEAR:
        raise NotUnderstood(f"a series that began before {FIRST_YEAR}", "let it begin when it holds")
    from dateutil.rrule import rrulestr

    day = timedelta(days=1)
    try:
        text = _checked(rule, begin)
        series = rrulestr(text, dtstart=begin.wall, cache=False)
    except (ValueError, TypeError, OverflowError):
        raise _odd_rule() from None
    first = window.since.replace(tzinfo=None) - length - day
    last = window.until.replace(tzinfo=None) + day
    for seen, wall in enumerate(series.xafter(first, inc=True)):
        if wall > last:
            return
        if seen > TIMES_MAX:
            raise NotUnderstood(
                f"more than {TIMES_MAX} times within the window", "import a shorter time: --days"
            )
        if window.meets(begin.at(wall), begin.at(wall + length)):
            yield wall


def _checked(rule: Any, begin: Moment) -> str:
    """Write a rule for dateutil, its UNTIL on the wall of the series. Raises NotUnderstood, ValueError."""
    parts = {key.upper(): values if isinstance(values, list) else [values] for key, values in rule.items()}
    odd = sorted(parts.keys() - PARTS)
    frequency = str(parts.get("FREQ", [""])[0]).upper()
    if odd or frequency not in FREQUENCIES:
        raise _odd_rule()
    if any(len(values) > RULE_PARTS_MAX for values in parts.values()):
        raise NotUnderstood("a rule with very many values", "write it shorter")
    text = [f"FREQ={frequency}"]
    for key, values in parts.items():
        if key == "FREQ":
            continue
        if key == "UNTIL":
            text.append(f"UNTIL={_until(values[0], begin):%Y%m%dT%H%M%S}")
        else:
            text.append(f"{key}={','.join(str(value) for value in values)}")
    return ";".join(text)


def _until(value: Any, begin: Moment) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(begin.zone).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, time.max.replace(microsecond=0))
    raise ValueError("UNTIL")


def _odd_rule() -> NotUnderstood:
    known = f"FREQ={'|'.join(FREQUENCIES)} with {', '.join(sorted(PARTS - {'FREQ'}))}"
    return NotUnderstood("a rule of repetition that is not understood", f"repeat it by {known}")


def _excluded(event: Event, home: ZoneInfo, begin: Moment) -> tuple[set[datetime], set[date]]:
    """Give the moments that are taken out, and days of which everything is."""
    times: set[datetime] = set()
    days: set[date] = set()
    for each in _listed(event, "EXDATE"):
        at = moment(each, home, "EXDATE")
        if at.whole_day and not begin.whole_day:
            days.add(at.wall.date())
        else:
            times.add(at.utc)
    return times, days


def _added(event: Event, home: ZoneInfo, begin: Moment, length: timedelta) -> Iterator[tuple[Moment, Moment]]:
    for each in _listed(event, "RDATE"):
        value = each.dt
        if not isinstance(value, tuple):
            at = moment(each, home, "RDATE")
            if at.whole_day and not begin.whole_day:
                at = begin.at(datetime.combine(at.wall.date(), begin.wall.time()))
            yield at, at.at(at.wall + length)
            continue
        first, last = value
        at = Moment(first.replace(tzinfo=None), first.tzinfo or home)
        lasting = last if isinstance(last, timedelta) else last - first
        if not timedelta() < lasting <= LONGEST:
            raise NotUnderstood("an RDATE without a length that a duty has", "give it an end after its begin")
        yield at, at.at(at.wall + lasting)


def _listed(event: Event, key: str) -> list[Any]:
    given = event.get(key)
    lists = given if isinstance(given, list) else [] if given is None else [given]
    every = [each for one in lists for each in getattr(one, "dts", ())]
    if len(every) > LISTED_MAX:
        raise NotUnderstood(f"more than {LISTED_MAX} {key}", "export the calendar anew")
    return every
