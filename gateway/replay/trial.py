"""One rule book on past records, in virtual time: what it would have raised, when, and how long it lasted.

Timers run as they do in the gateway: what comes due between two records is judged at its own time, and a
restart of the machine in the history is a restart here. Pure; nobody is told, nothing is kept.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import cast

from gateway.alerts.memory import Memory
from gateway.alerts.rules import Allows, RuleBook
from gateway.alerts.timers import carried_over
from gateway.alerts.verdicts import Arm, Disarm, Gone, Judged, NoBasis, Occurrence, RuleTimerKind
from gateway.alerts.watched import Watched
from gateway.model.clock import Instant
from gateway.model.readings import Record
from gateway.model.rows import Timer
from gateway.settings.models import Settings

OPENS = "opens"
"""Our own kind of timer: an alert that was held back may ring."""


@dataclass(slots=True)
class Ring:
    """One alert that would have been raised, or would have been but for its schedule."""

    rule: str
    key: str
    kind: str
    priority: str
    place: str | None
    device: str | None
    began: Instant
    rang: Instant | None
    """When staff would have been told; None: never, it was over before its schedule opened."""
    ended: Instant | None = None
    """When its condition was gone; None: it lasts until a person deals with it, or lasted to the end."""
    lasting: bool = True
    """Whether it is a condition that lasts; an event happens and is over."""


class Trial:
    """A rule book on trial."""

    def __init__(self, settings: Settings, watched: Mapping[str, Watched], allows: Allows) -> None:
        """Nothing is known at the beginning. Maintenance of today holds nothing back in the past."""
        rested = {name: replace(each, maintenance_until_ns=None) for name, each in watched.items()}
        self.book = RuleBook(settings, rested, allows)
        self.rings: list[Ring] = []
        self.no_basis: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[str] = Counter()
        self._memory = Memory()
        self._now: Instant | None = None
        self._timers: dict[tuple[str, str], Timer] = {}
        self._heap: list[tuple[int, int, Timer]] = []
        self._serial = count()
        self._standing: dict[str, Ring] = {}

    def take(self, record: Record) -> None:
        """Let a record happen, after all that came due before it."""
        now = record.at
        self.advance(now)
        judged = self.book.judge(record, now, self._memory)
        if judged.verdicts or judged.failed:
            self._follow(judged, now)

    def advance(self, now: Instant) -> None:
        """Let time pass: what comes due is judged at its time."""
        before = self._now
        if before is not None and before.boot != now.boot:
            self._restart(now)
        self._now = now
        heap = self._heap
        while heap and heap[0][0] <= now.mono_ns:
            _, _, timer = heapq.heappop(heap)
            if self._timers.get((timer.subject, timer.kind)) is timer:
                del self._timers[timer.subject, timer.kind]
                late = now.mono_ns - timer.due.mono_ns
                at = replace(now, wall_ns=now.wall_ns - late, mono_ns=timer.due.mono_ns)
                self._due(timer, at)

    def _restart(self, now: Instant) -> None:
        timers, self._timers, self._heap = list(self._timers.values()), {}, []
        for timer in timers:
            carried = carried_over(timer, now)
            if carried is not None:
                self._set(carried)
        self._follow(self.book.started(now, self._memory), now)

    def _due(self, timer: Timer, at: Instant) -> None:
        if timer.kind != OPENS:
            kind = cast("RuleTimerKind", timer.kind)
            self._follow(self.book.due(timer.subject, kind, at, self._memory), at)
            return
        ring = self._standing.get(timer.subject)
        if ring is None or ring.rang is not None:
            return
        reason, until = self.book.suppression(ring.rule, ring.device, ring.place, at, self._memory)
        if reason is None:
            ring.rang = at
        elif until is not None:
            self._set(replace(timer, due=until))

    def _follow(self, judged: Judged, now: Instant) -> None:
        for failed in judged.failed:
            self.failed[failed.rule] += 1
        for verdict in judged.verdicts:
            match verdict:
                case Arm(subject, kind, due):
                    self._set(Timer(subject=subject, kind=kind, rev=0, due=due))
                case Disarm(subject, kind):
                    self._timers.pop((subject, kind), None)
                case Occurrence():
                    self._ring(verdict, now)
                case Gone(key):
                    ring = self._standing.pop(key, None)
                    if ring is not None:
                        ring.ended = now
                        self._timers.pop((key, OPENS), None)
                case NoBasis(rule, place, _):
                    self.no_basis[rule, place] += 1
                case _:
                    pass  # a device's own "cancelled" closes nothing

    def _ring(self, told: Occurrence, now: Instant) -> None:
        if told.test:
            return
        ring = Ring(
            rule=told.rule,
            key=told.key,
            kind=told.kind,
            priority=told.priority.value,
            place=told.place,
            device=told.device,
            began=now,
            rang=None if told.suppressed else now,
            lasting=not told.latching,
        )
        self.rings.append(ring)
        if not told.latching:
            self._standing[told.key] = ring
        if told.suppressed_until is not None:
            self._set(Timer(subject=told.key, kind=OPENS, rev=0, due=told.suppressed_until))

    def _set(self, timer: Timer) -> None:
        self._timers[timer.subject, timer.kind] = timer
        heapq.heappush(self._heap, (timer.due.mono_ns, next(self._serial), timer))
