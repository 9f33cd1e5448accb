"""Who is on duty in a group at a moment, and by which rule: pure, from configuration, overrides and imports.

What counts, the stronger first: an override; what an imported calendar says of that moment; the weekly shifts
with their holidays; members who are always on duty. A calendar that says nothing of a moment leaves it to the
shifts, and persons who are not configured count for nothing: neither empties a group that has somebody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from gateway.model.clock import NS
from gateway.settings.duty import Group, Shift
from gateway.settings.models import Settings


class ByRule(StrEnum):
    """Why somebody is on duty."""

    OVERRIDE = "override"
    IMPORT = "import"
    HOLIDAY = "holiday"
    """A shift that is only for public holidays."""
    SHIFT = "shift"
    ALWAYS = "always"
    """A member of a group without shifts."""
    UNSYNCED = "unsynced"
    """Nobody knows what time it is: all members."""


@dataclass(frozen=True, slots=True)
class Spell:
    """One person's stretch of duty. Times are Unix nanoseconds; None where no rule says."""

    person: str
    rule: ByRule
    since_ns: int | None = None
    until_ns: int | None = None
    detail: str = ""
    """Which shift, override or import it is: `23:00-07:00`, an id, a source."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody else for a while, whatever shifts and calendars say."""

    id: str
    group: str
    persons: tuple[str, ...]
    since_ns: int
    """Unix time in nanoseconds."""
    until_ns: int
    instead_of: str | None = None
    """Whom they stand in for; None: they alone are the group's duty."""
    by: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Imported:
    """One person's stretch of duty as a calendar had it. Times are Unix nanoseconds."""

    since_ns: int
    until_ns: int
    group: str
    person: str


@dataclass(frozen=True)
class Import:
    """Everything that was imported from one source."""

    source: str
    spells: tuple[Imported, ...]

    @cached_property
    def by_group(self) -> Mapping[str, _Index]:
        """The spells of each group, so that those of a moment are found without reading all."""
        groups: dict[str, list[Imported]] = {}
        for spell in sorted(self.spells):
            groups.setdefault(spell.group, []).append(spell)
        return {group: _Index(tuple(spells)) for group, spells in groups.items()}


@dataclass(frozen=True)
class _Index:
    spells: tuple[Imported, ...]
    """Sorted by begin."""

    @cached_property
    def longest_ns(self) -> int:
        return max((spell.until_ns - spell.since_ns for spell in self.spells), default=0)

    @cached_property
    def begins(self) -> list[int]:
        return [spell.since_ns for spell in self.spells]

    def between(self, since_ns: int, until_ns: int) -> list[Imported]:
        """Give those that have a moment in `[since, until)`, or hold at `since` where both are equal."""
        last = bisect_right(self.begins, max(since_ns, until_ns - 1))
        first = bisect_right(self.begins, since_ns - self.longest_ns - 1)
        return [spell for spell in self.spells[first:last] if spell.until_ns > since_ns]


