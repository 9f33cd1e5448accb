"""The whole work of `velgate alert rules test`: one document asks, another is the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.alerts.basis import BasisBook
from gateway.alerts.rules import Allows
from gateway.alerts.watched import DriverOf, watched
from gateway.driver import Driver
from gateway.health.clock import SystemClock
from gateway.intake.children import Children
from gateway.intake.host import DriverHost
from gateway.intake.loading import load
from gateway.intake.records import Basis as Keeps
from gateway.journal.offline import ALARMS, recorded_basis
from gateway.journal.offline_history import OfflineHistory
from gateway.model.alert import Concern
from gateway.model.clock import NS, Clock, ClockQuality, Instant, iso
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Kind, Record
from gateway.replay.captured import Facts, play
from gateway.replay.compare import Span, by_rule, pairs
from gateway.replay.layered import effective, layered, named, rule_origins
from gateway.replay.limits import Limits, history_limits, of_capture, of_rules
from gateway.replay.trial import Trial
from gateway.settings.loader import Loaded
from gateway.settings.models import Device, Settings

SCHEMA = "velgate/rules-test/1"
TELL_EVERY = 20_000  # records between two words of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be tried, on what."""

    config: Path
    state: Path
    file: Path
    capture: Path | None = None
    """A capture; else the journal's own history."""
    since_ns: int = 0
    until_ns: int | None = None
    """None: to the end of what there is."""
    lead_in_ns: int = 0
    """How long before `since_ns` devices are listened to, so that their states are known by then."""

    @classmethod
    def read(cls, document: dict[str, Any]) -> Job:
        """Read one as `document` wrote it."""
        capture = document["capture"]
        return cls(
            config=Path(document["config"]),
            state=Path(document["state"]),
            file=Path(document["file"]),
            capture=None if capture is None else Path(capture),
            since_ns=document["since_ns"],
            until_ns=document["until_ns"],
            lead_in_ns=document["lead_in_ns"],
        )

    def document(self) -> dict[str, Any]:
        """Write it as JSON."""
        return {
            "config": str(self.config),
            "state": str(self.state),
            "file": str(self.file),
            "capture": None if self.capture is None else str(self.capture),
            "since_ns": self.since_ns,
            "until_ns": self.until_ns,
            "lead_in_ns": self.lead_in_ns,
        }


@dataclass
class _Course:
    """Both rule books on the same way through the past."""

    old: Trial
    new: Trial
    limits: Limits
    tell: Callable[[int], None]
    first: Instant | None = None
    last: Instant | None = None
    taken: int = 0
    kinds: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))

    def take(self, record: Record) -> None:
        """Let both meet a record."""
        self.limits.note(record, self.last)
        self.first = self.first or record.at
        self.last = record.at
        self.old.take(record)
        self.new.take(record)
        self.kinds[record.kind] += 1
        self.taken += 1
        if self.taken % TELL_EVERY == 0:
            self.tell(self.taken)

    def end(self, until_ns: int) -> None:
        """Let what was to come due by then come due: as long as anything at all was heard, and no longer."""
        if self.last is None:
            return
        left = timedelta(microseconds=max(0, until_ns - self.last.wall_ns) / 1000)
        if self.last.quality is not ClockQuality.UNSYNCED and left <= self.limits.gap:
            self.old.advance(self.last.plus(left))
            self.new.advance(self.last.plus(left))


def run(
    job: Job, tell: Callable[[int], None] = lambda _taken: None, clock: Clock | None = None
) -> dict[str, Any]:
    """Do it; gives the answer as JSON. Raises Problem (exit 3 for a file of rules that is wrong)."""
    clock = clock or SystemClock()
    before, after = effective(job.config), layered(job.config, job.file)
    children = Children()
    drivers, findings = load(children)
    host = DriverHost(drivers, children=children, findings=findings, share_max=float("inf"))
    try:
        return _run(job, before, after, host, tell, clock)
    finally:
        host.close()


