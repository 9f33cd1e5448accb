"""What changed rules would have raised beside what those in force would have: counted, matched, listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from gateway.alerts.hours import is_open
from gateway.model.clock import NS, iso
from gateway.replay.trial import Ring, Trial
from gateway.settings.conditions import Schedule
from gateway.settings.models import Settings

DAY_S = 86_400.0
SAME_EVENT_NS = 1  # two rule books meet an event in the same moment


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that is judged: Unix nanoseconds."""

    since_ns: int
    until_ns: int

    @property
    def days(self) -> float:
        """How many days it is."""
        return max(self.until_ns - self.since_ns, 0) / NS / DAY_S


@dataclass(frozen=True, slots=True)
class Pair:
    """One alert, as the rules in force and as the changed ones would have raised it."""

    old: Ring | None
    new: Ring | None

    @property
    def either(self) -> Ring:
        """Give one of the two: for what they have in common."""
        ring = self.old or self.new
        assert ring is not None, "a pair has at least one side"
        return ring

    @property
    def verdict(self) -> str:
        """`both`, `old` or `new`."""
        return "both" if self.old and self.new else "old" if self.old else "new"

    def document(self) -> dict[str, Any]:
        """Give it as JSON."""
        ring = self.either
        return {
            "rule": ring.rule,
            "place": ring.place,
            "device": ring.device,
            "kind": (self.new or ring).kind,
            "priority": (self.new or ring).priority,
            "raised_by": self.verdict,
            "old": _times(self.old),
            "new": _times(self.new),
        }


def pairs(old: Iterable[Ring], new: Iterable[Ring], span: Span) -> list[Pair]:
    """Put together what is one alert under both: the same rule at the same place or device, overlapping."""
    waiting: dict[str, list[Ring]] = {}
    for ring in _within(old, span):
        waiting.setdefault(ring.key, []).append(ring)
    found: list[Pair] = []
    for ring in _within(new, span):
        others = waiting.get(ring.key, [])
        match = next((other for other in others if _overlap(other, ring, span)), None)
        if match is not None:
            others.remove(match)
        found.append(Pair(match, ring))
    found += [Pair(ring, None) for rings in waiting.values() for ring in rings]
    return sorted(found, key=lambda pair: (_rang_ns(pair.new or pair.either), pair.either.key))


def side(rule: str, trial: Trial, settings: Settings, span: Span) -> dict[str, Any]:
    """Count what one rule book would have raised by one rule."""
    zone = ZoneInfo(settings.site.zone)
    night = Schedule(start=settings.night[0], end=settings.night[1])
    every = [ring for ring in trial.rings if ring.rule == rule]
    rang = list(_within(every, span))
    silent = [each for each in every if each.rang is None and _between(each.began.wall_ns, span)]
    nightly = [each for each in rang if each.rang is not None and is_open(night, each.rang, zone)]
    lasted = [
        (each.ended.wall_ns - each.rang.wall_ns) / NS
        for each in rang
        if each.rang is not None and each.ended is not None
    ]
    days = span.days
    return {
        "count": len(rang),
        "places": dict(sorted(Counter(each.place or "home" for each in rang).items())),
        "night": len(nightly),
        "day": len(rang) - len(nightly),
        "per_night": round(len(nightly) / days, 2) if days >= 1 else None,
        "per_day": round((len(rang) - len(nightly)) / days, 2) if days >= 1 else None,
        "median_s": round(median(lasted), 1) if lasted else None,
        "longest_s": round(max(lasted), 1) if lasted else None,
        "not_ended": sum(each.lasting and each.ended is None for each in rang),
        "recorded_only": len(silent),
        "no_basis": {place: n for (name, place), n in sorted(trial.no_basis.items()) if name == rule},
        "failed": trial.failed[rule],
    }


def by_rule(
    old: Trial, new: Trial, settings: tuple[Settings, Settings], span: Span, matched: Sequence[Pair]
) -> list[dict[str, Any]]:
    """Give a row for each rule that either configuration has, in the order of the configuration."""
    before, after = (each.alerts.rules for each in settings)
    tally = Counter((pair.either.rule, pair.verdict) for pair in matched)
    return [
        {
            "rule": name,
            "changed": before.get(name) != after.get(name),
            "in_force": {"old": _on(before, name), "new": _on(after, name)},
            "old": side(name, old, settings[0], span),
            "new": side(name, new, settings[1], span),
            "both": tally[name, "both"],
            "only_old": tally[name, "old"],
            "only_new": tally[name, "new"],
        }
        for name in dict.fromkeys([*after, *before])
    ]


def _on(rules: Any, name: str) -> bool:
    return name in rules and bool(rules[name].enabled)


def _within(rings: Iterable[Ring], span: Span) -> Iterable[Ring]:
    return (ring for ring in rings if ring.rang is not None and _between(ring.rang.wall_ns, span))


def _between(wall_ns: int, span: Span) -> bool:
    return span.since_ns <= wall_ns < span.until_ns


def _overlap(one: Ring, other: Ring, span: Span) -> bool:
    if not (one.lasting and other.lasting):
        return abs(one.began.wall_ns - other.began.wall_ns) < SAME_EVENT_NS
    return one.began.wall_ns <= _end_ns(other, span) and other.began.wall_ns <= _end_ns(one, span)


def _end_ns(ring: Ring, span: Span) -> int:
    return span.until_ns if ring.ended is None else ring.ended.wall_ns


def _rang_ns(ring: Ring) -> int:
    return 0 if ring.rang is None else ring.rang.wall_ns


def _times(ring: Ring | None) -> dict[str, Any] | None:
    if ring is None or ring.rang is None:
        return None
    ended = ring.ended
    return {
        "rang": iso(ring.rang.wall_ns),
        "ended": None if ended is None else iso(ended.wall_ns),
        "seconds": None if ended is None else round((ended.wall_ns - ring.rang.wall_ns) / NS, 1),
        "clock": ring.rang.quality.value,
    }