@dataclass(frozen=True)
class Table:
    """The duty of every group of a home."""

    settings: Settings
    overrides: Sequence[Override] = ()
    """In the order in which they were made; of several that hold the later one wins."""
    imports: Sequence[Import] = ()
    _zones: dict[str, ZoneInfo] = field(default_factory=dict, compare=False, repr=False)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        name = self.settings.site.zone
        return self._zones.setdefault(name, ZoneInfo(name))

    def members(self, name: str) -> list[str]:
        """Give everybody whom configuration, overrides or imports name for a group."""
        group = self.settings.group.get(name)
        found = list(group.members) if group else []
        found += [person for each in self.overrides if each.group == name for person in each.persons]
        for source in self.imports:
            index = source.by_group.get(name)
            found += [spell.person for spell in index.spells] if index else []
        return list(self.known(found))

    def known(self, persons: Iterable[str]) -> tuple[str, ...]:
        """Keep who is configured, each once, in the spelling of the configuration."""
        spelling = {person.casefold(): person for person in self.settings.person}
        found = (spelling.get(person.casefold()) for person in persons)
        return tuple(dict.fromkeys(person for person in found if person is not None))

    def on_duty(self, name: str, at_ns: int) -> list[Spell]:
        """Tell who is on duty in a group at a moment, each person once, and by which rule."""
        group = self.settings.group.get(name)
        spells = self._spelled(self._imported(name, at_ns))
        if not spells and group is not None:
            spells = self._spelled(self._by_shift(group, at_ns))
        for override in self.overrides:
            if override.group == name and override.since_ns <= at_ns < override.until_ns:
                spells = self._overridden(spells, override)
        first: dict[str, Spell] = {}
        for spell in spells:
            first.setdefault(spell.person, spell)
        return list(first.values())

    def begins(self, name: str, since_ns: int, until_ns: int) -> list[int]:
        """Give every moment in `(since, until)` at which the duty of a group may change, in order."""
        edges: set[int] = set()
        group = self.settings.group.get(name)
        first = _local(since_ns, self.zone).date() - timedelta(days=1)
        days = (_local(until_ns, self.zone).date() - first).days
        for shift in group.shifts if group else ():
            for day in (first + timedelta(days=after) for after in range(days + 1)):
                if shift.begins_on(day, self.settings.holidays):
                    edges.update(shift_span(shift, day, self.zone))
        for override in self.overrides:
            if override.group == name:
                edges.update((override.since_ns, override.until_ns))
        for source in self.imports:
            index = source.by_group.get(name)
            for spell in index.between(since_ns, until_ns) if index else ():
                edges.update((spell.since_ns, spell.until_ns))
        return sorted(edge for edge in edges if since_ns < edge < until_ns)

    def gaps(self, name: str, since_ns: int, until_ns: int) -> list[tuple[int, int]]:
        """Give the stretches of `[since, until)` in which a group has nobody."""
        edges = [since_ns, *self.begins(name, since_ns, until_ns), until_ns]
        found: list[tuple[int, int]] = []
        for begin, end in pairwise(edges):
            if self.on_duty(name, begin):
                continue
            if found and found[-1][1] == begin:
                found[-1] = (found[-1][0], end)
            else:
                found.append((begin, end))
        return found

    def changes_at(self, name: str, since_ns: int, within: timedelta) -> int | None:
        """Give when somebody else is on duty next; None where nothing changes within that time."""
        persons = {spell.person for spell in self.on_duty(name, since_ns)}
        for edge in self.begins(name, since_ns, since_ns + round(within.total_seconds()) * NS):
            if {spell.person for spell in self.on_duty(name, edge)} != persons:
                return edge
        return None

    def span_of(self, name: str, day: date) -> tuple[int, int]:
        """Give from when to when the duty of a day lasts: its shifts that begin then, else the local day."""
        group = self.settings.group.get(name)
        spans = [
            shift_span(shift, day, self.zone)
            for shift in (group.shifts if group else ())
            if shift.begins_on(day, self.settings.holidays)
        ]
        if not spans:
            midnight = datetime.combine(day, datetime.min.time())
            return _ns(midnight, self.zone), _ns(midnight + timedelta(days=1), self.zone)
        return min(begin for begin, _ in spans), max(end for _, end in spans)

    def _imported(self, name: str, at_ns: int) -> list[Spell]:
        return [
            Spell(spell.person, ByRule.IMPORT, spell.since_ns, spell.until_ns, source.source)
            for source in self.imports
            if (index := source.by_group.get(name)) is not None
            for spell in index.between(at_ns, at_ns)
        ]

    def _by_shift(self, group: Group, at_ns: int) -> list[Spell]:
        if not group.shifts:
            return [Spell(person, ByRule.ALWAYS) for person in group.persons]
        found: list[Spell] = []
        today = _local(at_ns, self.zone).date()
        for shift in group.shifts:
            for day in (today - timedelta(days=1), today):
                if not shift.begins_on(day, self.settings.holidays):
                    continue
                begin, end = shift_span(shift, day, self.zone)
                if begin <= at_ns < end:
                    rule = ByRule.HOLIDAY if shift.holidays == "only" else ByRule.SHIFT
                    detail = f"{shift.start:%H:%M}-{shift.end:%H:%M}"
                    if rule is ByRule.HOLIDAY:
                        detail += f", {self.settings.holidays.name(day)}"
                    found += [Spell(person, rule, begin, end, detail) for person in shift.persons]
        return found

    def _overridden(self, spells: list[Spell], override: Override) -> list[Spell]:
        persons = self.known(override.persons)
        if not persons:
            return spells
        theirs = [
            Spell(person, ByRule.OVERRIDE, override.since_ns, override.until_ns, override.id)
            for person in persons
        ]
        if override.instead_of is None:
            return theirs
        away = override.instead_of.casefold()
        rest = [spell for spell in spells if spell.person.casefold() != away]
        return spells if len(rest) == len(spells) else [*rest, *theirs]

    def _spelled(self, spells: Iterable[Spell]) -> list[Spell]:
        """Keep the spells of who is configured, in the spelling of the configuration."""
        spelling = {person.casefold(): person for person in self.settings.person}
        return [
            Spell(known, spell.rule, spell.since_ns, spell.until_ns, spell.detail)
            for spell in spells
            if (known := spelling.get(spell.person.casefold())) is not None
        ]


def shift_span(shift: Shift, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Give begin and end of the shift that begins on a day, in Unix nanoseconds.

    By the clock on the wall: a night is an hour longer or shorter where summer time ends or begins. A time
    that the wall shows twice is the first of the two, one that it leaves out is an hour later.
    """
    begin = datetime.combine(day, shift.start)
    end = datetime.combine(day, shift.end)
    if shift.end <= shift.start:
        end += timedelta(days=1)
    return _ns(begin, zone), _ns(end, zone)


def _local(at_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ns // NS, zone)


def _ns(local: datetime, zone: ZoneInfo) -> int:
    return round(local.replace(tzinfo=zone).astimezone(UTC).timestamp()) * NS
