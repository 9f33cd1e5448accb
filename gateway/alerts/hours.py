"""When a rule's schedule is open: weekly windows in local time, with the changes to and from summer time.

A window is a pair of readings of the clock on the wall. In the night when 02:00 to 03:00 comes twice, a
window over it is an hour longer; where the hour does not come, an hour shorter; and a window that
begins in the missing hour begins when the clock jumps over it.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.alerting import Schedule

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
