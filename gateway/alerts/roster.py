"""Who is on duty, and whom a step of a policy therefore reaches.

`gateway.alerts.shifts` knows who is on duty by which rule. An unsynced clock suppresses nothing: a group is
then all its members. A roster is immutable; a reload, an override, an import or a new proof of reach makes
another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from gateway.alerts.shifts import ByRule, Import, Override, Spell, Table
from gateway.model.clock import ClockQuality, Instant
from gateway.settings.alerting import EVERYONE, PAGE, split_target
from gateway.settings.duty import Group
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
    spells: tuple[Spell, ...] = ()
    """Who it is by which rule."""


@dataclass(frozen=True)
class Roster:
    """The duty of a home. Made anew whenever something of it changes; may be used in any thread."""

    settings: Settings
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    """By person. R9 is in force once there is one: from then on who is not proved does not count."""
    overrides: Sequence[Override] = ()
    """Somebody else for a while, in the order in which it was said."""
    imports: Sequence[Import] = ()
    """What calendars say, by source."""
    centre_up: Callable[[str], bool] = lambda _name: False
    """Whether a duty centre is there; its answer comes by MQTT."""
    phones: Callable[[str], tuple[str, ...]] = lambda _person: ()
    """The channels by which somebody's own phones take pushes: none where no phone does."""

    @cached_property
    def table(self) -> Table:
        """Who is on duty by which rule, at any time."""
        return Table(self.settings, self.overrides, self.imports)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.table.zone

    def duty(self, name: str, now: Instant) -> Duty:
        """Tell who is on duty in a group. Raises KeyError for a group that is not configured."""
        group = self.settings.group[name]
        spells = self._on_duty(name, now)
        persons = tuple(spell.person for spell in spells)
        return Duty(
            name,
            group.label or name,
            persons,
            min((spell.since_ns for spell in spells if spell.since_ns is not None), default=None),
            min((spell.until_ns for spell in spells if spell.until_ns is not None), default=None),
            sum(self.proved(person, now) for person in persons) if self.proofs else None,
            tuple(spells),
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
                return self._group(name, now) if name in self.settings.group else ()
            case "duty":
                groups = self._groups_for(place)
                if not self.settings.group:
                    return tuple(known)
                on_duty = (self._group(each, now) for each, _ in groups)
                return tuple(dict.fromkeys(person for persons in on_duty for person in persons))
            case _:
                return ()

    def _groups_for(self, place: str | None) -> list[tuple[str, Group]]:
        """Give the groups that answer for a place; a bath belongs to its home."""
        within = self.settings.place[place].within if place in self.settings.place else None
        every = list(self.settings.group.items())
        own = [(name, each) for name, each in every if {place, within} & set(each.places)]
        return own or [(name, each) for name, each in every if not each.places]

    def _group(self, name: str, now: Instant) -> tuple[str, ...]:
        return tuple(spell.person for spell in self._on_duty(name, now))

    def _on_duty(self, name: str, now: Instant) -> list[Spell]:
        if now.quality is ClockQuality.UNSYNCED:
            return [Spell(person, ByRule.UNSYNCED) for person in self.table.members(name)]
        return self.table.on_duty(name, now.wall_ns)

    def _to(self, target: str, persons: Sequence[str]) -> list[Address]:
        """Give each person's page and channels."""
        return [
            Address(target, channel, person)
            for person in persons
            for channel in (PAGE, *self._channels_of(person))
        ]

    def _channels_of(self, person: str) -> tuple[str, ...]:
        """Give the channels of the configuration, and pushes only where there is a phone that takes them."""
        known = self.settings.channel
        own = (name for name in self.settings.person[person].channels if name != PAGE)
        told = (name for name in own if name not in known or known[name].kind != "web_push")
        return (*told, *self.phones(person))

    def _somebody(self, persons: Sequence[str], now: Instant) -> bool:
        return not self.proofs or any(self.proved(person, now) for person in persons)

    def proved(self, person: str, now: Instant) -> bool:
        """Tell whether somebody is proved reachable."""
        proof = self.proofs.get(person)
        if proof is None or not proof.reached:
            return False
        return timedelta(0) <= now.since(proof.at) <= PROOF_HOLDS


def _each_once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Keep the first of the addresses that lead the same way to the same receiver."""
    ways: dict[tuple[str, str | None], Address] = {}
    for address in addresses:
        ways.setdefault((address.channel, address.person), address)
    return tuple(ways.values())
