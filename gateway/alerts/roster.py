"""Who is on duty, and whom a step of a policy therefore reaches.

Shifts are weekly and in local time: what counts is the clock on the wall, so a night shift is an hour longer
or shorter when summer time ends or begins. An unsynced clock suppresses nothing: a group is then all its
members. A roster is immutable; a reload, an override or a new proof of reach makes another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.alerting import EVERYONE, PAGE, split_target
from gateway.settings.duty import Group, Shift
from gateway.settings.models import Settings

PROOF_HOLDS = timedelta(hours=12)
"""How long a proof of reach counts (R9): a shift, as long as a session."""

Unreached: TypeAlias = Literal["duty.empty", "duty.unreached"]


@dataclass(frozen=True, slots=True)
class Address:
    """One way to one receiver: a person's page, a person's channel, a channel, or the page everybody sees."""

    target: str
    channel: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a step reaches."""

    addresses: tuple[Address, ...]
    """Everybody who is sent to, also those of whom nobody knows whether they can be reached."""
    waits: bool
    """Whether the step waits for its answer. False: nobody of it can answer, the next starts at once."""
    failed: tuple[tuple[str, Unreached], ...] = ()
    """Targets that have nobody, and why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the last trial of somebody's reach has shown (R9)."""

    reached: bool
    at: Instant


@dataclass(frozen=True, slots=True)
class Stand:
    """An override: these persons are the group's duty until then, whatever the shifts say."""

    persons: tuple[str, ...]
    until: Instant


@dataclass(frozen=True, slots=True)
class Duty:
    """A group's duty now."""

    group: str
    label: str
    persons: tuple[str, ...]
    since_ns: int | None
    """Unix time in nanoseconds at which the shift began; None where no shift says."""
    until_ns: int | None
    reached: int | None
    """How many are proved reachable; None where the home has not begun to prove it."""


