"""Duty groups as data: who is on duty when, by weekday, in local time."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.alerting import LocalTime, Table, Weekday


class Shift(Table):
    """One weekly shift of a group, local time. One over midnight belongs to the day it begins on."""

    start: LocalTime
    """When it begins."""
    end: LocalTime
    """When it ends."""
    weekdays: tuple[Weekday, ...] = Field(default=(1, 2, 3, 4, 5, 6, 7), min_length=1)
    """The days on which it begins."""
    persons: tuple[str, ...]
    """Who is on duty."""


class Group(Table):
    """A duty group. Without shifts all `persons` are always on duty."""

    label: str = ""
    """What staff call it."""
    persons: tuple[str, ...] = ()
    """Who belongs to it."""
    shifts: tuple[Shift, ...] = ()
    places: tuple[str, ...] = ()
    """Which places it answers for; empty: all."""
