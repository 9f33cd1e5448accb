"""Which rules ring most and which ring falsest, from the journal: figures, no limits, and no person (C9).

Counted are alerts that rules raised. A resident's own call is never one too many, so it is counted beside
them and not among them; so are the gateway's own about devices and itself. Tests count nowhere. Pure;
`velgate alert load` counts in a process of its own, for the staff page too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.model.alert import Alert, Concern, Outcome, Priority
from gateway.model.catalogue import OWN_RULES
from gateway.model.clock import NS, iso

NAMED = 5
"""Rules that are named in each list."""
FEW = 20
"""A share of fewer than this says nothing: "for få"."""
AT_MOST = {Priority.EMERGENCY: 0.05, Priority.HIGH: 0.15}
"""Shares of what rules raise that should not be exceeded (R2 of people.md)."""
BUSIEST = timedelta(minutes=10)
LOOK_BACK = timedelta(days=30)
"""The period where none is asked for."""
JUDGED = frozenset({Outcome.ASSISTED, Outcome.CHECKED, Outcome.FALSE_ALARM, Outcome.TECHNICAL, Outcome.OTHER})
"""Outcomes by which a person has said what it was. What ended by itself says nothing about truth."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of an alert while counting."""

    raised_ns: int
    rule: str
    device: str | None
    priority: Priority
    self_call: bool
    outcome: Outcome | None


@dataclass(slots=True)
class Tally:
    """Counts alerts; one that comes a second time, changed since, replaces its first."""

    since_ns: int
    until_ns: int
    seen: dict[str, Seen] = field(default_factory=dict)

    def add(self, alerts: Iterable[Alert]) -> None:
        """Count alerts."""
        for alert in alerts:
            if not alert.test and self.since_ns <= alert.raised.wall_ns <= self.until_ns:
                self.seen[alert.id] = Seen(
                    alert.raised.wall_ns,
                    alert.rule,
                    alert.device,
                    alert.priority,
                    alert.concern is Concern.SELF,
                    alert.outcome,
                )

    def document(self) -> dict[str, Any]:
        """Give the figures. Shares are null where there are too few."""
        every = list(self.seen.values())
        own = [seen for seen in every if seen.rule in OWN_RULES]
        calls = [seen for seen in every if seen.self_call]
        ruled = [seen for seen in every if seen.rule not in OWN_RULES and not seen.self_call]
        return {
            "schema": "velgate/load/1",
            "since": iso(self.since_ns),
            "until": iso(self.until_ns),
            "few": FEW,
            "calls": len(calls),
            "rules": {"count": len(ruled), "shares": [_of_priority(ruled, each) for each in Priority]},
            "most": _most(ruled),
            "falsest": _falsest(ruled),
            "own": [
                {"rule": rule, "count": count}
                for rule, count in _ranked(Counter(seen.rule for seen in own))[:NAMED]
            ],
            "busiest": busiest([seen.raised_ns for seen in ruled]),
        }


def _of_priority(ruled: Sequence[Seen], priority: Priority) -> dict[str, Any]:
    count = sum(seen.priority is priority for seen in ruled)
    return {
        "priority": priority.value,
        "count": count,
        "share": share(count, len(ruled)),
        "at_most": AT_MOST.get(priority),
    }


def _most(ruled: Sequence[Seen]) -> list[dict[str, Any]]:
    rows = []
    for rule, count in _ranked(Counter(seen.rule for seen in ruled))[:NAMED]:
        devices = Counter(seen.device for seen in ruled if seen.rule == rule and seen.device is not None)
        device, of_device = next(iter(_ranked(devices)), (None, 0))
        rows.append({"rule": rule, "count": count, "device": device, "device_count": of_device})
    return rows


def _falsest(ruled: Sequence[Seen]) -> list[dict[str, Any]]:
    """Rank by share where there are enough to tell, those first; the others by how many were false."""
    judged = Counter(seen.rule for seen in ruled if seen.outcome in JUDGED)
    false = Counter(seen.rule for seen in ruled if seen.outcome is Outcome.FALSE_ALARM)
    rows: list[dict[str, Any]] = [
        {
            "rule": rule,
            "judged": judged[rule],
            "false": false[rule],
            "share": share(false[rule], judged[rule]),
        }
        for rule in false
    ]
    rows.sort(key=lambda row: (row["share"] is None, -(row["share"] or 0), -row["false"], row["rule"]))
    return rows[:NAMED]


def share(count: int, of: int) -> float | None:
    """Give a share, to a thousandth; None of too few."""
    return round(count / of, 3) if of >= FEW else None


def busiest(raised_ns: Iterable[int]) -> dict[str, Any] | None:
    """Give the ten minutes in which most began; None where nothing did."""
    times, span_ns = sorted(raised_ns), round(BUSIEST.total_seconds() * NS)
    best, begins, first = 0, 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= span_ns:
            first += 1
        if last - first + 1 > best:
            best, begins = last - first + 1, times[first]
    return {"from": iso(begins), "to": iso(begins + span_ns), "count": best} if best else None


def _ranked(counter: Mapping[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
