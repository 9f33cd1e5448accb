"""The rule book: which conditions begin, last and end with what a device says. Pure: no I/O, no clock.

Rules are found by quantity, never by walking all of them, and bound once to each device and place. What a
rule must remember stands in a `Memory`; what must happen later is a timer that the engine keeps as a row.

A rule that fails is contained: its memory is put back, the others have judged, and the record can be judged
again for this rule alone (`only`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.alerts.bound import Bound, bind, cancels
from gateway.alerts.combined import go_on, look, on_record
from gateway.alerts.conditions import (
    SUBJECT,
    Tell,
    end,
    goes_on,
    held_long_enough,
    missed,
    on_event,
    on_level,
    on_missed,
    on_sight,
    waits_on,
)
from gateway.alerts.hours import is_open, opens
from gateway.alerts.inputs import Suppression
from gateway.alerts.maintenance import OWN, maintained_until
from gateway.alerts.memory import Memory
from gateway.alerts.verdicts import (
    Cancel,
    Failed,
    Judged,
    NoBasis,
    Occurrence,
    RuleTimerKind,
    Verdict,
)
from gateway.alerts.watched import Watched
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import OWN_RULES, shipped
from gateway.model.clock import Instant
from gateway.model.readings import Kind, Record
from gateway.settings.models import Settings
from gateway.settings.rules import Rule

_NEVER_HELD_BACK = frozenset({Concern.SELF, Concern.FALL})
_KINDS = {
    "event": (Kind.EVENT,),
    "state": (Kind.STATE,),
    "measurement": (Kind.MEASUREMENT,),
    "missing": tuple(Kind),
    "action": (),
}


class Allows(Protocol):
    """Tells whether the legal basis allows a rule at a place; `BasisBook.allows` does."""

    def __call__(self, place: str, concern: Concern, now: Instant, *, rule: str | None = None) -> bool:
        """Judge one rule at one place."""
        ...


@dataclass(slots=True)
class _Tally:
    verdicts: list[Verdict] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    def judged(self) -> Judged:
        return Judged(tuple(self.verdicts), tuple(self.failed))


class RuleBook:
    """The rules of one configuration. A new configuration makes a new book; the memory is handed on."""

    def __init__(self, settings: Settings, watched: Mapping[str, Watched], allows: Allows) -> None:
        """Index the rules. Limits on vital signs are left out unless `intended_use` is filled in."""
        self._settings = settings
        self._watched = watched
        self._allows = allows
        self._zone = ZoneInfo(settings.site.zone)
        self._words = shipped().overlaid(settings.wording)
        self._rules = {
            name: rule
            for name, rule in settings.alerts.rules.items()
            if rule.enabled and (settings.intended_use is not None or not rule.limits_vital_signs)
        }
        self._names: dict[tuple[str, Kind], list[str]] = {}
        for name, rule in self._rules.items():
            for watched_by in _watched_by(rule):
                self._names.setdefault(watched_by, []).append(name)
        self._bound: dict[tuple[str, str, str, Kind], tuple[Bound, ...]] = {}

    def judge(
        self, record: Record, now: Instant, memory: Memory, *, only: Collection[str] | None = None
    ) -> Judged:
        """Say what a record comes to. `only` judges again what some rules could not."""
        tally = _Tally()
        for bound in self._fitting(record):
            if only is None or bound.name in only:
                self._judge(bound, record, now, memory, tally)
        return tally.judged()

    def catch_up(self, latest: Iterable[Record], now: Instant, memory: Memory) -> Judged:
        """Judge the last states and measurements after a start, so that no edge is lost that was not kept.

        What was told before is in the memory and is not told again. Events are not judged here: those
        that were not judged are known to the journal. What came before the start is no sight of now.
        """
        tally = _Tally()
        for record in latest:
            for bound in self._fitting(record) if record.kind is not Kind.EVENT else ():
                if bound.when.combined or bound.when.watches != "missing":
                    self._judge(bound, record, now, memory, tally, fresh=False)
        return tally.judged()

    def started(self, now: Instant, memory: Memory) -> Judged:
        """Say what is to be set at start: go on waiting for what must not be missing.

        After an unsynced boot that starts anew, or each power cut would ring for each sensor.
        """
        tally = _Tally()
        for key in memory:
            found = None if key.startswith(OWN) else self._by_key(key)
            if found is None:
                continue
            bound, when = found[0], found[0].when
            if when.combined:
                tell = partial(self._tell, *found, now, memory)
                again = partial(go_on, bound, key, now, memory, self._zone, tell)
                self._contain(bound, key, memory, tally, again)
            elif when.missing is not None and memory[key].seen is not None:
                tally.verdicts += waits_on(key, when.missing, now, memory)
            else:
                tally.verdicts += goes_on(key, when.held, now, memory)
        return tally.judged()

    def due(self, subject: str, kind: RuleTimerKind, now: Instant, memory: Memory) -> Judged:
        """Say what a timer that is due comes to; to nothing if its condition is over or its rule is gone."""
        key, tally = subject.removeprefix(SUBJECT), _Tally()
        found = self._by_key(key)
        if found is None:
            tally.verdicts += end(key, memory)
            return tally.judged()
        bound, channel, test = found
        tell = partial(self._tell, bound, channel, test, now, memory)
        if kind == "look" and bound.when.combined:
            self._contain(bound, key, memory, tally, lambda: look(bound, key, now, memory, self._zone, tell))
        elif kind == "held":
            self._contain(bound, key, memory, tally, lambda: held_long_enough(key, memory, tell))
        else:
            self._contain(bound, key, memory, tally, lambda: missed(bound, key, now, memory, tell))
        return tally.judged()

    def prune(self, memory: Memory) -> Judged:
        """End the conditions of rules and devices that this configuration no longer has."""
        tally = _Tally()
        for key in memory:
            if key.startswith(OWN) or key.partition("/")[0] in OWN_RULES:
                continue
            slot = memory[key]
            left = frozenset(part for part in slot.holds if part.partition("/")[0] in self._settings.device)
            found = self._by_key(key)
            other = (
                found is not None and slot.combined is not None and slot.combined != found[0].when.combined
            )
            if found is None or other or (slot.holds and not left and not slot.sights):
                tally.verdicts += end(key, memory)
            else:
                memory.change(key, holds=left)
        return tally.judged()

    def suppression(
        self, rule: str, device: str | None, place: str | None, now: Instant, memory: Memory
    ) -> tuple[Suppression | None, Instant | None]:
        """Tell why an alert of a rule would be held back now, and until when; None: it would not."""
        known = self._rules.get(rule)
        bound = None
        if known is not None and place is not None:
            bound = bind(self._settings, self._watched, rule, known, device=device, place=place)
        return self._held_back(bound, device, now, memory)

    def assist(self, place: str | None, *, test: bool = False) -> Occurrence:
        """Raise `assist` at a place: a colleague there needs help. It goes out whatever the rules say."""
        rules = ((name, rule) for name, rule in self._rules.items() if rule.when.action == "assist")
        name, rule = next(rules, ("assist", None))
        label = self._settings.label(place)
        do = (rule and rule.do) or self._words.what_to_do("assist") or {}
        return Occurrence(
            key="/".join([name, place or "home", *(["test"] if test else [])]),
            rule=name,
            kind="assist",
            concern=Concern.SELF,
            priority=Priority.EMERGENCY,
            policy=rule.policy if rule else Priority.EMERGENCY.value,
            device=None,
            place=place,
            label=label,
            title=self._words.title("assist", label, test=test),
            do=do,
            latching=True,
            test=test,
        )

    def personal(self) -> list[tuple[str, Rule]]:
        """Give the rules that need a legal basis, by name."""
        return [(name, rule) for name, rule in self._rules.items() if rule.concern.personal]

    def applies(self, rule: str, device: str, place: str) -> bool:
        """Tell whether a rule holds for a device at a place, were there a basis for it."""
        known = self._rules.get(rule)
        return known is not None and (
            bind(self._settings, self._watched, rule, known, device=device, place=place) is not None
        )

    def _fitting(self, record: Record) -> tuple[Bound, ...]:
        """Give the rules that a record concerns; bound once, for devices are few and records are many."""
        at = (record.device, record.place, record.quantity, record.kind)
        fitting = self._bound.get(at)
        if fitting is None:
            names = self._names.get((record.quantity, record.kind), ())
            rules = ((name, self._rules[name]) for name in names)
            bound = (
                bind(self._settings, self._watched, name, rule, device=record.device, place=record.place)
                for name, rule in rules
            )
            fitting = self._bound[at] = tuple(found for found in bound if found is not None)
        return fitting

    def _judge(
        self, bound: Bound, record: Record, now: Instant, memory: Memory, tally: _Tally, *, fresh: bool = True
    ) -> None:
        grave = bound.rule.concern in _NEVER_HELD_BACK
        maintained = grave and maintained_until(self._watched.get(record.device), now, memory) is not None
        test = record.test or maintained
        key = bound.key(record.channel, test=test)
        tell = partial(self._tell, bound, record.channel, test, now, memory)
        if bound.when.combined:
            work = partial(
                on_record, bound, key, record, now, memory, zone=self._zone, tell=tell, fresh=fresh
            )
        else:
            work = partial(_by_kind, bound, key, record, now, memory, tell)
        self._contain(bound, key, memory, tally, work)

    def _contain(
        self, bound: Bound, key: str, memory: Memory, tally: _Tally, work: Callable[[], list[Verdict]]
    ) -> None:
        before = memory[key]
        try:
            tally.verdicts += work()
        except Exception as error:  # noqa: BLE001  (containment: one rule must not silence the others)
            memory.put(key, before)
            tally.failed.append(Failed(bound.name, type(error).__name__, bound.grave))

    def _tell(
        self,
        bound: Bound,
        channel: int | None,
        test: bool,
        now: Instant,
        memory: Memory,
        word: str | None,
        reading: str | None,
    ) -> Occurrence | NoBasis:
        for concern in (bound.rule.concern, *bound.concerns):
            if not self._allows(bound.place, concern, now, rule=bound.name):
                return NoBasis(bound.name, bound.place, concern)
        label = self._settings.label(bound.place)
        given = bound.occurrence(self._words, label, word=word, channel=channel, test=test, reading=reading)
        if bound.rule.concern in _NEVER_HELD_BACK:
            return given
        reason, until = self._held_back(bound, bound.device, now, memory)
        return replace(given, suppressed=reason, suppressed_until=until)

    def _held_back(
        self, bound: Bound | None, device: str | None, now: Instant, memory: Memory
    ) -> tuple[Suppression | None, Instant | None]:
        until = maintained_until(self._watched.get(device or ""), now, memory)
        if until is not None:
            return "maintenance", until
        schedule = bound.rule.schedule if bound else None
        if schedule is not None and not is_open(schedule, now, self._zone):
            return "schedule", opens(schedule, now, self._zone)
        return None, None

    def _by_key(self, key: str) -> tuple[Bound, int | None, bool] | None:
        """Find what a key stands for: the rule as it holds there, the channel, whether it is a test."""
        name, _, rest = key.partition("/")
        about, *more = rest.split("/")
        test = more[-1:] == ["test"]
        channel = int(more[0]) if more and more[0].isdecimal() else None
        rule = self._rules.get(name)
        if rule is None:
            return None
        if rule.per == "place":
            found = about in self._settings.place and bind(
                self._settings, self._watched, name, rule, device=None, place=about
            )
        else:
            at = self._settings.device.get(about)
            found = at is not None and bind(
                self._settings, self._watched, name, rule, device=about, place=at.place
            )
        return (found, channel, test) if found else None


def _watched_by(rule: Rule) -> set[tuple[str, Kind]]:
    """Give the quantities and kinds of record that a rule is to be asked about."""
    when = rule.when
    found = {(quantity, kind) for quantity in when.quantity for kind in _KINDS[when.watches]}
    for also in when.also:
        kinds = (
            (Kind.MEASUREMENT,) if also.limit else (Kind.STATE,) if also.state is not None else tuple(Kind)
        )
        found |= {(quantity, kind) for quantity in also.quantity for kind in kinds}
    return found


def _by_kind(
    bound: Bound, key: str, record: Record, now: Instant, memory: Memory, tell: Tell
) -> list[Verdict]:
    match bound.when.watches:
        case "event":
            verdicts: list[Verdict] = (
                [Cancel(key, record.id)] if cancels(record) else on_event(bound, record, tell)
            )
            told = any(isinstance(each, Occurrence | NoBasis) for each in verdicts)
            return verdicts if told or not record.missed else [*on_missed(bound, record, tell), *verdicts]
        case "missing":
            return on_sight(bound, key, record, now, memory)
        case _:
            return on_level(bound, key, record, now, memory, tell)
