"""A rule as it holds for one device at one place: what fits, under which key, in which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from gateway.alerts.verdicts import Occurrence
from gateway.alerts.watched import CALLS, Watched
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import Catalogue
from gateway.model.quantities import find, named
from gateway.model.readings import Kind, Record, Value
from gateway.settings.conditions import Condition, When
from gateway.settings.models import Settings
from gateway.settings.rules import OF_RULE, Case, Override, Rule

NO_OCCURRENCE = frozenset({"cancelled", "release"})
"""Words of an event that say that something ended; a rule may name them all the same."""

VITAL_NOTE = "a limit on a vital sign, under the intended use that the home has declared"
"""Marks such an alert, wherever it is told in full."""

RESTED = "cancelled"
"""A device's own word that it was a mistake."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of several conditions that must hold together."""

    tag: str
    """Tells it from the others, and from what it was before a rule was changed."""
    condition: Condition
    devices: tuple[str, ...]
    """Whose word counts; empty: every device's."""
    every: bool

    def concerns(self, record: Record) -> bool:
        """Tell whether a record says something of it."""
        condition = self.condition
        if record.quantity not in condition.quantity or (self.devices and record.device not in self.devices):
            return False
        if condition.limit:
            return record.kind is Kind.MEASUREMENT
        return condition.state is None or record.kind is Kind.STATE


@dataclass(frozen=True, slots=True)
class Bound:
    """One rule with the overrides that hold here."""

    name: str
    rule: Rule
    device: str | None
    """None where all devices of the place make one condition."""
    place: str
    place_kind: str
    calls: bool
    parts: tuple[Part, ...] = ()
    """Of a combination: what must hold together."""
    concerns: tuple[Concern, ...] = ()
    """Of a combination: what else it tells of; each needs its legal basis."""

    @property
    def when(self) -> When:
        """What it watches."""
        return self.rule.when

    @property
    def grave(self) -> bool:
        """Whether somebody's call hangs on this rule."""
        return self.rule.concern in (Concern.SELF, Concern.FALL) or Priority.EMERGENCY in self.rule.priorities

    def key(self, channel: int | None = None, *, test: bool = False) -> str:
        """Give the key of its alert."""
        parts = [self.name, self.device or self.place]
        if channel is not None and self.device:
            parts.append(str(channel))
        return "/".join([*parts, "test"] if test else parts)

    def word(self, record: Record) -> str | None:
        """Give the word of an event if it counts. A press word that nobody knows counts as `press`."""
        word = str(record.value)
        quantity = find(record.quantity, Kind.EVENT)
        known = quantity.words if quantity else ()
        named = (*self.when.event, *(word for case in self.rule.cases for word in case.event))
        if "press" in known and word not in known and word not in named:
            word = "press"
        if self.when.event:
            return word if word in self.when.event else None
        return None if word in NO_OCCURRENCE else word

    def holds(self, value: Value, *, held: bool) -> bool:
        """Tell whether a state or measurement fulfils the condition; `held`: whether it did before."""
        return fulfils(self.when, value, held=held)

    def case(self, word: str | None) -> Case | None:
        """Give the first finer case that fits."""
        return next(
            (
                case
                for case in self.rule.cases
                if (not case.event or word in case.event)
                and case.place_kind in (None, self.place_kind)
                and case.calls in (None, self.calls)
            ),
            None,
        )

    def occurrence(
        self,
        words: Catalogue,
        label: str,
        *,
        word: str | None = None,
        channel: int | None = None,
        test: bool = False,
        reading: str | None = None,
    ) -> Occurrence:
        """Say that the condition holds, in the words of the case that fits."""
        case = self.case(word)
        graver = case if case is not None else self.rule
        do = (case and case.do) or self.rule.do or words.what_to_do(graver.kind)
        assert do is not None, "a rule without what to do does not load"
        return Occurrence(
            key=self.key(channel, test=test),
            rule=self.name,
            kind=graver.kind,
            concern=self.rule.concern,
            priority=graver.priority,
            policy=graver.policy,
            device=self.device,
            place=self.place,
            channel=channel,
            label=label,
            title=words.title(
                graver.kind,
                label,
                test=test,
                device_label=self.device if self.rule.concern is Concern.TECHNICAL else None,
                held=self.when.held or None,
                missing=self.when.missing,
            ),
            do=do,
            latching=self.rule.latches,
            auto_resolve=self.rule.auto_resolve and graver.priority is not Priority.EMERGENCY,
            test=test,
            reading=reading,
            detail=VITAL_NOTE if self.rule.limits_vital_signs else "",
            extra={"word": word} if word else {},
        )


