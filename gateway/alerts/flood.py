"""Too many alerts for those on duty, and conditions that chatter. Nothing is held back because of either.

A flood begins above so many new alerts for each person on duty in ten minutes (R2 of people.md: two) and ends
at half of that; the terms are those of ISA-18.2 (alarm flood, chattering alarm). A resident's own call and
an emergency are never one too many: they are not counted. Pure; `LoadWatch` feeds it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.model.alert import Alert, Concern, Condition, Handling, Priority
from gateway.model.catalogue import OWN_RULES
from gateway.model.clock import Instant, iso
from gateway.model.trouble import Trouble
from gateway.settings.load import Load

HOME = "home"
FLOOD, CHATTERING = "alarm.flood", "alarm.chattering"
CALM = 3
"""What chatters is calm after so many windows without coming."""
KEYS_MAX = 2000  # conditions that are followed; of more the one that changed longest ago gives way
RUNG_MAX = 2000  # alerts of one window that are counted: more is a flood in any home
_OURS = frozenset({"alarm-flood", "alarm-chattering"})


@dataclass(frozen=True, slots=True)
class Rung:
    """One new alert that counts."""

    at: Instant
    rule: str
    kind: str
    device: str | None
    place: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A flood as it stands."""

    since: Instant
    count: int
    persons: int
    window: timedelta
    most: Rung
    """The last of those that ring most."""
    of_rule: int
    of_device: int

    def document(self) -> dict[str, Any]:
        """Give it as the board gets it."""
        return {
            "since": iso(self.since.wall_ns),
            "count": self.count,
            "persons": self.persons,
            "window_s": round(self.window.total_seconds()),
            "rule": self.most.rule,
            "kind": self.most.kind,
            "rule_count": self.of_rule,
            "device": self.most.device,
            "place": self.most.place,
            "device_count": self.of_device,
        }


@dataclass(slots=True)
class _Followed:
    """One condition, by its key."""

    present: bool = False
    came: deque[Instant] = field(default_factory=deque)
    told: bool = False
    alert: Alert | None = None


class AlarmLoad:
    """Counts what rings. Belongs to the event loop."""

    def __init__(self, settings: Load) -> None:
        """Begin with nothing counted."""
        self.settings = settings
        self.flood: Flood | None = None
        self._rung: deque[Rung] = deque(maxlen=RUNG_MAX)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._followed: OrderedDict[str, _Followed] = OrderedDict()

    def note(self, alert: Alert, at: Instant) -> None:
        """Take a state of an alert, as it is committed at `at`."""
        if alert.test or alert.rule in _OURS or alert.concern is Concern.SELF:
            return
        self._follow(alert, at)
        if alert.handling is Handling.SUPPRESSED or not counts(alert) or alert.id in self._known:
            return
        self._known[alert.id] = None
        if len(self._known) > RUNG_MAX:
            self._known.popitem(last=False)
        self._rung.append(Rung(at, alert.rule, alert.kind, alert.device, alert.place))

    def look(self, now: Instant, persons: int) -> list[Trouble]:
        """Give what has begun or ended, with so many persons on duty; to be called every few seconds."""
        return [*self._look_at_flood(now, max(persons, 1)), *self._look_at_chatter(now)]

    def _look_at_flood(self, now: Instant, persons: int) -> Iterable[Trouble]:
        window, limit = self.settings.window, self.settings.per_person * persons
        while self._rung and now.since(self._rung[0].at) > window:
            self._rung.popleft()
        count, before = len(self._rung), self.flood
        if count > limit or (before is not None and count > limit // 2):
            self.flood = self._flooded(now, count, persons, before)
            if before is None:
                yield _told(self.flood, limit)
        elif before is not None:
            self.flood = None
            yield Trouble(kind=FLOOD, subject=HOME, present=False)

    def _flooded(self, now: Instant, count: int, persons: int, before: Flood | None) -> Flood:
        (rule, of_rule), *_ = Counter(rung.rule for rung in self._rung).most_common(1)
        (device, of_device), *_ = Counter(r.device for r in self._rung if r.rule == rule).most_common(1)
        most = next(rung for rung in reversed(self._rung) if (rung.rule, rung.device) == (rule, device))
        return Flood(
            since=before.since if before else now,
            count=count,
            persons=persons,
            window=self.settings.window,
            most=most,
            of_rule=of_rule,
            of_device=of_device,
        )

    def _follow(self, alert: Alert, at: Instant) -> None:
        if alert.latching:
            return  # an event comes and does not go: ten presses are ten calls
        one = self._followed.get(alert.key)
        if one is None:
            one = self._followed[alert.key] = _Followed()
            if len(self._followed) > KEYS_MAX:
                self._followed.popitem(last=False)
        self._followed.move_to_end(alert.key)
        present = alert.open and alert.condition is Condition.PRESENT
        if present and not one.present:
            one.came.append(at)
        one.present, one.alert = present, alert

    def _look_at_chatter(self, now: Instant) -> Iterable[Trouble]:
        window, often = self.settings.window, self.settings.chatter
        for key, one in self._followed.items():
            while one.came and now.since(one.came[0]) > window * CALM:
                one.came.popleft()
            if one.told:
                if not one.came:
                    one.told = False
                    yield Trouble(kind=CHATTERING, subject=key, present=False)
                continue
            lately = sum(now.since(at) <= window for at in one.came)
            if lately >= often and one.alert is not None:
                one.told = True
                yield _chatters(key, one.alert, lately, window)


def counts(alert: Alert) -> bool:
    """Tell whether an alert is one that could be too many.

    What a rule raises, but never an emergency; of the gateway's own, what stands among the calls.
    """
    if alert.priority is Priority.EMERGENCY or alert.concern is Concern.SELF or alert.test:
        return False
    return alert.rule not in OWN_RULES or alert.priority is Priority.HIGH


def _told(flood: Flood, limit: int) -> Trouble:
    most, minutes = flood.most, flood.window.total_seconds() / 60
    of = f"; {flood.of_device} of them by {most.device}" if most.device else ""
    detail = (
        f"{flood.count} new alerts in {minutes:g} min, more than {limit} for {flood.persons} on duty;"
        f" most by rule {most.rule}: {flood.of_rule}{of}. Nothing is held back."
    )
    # Where one device makes most of it, somebody must go there; else it is the home's.
    one = flood.of_device * 2 > flood.count
    place, device = (most.place, most.device) if one else (None, None)
    return Trouble(kind=FLOOD, subject=HOME, present=True, detail=detail, place=place, device=device)


def _chatters(key: str, alert: Alert, lately: int, window: timedelta) -> Trouble:
    detail = (
        f"rule {alert.rule} of {alert.device or alert.place or HOME} has come and gone {lately} times"
        f" in {window.total_seconds() / 60:g} min. Nothing is held back."
    )
    return Trouble(
        kind=CHATTERING, subject=key, present=True, detail=detail, device=alert.device, place=alert.place
    )
