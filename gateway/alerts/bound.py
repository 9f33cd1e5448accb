"""A rule as it holds for one device at one place: what fits, under which key, in which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.alerts.verdicts import Occurrence
from gateway.alerts.watched import CALLS, Watched
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import Catalogue
from gateway.model.quantities import find
from gateway.model.readings import Kind, Record, Value
from gateway.settings.alerting import Case, Override, Rule, When
from gateway.settings.models import Settings

NO_OCCURRENCE = frozenset({"cancelled", "release"})
"""Words of an event that say that something ended; a rule may name them all the same."""

VITAL_NOTE = "a limit on a vital sign, under the intended use that the home has declared"
"""Marks such an alert, wherever it is told in full."""

RESTED = "cancelled"
"""A device's own word that it was a mistake."""


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
        when = self.when
        if when.state is not None:
            return value == when.state and isinstance(value, bool) is isinstance(when.state, bool)
        if isinstance(value, bool | str):
            return False
        slack = when.hysteresis if held else 0.0
        return (when.above is not None and value > when.above - slack) or (
            when.below is not None and value < when.below + slack
        )

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
    if rule.per == "place" and device is not None:
        device_key, alert_place = None, home
    else:
        device_key, alert_place = device, place
    known = settings.place.get(alert_place)
    kind = known.kind if known else "home"
    if not (
        rule.enabled
        and (not rule.places or {place, home} & set(rule.places))
        and not {place, home} & set(rule.except_places)
        and (not rule.devices or device is None or device in rule.devices)
        and (not rule.place_kinds or kind in rule.place_kinds)
    ):
        return None
    override = next((row for row in rule.override if _fits(row, device, {place, home})), None)
    if override is not None:
        if override.enabled is False:
            return None
        rule = overridden(rule, override)
    at = watched.get(device) if device else None
    return Bound(name, rule, device_key, alert_place, kind, at.calls if at else False)


def overridden(rule: Rule, override: Override) -> Rule:
    """Lay an override over a rule."""
    when = rule.when.model_copy(
        update={
            name: value
            for name in ("held", "missing", "above", "below")
            if (value := getattr(override, name)) is not None
        }
    )
    changed = {
        name: value
        for name in ("schedule", "priority", "policy")
        if (value := getattr(override, name)) is not None
    }
    return rule.model_copy(update={"when": when, **changed})


def home_of(settings: Settings, place: str) -> str:
    """Give the place that a bath lies within, or the place itself: it shares its home's rules and basis."""
    known = settings.place.get(place)
    return (known.within if known else None) or place


def cancels(record: Record) -> bool:
    """Tell whether a record is a device's own word that a call or a fall was a mistake."""
    return record.quantity in CALLS and record.value == RESTED


def _fits(override: Override, device: str | None, places: set[str]) -> bool:
    return (not override.devices or device in override.devices) and (
        not override.places or bool(places & set(override.places))
    )
