"""When a rule's schedule is open: weekly windows in local time, with the changes to and from summer time.

A window is a pair of readings of the clock on the wall. In the night when 02:00 to 03:00 comes twice, a
window over it is an hour longer; where the hour does not come, an hour shorter; and a window that
begins in the missing hour begins when the clock jumps over it.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.conditions import Schedule

_BEFORE = timedelta(milliseconds=1)
DAYS_AHEAD = 8  # a weekly window opens within a week; one more for a window over midnight


def is_open(schedule: Schedule, now: Instant, zone: ZoneInfo) -> bool:
    """Tell whether a window is open. Always so while nobody knows what time it is."""
    if now.quality is ClockQuality.UNSYNCED:
        return True
    local = datetime.fromtimestamp(now.wall_ns / NS, zone)
    at, start, end = local.time(), schedule.start, schedule.end
    today = local.isoweekday() in schedule.weekdays
    yesterday = (local - timedelta(days=1)).isoweekday() in schedule.weekdays
    if start == end:
        return today
    if start < end:
        return today and start <= at < end
    return (today and at >= start) or (yesterday and at < end)


def opens(schedule: Schedule, now: Instant, zone: ZoneInfo) -> Instant | None:
    """Give the moment at which the next window opens after now; None while one is open."""
    if is_open(schedule, now, zone):
        return None
    at = datetime.fromtimestamp(now.wall_ns / NS, UTC)
    today = at.astimezone(zone).date()
    begin = time.min if schedule.start == schedule.end else schedule.start
    for ahead in range(DAYS_AHEAD + 1):
        day = today + timedelta(days=ahead)
        if day.isoweekday() in schedule.weekdays:
            later = [moment for moment in _moments(datetime.combine(day, begin), zone) if moment > at]
            if later:
                return now.plus(min(later) - at)
    return None


def opened(schedule: Schedule, now: Instant, zone: ZoneInfo) -> Instant | None:
    """Give the moment at which the window that is open now began; None where none is, or none ever closes."""
    if now.quality is ClockQuality.UNSYNCED or not is_open(schedule, now, zone):
        return None
    at = datetime.fromtimestamp(now.wall_ns / NS, UTC)
    edges = sorted(each for each in _edges(schedule, at, zone) if each <= at)
    for edge in reversed(edges):
        if not is_open(schedule, now.plus(edge - at - _BEFORE), zone):
            return now.plus(edge - at)
    return None


def turns(schedule: Schedule, now: Instant, zone: ZoneInfo) -> Instant | None:
    """Give the next moment at which a window opens or closes; None where nobody knows what time it is."""
    if now.quality is ClockQuality.UNSYNCED:
        return None
    at, open_now = datetime.fromtimestamp(now.wall_ns / NS, UTC), is_open(schedule, now, zone)
    for edge in sorted(each for each in _edges(schedule, at, zone) if each > at):
        then = now.plus(edge - at)
        if is_open(schedule, then, zone) is not open_now:
            return then
    return None


def _edges(schedule: Schedule, at: datetime, zone: ZoneInfo) -> list[datetime]:
    """Give every moment about now at which the wall clock shows a beginning or an end."""
    today = at.astimezone(zone).date()
    whole = schedule.start == schedule.end
    times = (time.min,) if whole else (schedule.start, schedule.end)
    days = (today + timedelta(days=ahead) for ahead in range(-DAYS_AHEAD, DAYS_AHEAD + 1))
    walls = (datetime.combine(day, edge) for day in days for edge in times)
    return [moment for wall in walls for moment in _moments(wall, zone)]


def _moments(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Give the moments at which the wall clock shows a time: two in autumn; in spring, the jump over it."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return (first, second)
    before, after = second, first  # the time does not come: the jump lies between the two readings of it
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        jumped = middle.astimezone(zone).utcoffset() != before.astimezone(zone).utcoffset()
        before, after = (before, middle) if jumped else (middle, after)
    return (after.replace(microsecond=0),)