def _run(
    job: Job, before: Loaded, after: Loaded, host: DriverHost, tell: Callable[[int], None], clock: Clock
) -> dict[str, Any]:
    began = time.perf_counter()
    books = _bases(job, (before.settings, after.settings), clock)
    known = {name: loaded.driver for name, loaded in host.drivers.items()}
    limits = Limits(before.settings, job.since_ns)
    course = _Course(
        _trial(before.settings, known, books and books[0].allows),
        _trial(after.settings, known, books and books[1].allows),
        limits,
        tell,
    )
    now = clock.now()
    facts: Facts | None = None
    if job.capture is not None:
        facts = Facts()
        asyncio.run(play(job.capture, after.settings, host, _keeps(books, course), facts, course.take))
        span = _captured_span(job, course)
        course.end(span.until_ns)
        limits.items += of_capture(facts, books is not None)
    else:
        asked = Span(job.since_ns, min(job.until_ns or now.wall_ns, now.wall_ns))
        span = _through_history(job, course, asked, clock)
        course.end(span.until_ns)
    limits.items += [
        *limits.found(span),
        *of_rules(after.settings, (course.old, course.new), books is not None),
    ]
    matched = pairs(course.old.rings, course.new.rings, span)
    took = time.perf_counter() - began
    settings = before.settings, after.settings
    rows = by_rule(course.old, course.new, settings, span, matched)
    for row in rows:
        row["origin"] = {
            "old": rule_origins(before, row["rule"]),
            "new": [named(each, job.file) for each in rule_origins(after, row["rule"])],
        }
    return {
        "schema": SCHEMA,
        "file": str(job.file),
        "over": {
            "kind": "history" if job.capture is None else "capture",
            "capture": None if job.capture is None else str(job.capture),
            "asked_since": iso(job.since_ns) if job.since_ns else None,
            "since": iso(span.since_ns),
            "until": iso(span.until_ns),
            "zone": after.settings.site.zone,
            "days": round(span.days, 3),
            "lead_in_s": round(job.lead_in_ns / NS),
            "records": course.taken,
            **{f"{kind.value}s": number for kind, number in course.kinds.items()},
            "frames": None if facts is None else facts.frames,
        },
        "rules": rows,
        "alerts": [pair.document() for pair in matched],
        "limits": limits.items,
        "warnings": [
            f"{each.where}: expected {each.expected}, found {each.found}; {each.do}"
            for each in _news(before, after)
        ],
        "speed": {"seconds": round(took, 3), "records_per_s": round(course.taken / took) if took else None},
    }


def _through_history(job: Job, course: _Course, asked: Span, clock: Clock) -> Span:
    """Let both meet the journal's past; gives the part of what was asked that it holds."""
    history = OfflineHistory(job.state, clock)
    try:
        begins = history.extent().begins_ns
        span = asked if begins is None else Span(max(asked.since_ns, begins), asked.until_ns)
        for record in history.records(max(0, span.since_ns - job.lead_in_ns), span.until_ns):
            course.take(record)
        limits, rules = course.limits, course.old.book.personal()
        limits.items += history_limits(history, rules, limits.settings, asked)
        return span
    finally:
        history.close()


def _captured_span(job: Job, course: _Course) -> Span:
    if course.first is None or course.last is None:
        raise Problem(
            str(job.capture),
            expected="a frame of a device that the configuration knows",
            found="none",
            do="look at it with  velgate decode, and compare its addresses with  velgate device list",
            exit=Exit.NOT_FOUND,
        )
    since_ns = max(job.since_ns, course.first.wall_ns)
    return Span(since_ns, job.until_ns or course.last.wall_ns + NS)


def _trial(settings: Settings, drivers: dict[str, Driver], allows: Allows | None) -> Trial:
    def driver_of(_name: str, device: Device) -> Driver | None:
        return drivers.get(device.driver or "")

    of: DriverOf = driver_of
    return Trial(settings, watched(settings, of), allows or _everything)


def _everything(place: str, concern: Concern, now: Instant, *, rule: str | None = None) -> bool:
    del place, concern, now, rule
    return True


def _bases(job: Job, settings: tuple[Settings, Settings], clock: Clock) -> tuple[BasisBook, BasisBook] | None:
    """Read the legal bases as they are recorded today; None where there is no journal to read them from."""
    if job.capture is not None and not (job.state / ALARMS).is_file():
        return None
    rows = recorded_basis(job.state, clock)
    return BasisBook(settings[0], rows), BasisBook(settings[1], rows)


def _keeps(books: tuple[BasisBook, BasisBook] | None, course: _Course) -> Keeps:
    def keeps(place: str, concern: Concern) -> bool:
        if books is None:
            return True
        at = course.last or Instant(0, 0, "", ClockQuality.UNSYNCED)
        return books[1].keeps(place, concern, at)

    return keeps


def _news(before: Loaded, after: Loaded) -> Iterable[Any]:
    """Give the warnings that the file brings."""
    known = {(each.key, each.found) for each in before.warnings}
    return [each for each in after.warnings if (each.key, each.found) not in known]