def bind(
    settings: Settings,
    watched: Mapping[str, Watched],
    name: str,
    rule: Rule,
    *,
    device: str | None,
    place: str,
) -> Bound | None:
    """Give a rule as it holds for a device at a place (`device` None: for the place); None if it does not."""
    home = home_of(settings, place)
    device_key, alert_place = (None, home) if rule.per == "place" else (device, place)
    several = bool(rule.when.also)  # each of its conditions names its own devices
    known = settings.place.get(alert_place)
    kind = known.kind if known else "home"
    if not (
        rule.enabled
        and (not rule.places or {place, home} & set(rule.places))
        and not {place, home} & set(rule.except_places)
        and (several or not rule.devices or device is None or device in rule.devices)
        and (not rule.place_kinds or kind in rule.place_kinds)
    ):
        return None
    profile = settings.device[device].profile if device in settings.device else None
    override = next((row for row in rule.override if _fits(row, device, profile, {place, home})), None)
    if override is not None:
        if override.enabled is False:
            return None
        rule = overridden(rule, override)
    at = watched.get(device) if device else None
    parts = _parts(rule) if rule.when.combined else ()
    return Bound(
        name, rule, device_key, alert_place, kind, at.calls if at else False, parts, _concerns(rule, parts)
    )


def overridden(rule: Rule, override: Override) -> Rule:
    """Lay an override over a rule."""
    changed = {name: value for name in OF_RULE if (value := getattr(override, name)) is not None}
    return rule.model_copy(update={"when": override.over(rule.when), **changed})


def fulfils(condition: Condition, value: Value, *, held: bool) -> bool:
    """Tell whether a value is the state, or beyond the limit; `held`: whether it was before."""
    if condition.state is not None:
        return value == condition.state and isinstance(value, bool) is isinstance(condition.state, bool)
    if isinstance(value, bool | str):
        return False
    slack = condition.hysteresis if held else 0.0
    return (condition.above is not None and value > condition.above - slack) or (
        condition.below is not None and value < condition.below + slack
    )


def _parts(rule: Rule) -> tuple[Part, ...]:
    when = rule.when
    first = () if when.watches == "event" else (_part(when, rule.devices, every=False),)
    return (*first, *(_part(each, each.devices, every=each.every) for each in when.also))


def _part(condition: Condition, devices: tuple[str, ...], *, every: bool) -> Part:
    """A part whose limit is changed is another one; one that only waits longer or shorter is the same."""
    said = condition.model_dump_json(include=set(Condition.model_fields) - {"missing", "hysteresis"})
    tag = f"{crc32(f'{said} {devices} {every} {condition.missing is not None}'.encode()):08x}"
    return Part(tag, condition, devices, every)


def _concerns(rule: Rule, parts: tuple[Part, ...]) -> tuple[Concern, ...]:
    rows = (row for part in parts for name in part.condition.quantity for row in named(name))
    return tuple({row.concern for row in rows if row.concern.personal and row.concern is not rule.concern})


def home_of(settings: Settings, place: str) -> str:
    """Give the place that a bath lies within, or the place itself: it shares its home's rules and basis."""
    known = settings.place.get(place)
    return (known.within if known else None) or place


def cancels(record: Record) -> bool:
    """Tell whether a record is a device's own word that a call or a fall was a mistake."""
    return record.quantity in CALLS and record.value == RESTED


def _fits(override: Override, device: str | None, profile: str | None, places: set[str]) -> bool:
    return (
        (not override.devices or device in override.devices)
        and (not override.profiles or profile in override.profiles)
        and (not override.places or bool(places & set(override.places)))
    )
