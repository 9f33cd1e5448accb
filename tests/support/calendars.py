"""iCalendar files for tests, and what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.cli.calendar_file import Calendar, expand
from gateway.cli.calendar_people import Names
from gateway.cli.calendar_rules import Window

HOME = ZoneInfo("Europe/Copenhagen")
NAMES = Names(
    persons=("KL", "AB", "CD", "nat"),
    groups={"nat": "nat", "nat øst": "nat", "dag": "dag"},
    person_of={"anna.larsen@home.example": "AB", "anna larsen": "AB"},
    group_of={"nattevagt": "nat"},
)


def ics(*events: str, more: str = "") -> bytes:
    """Make a file of events, each its lines without BEGIN and END."""
    body = "".join(f"BEGIN:VEVENT\n{each.strip()}\nEND:VEVENT\n" for each in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{more}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(data: bytes, *, since: str = "2026-11-01", days: int = 60, names: Names = NAMES) -> Calendar:
    """Read a file here, from a day on."""
    begin = datetime.fromisoformat(since).replace(tzinfo=HOME).astimezone(UTC)
    return expand(data, names, HOME, Window(begin, begin + timedelta(days=days)))


def told(found: Calendar) -> list[str]:
    """Write each stretch as `nat KL 2026-11-24 23:00 +8h`, by the clock on the wall."""
    return [
        f"{each.group} {each.person} {datetime.fromtimestamp(each.since_s, HOME):%Y-%m-%d %H:%M}"
        f" +{(each.until_s - each.since_s) / 3600:g}h"
        for each in found.stretches
    ]
