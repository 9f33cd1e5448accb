"""Duty groups as data: who is on duty when, by weekday and holiday, in local time."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.model.holidays import danish_holidays
from gateway.settings.values import LocalTime, Table, Weekday

EVERY_YEAR = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")


def _calendar_day(value: object) -> str:
    """A date, TOML's own or as text, or month and day of every year."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    text = str(value) if isinstance(value, str) else ""
    wanted = "a date such as 2026-12-24, or month and day of every year such as 12-24"
    try:
        if EVERY_YEAR.fullmatch(text):
            date.fromisoformat(f"2000-{text}")  # a leap year, so that 02-29 is a day
        elif date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError:
        raise ValueError(wanted) from None
    return text


CalendarDay = Annotated[str, BeforeValidator(_calendar_day)]


class Holidays(Table):
    """Which days count as public holidays for duty."""

    calendar: Literal["denmark", "none"] = "denmark"
    """Whose public holidays are computed, Easter and what follows it included."""
    add: tuple[CalendarDay, ...] = ()
    """Days that count besides: `2026-12-24`, or `12-24` for every year."""
    remove: tuple[CalendarDay, ...] = ()
    """Days of the calendar that do not count here."""

    def name(self, day: date) -> str | None:
        """Give what the holiday of a day is called; None on any other day."""
        return _name(self, day)


@lru_cache(maxsize=4096)
def _name(holidays: Holidays, day: date) -> str | None:
    written = {day.isoformat(), f"{day:%m-%d}"}
    if written & set(holidays.remove):
        return None
    known = danish_holidays(day.year).get(day) if holidays.calendar == "denmark" else None
    return known or ("fridag" if written & set(holidays.add) else None)


class Shift(Table):
    """One weekly shift of a group, local time. One over midnight belongs to the day it begins on."""

    start: LocalTime
    """When it begins."""
    end: LocalTime
    """When it ends."""
    weekdays: tuple[Weekday, ...] = Field(default=(1, 2, 3, 4, 5, 6, 7), min_length=1)
    """The days on which it begins."""
    holidays: Literal["as_usual", "only", "never"] = "as_usual"
    """On a public holiday: `as_usual`; `never` begins on one; `only` begins on holidays, whatever weekday."""
    persons: tuple[str, ...]
    """Who is on duty."""

    def begins_on(self, day: date, holidays: Holidays) -> bool:
        """Tell whether it begins on a day."""
        if self.holidays == "as_usual":
            return day.isoweekday() in self.weekdays
        holiday = holidays.name(day) is not None
        if self.holidays == "only":
            return holiday
        return not holiday and day.isoweekday() in self.weekdays


class Group(Table):
    """A duty group. Without shifts all `persons` are always on duty."""

    label: str = ""
    """What staff call it."""
    persons: tuple[str, ...] = ()
    """Who belongs to it."""
    shifts: tuple[Shift, ...] = ()
    places: tuple[str, ...] = ()
    """Which places it answers for; empty: all."""

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody whom the group or one of its shifts names."""
        every = (*self.persons, *(person for shift in self.shifts for person in shift.persons))
        return tuple(dict.fromkeys(every))