@dataclass(frozen=True)
class Roster:
    """The duty of a home. Made anew whenever something of it changes; may be used in any thread."""

    settings: Settings
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    """By person. R9 is in force once there is one: from then on who is not proved does not count."""
    stands: Mapping[str, Stand] = field(default_factory=dict)
    """Overrides, by group."""
    centre_up: Callable[[str], bool] = lambda _name: False
    """Whether a duty centre is there; its answer comes by MQTT."""

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.settings.site.zone)

    def duty(self, name: str, now: Instant) -> Duty:
        """Tell who is on duty in a group. Raises KeyError for a group that is not configured."""
        group = self.settings.group[name]
        persons, since, until = self._on_duty(name, group, now)
        return Duty(
            name,
            group.label or name,
            persons,
            since,
            until,
            sum(self._proved(person, now) for person in persons) if self.proofs else None,
        )

    def reach(self, targets: Sequence[str], place: str | None, now: Instant) -> Reached:
        """Resolve the targets of a step for an alert at a place."""
        addresses: list[Address] = []
        failed: list[tuple[str, Unreached]] = []
        people = answering = False
        for target in targets:
            kind, name = split_target(target)
            if kind == PAGE:
                addresses.append(Address(target, PAGE))
            elif kind == "channel":
                addresses.append(Address(target, name))
            elif kind == "centre":
                people = True
                answering |= self.centre_up(name)
                if not self.centre_up(name):
                    failed.append((target, "duty.unreached"))
            else:
                people = True
                persons = self._persons(kind, name, place, now)
                addresses += self._to(target, persons)
                if not persons:
                    failed.append((target, "duty.empty"))
                elif not self._somebody(persons, now):
                    failed.append((target, "duty.unreached"))
                else:
                    answering = True
        return Reached(_each_once(addresses), answering if people else bool(addresses), tuple(failed))

    def everyone(self) -> tuple[Address, ...]:
        """Give every way to everybody of the home, for where no step has anybody."""
        everybody = self._to(EVERYONE, tuple(self.settings.person))
        return _each_once([Address(EVERYONE, PAGE), *everybody])

    def _persons(self, kind: str, name: str, place: str | None, now: Instant) -> tuple[str, ...]:
        known = self.settings.person
        match kind:
            case "everyone":
                return tuple(known)
            case "person":
                return tuple(person for person in known if person.casefold() == name.casefold())
            case "right":
                return tuple(person for person, each in known.items() if name in each.rights)
            case "group":
                group = self.settings.group.get(name)
                return self._on_duty(name, group, now)[0] if group else ()
            case "duty":
                groups = self._groups_for(place)
                if not self.settings.group:
                    return tuple(known)
                on_duty = (self._on_duty(each, group, now)[0] for each, group in groups)
                return tuple(dict.fromkeys(person for persons in on_duty for person in persons))
            case _:
                return ()

    def _groups_for(self, place: str | None) -> list[tuple[str, Group]]:
        """Give the groups that answer for a place; a bath belongs to its home."""
        within = self.settings.place[place].within if place in self.settings.place else None
        every = list(self.settings.group.items())
        own = [(name, each) for name, each in every if {place, within} & set(each.places)]
        return own or [(name, each) for name, each in every if not each.places]

    def _on_duty(
        self, name: str, group: Group, now: Instant
    ) -> tuple[tuple[str, ...], int | None, int | None]:
        """Give the persons, and the begin and end of their shift in Unix nanoseconds."""
        always = [person for person in group.persons if not group.shifts]
        if now.quality is ClockQuality.UNSYNCED:
            members = [*group.persons, *(person for shift in group.shifts for person in shift.persons)]
            return self._known(members), None, None
        stand = self.stands.get(name)
        if stand is not None and stand.until.since(now) > timedelta(0):
            return self._known(stand.persons), None, stand.until.wall_ns
        now_on = [(shift, span) for shift in group.shifts if (span := _span(shift, now, self.zone))]
        persons = self._known([*always, *(person for shift, _ in now_on for person in shift.persons)])
        since = min((span[0] for _, span in now_on), default=None)
        until = min((span[1] for _, span in now_on), default=None)
        return persons, since, until

    def _known(self, persons: Iterable[str]) -> tuple[str, ...]:
        """Keep who is configured, each once, in the spelling of the configuration."""
        spelling = {person.casefold(): person for person in self.settings.person}
        found = (spelling.get(person.casefold()) for person in persons)
        return tuple(dict.fromkeys(person for person in found if person is not None))

    def _to(self, target: str, persons: Sequence[str]) -> list[Address]:
        """Give each person's page and channels."""
        return [
            Address(target, channel, person)
            for person in persons
            for channel in (PAGE, *(each for each in self.settings.person[person].channels if each != PAGE))
        ]

    def _somebody(self, persons: Sequence[str], now: Instant) -> bool:
        return not self.proofs or any(self._proved(person, now) for person in persons)

    def _proved(self, person: str, now: Instant) -> bool:
        proof = self.proofs.get(person)
        if proof is None or not proof.reached:
            return False
        return timedelta(0) <= now.since(proof.at) <= PROOF_HOLDS


def _span(shift: Shift, now: Instant, zone: ZoneInfo) -> tuple[int, int] | None:
    """Give begin and end of the shift that is on now, in Unix nanoseconds; None where it is off."""
    local = datetime.fromtimestamp(now.wall_ns / NS, zone).replace(tzinfo=None)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        if day.isoweekday() not in shift.weekdays:
            continue
        begin = datetime.combine(day, shift.start)
        end = datetime.combine(day, shift.end)
        if shift.end <= shift.start:
            end += timedelta(days=1)
        if begin <= local < end:
            return _ns(begin, zone), _ns(end, zone)
    return None


def _ns(local: datetime, zone: ZoneInfo) -> int:
    return round(local.replace(tzinfo=zone).astimezone(UTC).timestamp()) * NS


def _each_once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Keep the first of the addresses that lead the same way to the same receiver."""
    ways: dict[tuple[str, str | None], Address] = {}
    for address in addresses:
        ways.setdefault((address.channel, address.person), address)
    return tuple(ways.values())
