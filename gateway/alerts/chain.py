"""The chain test: a test event through the real path, and the time of every hop.

What it raises is marked `test` everywhere, calls as its real counterpart would, and counts in no effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.alerts.book import Moved
from gateway.alerts.memory import Memory
from gateway.alerts.office import Office
from gateway.alerts.verdicts import Judged, NoBasis, Occurrence
from gateway.alerts.watched import Watched
from gateway.model.alert import Priority
from gateway.model.clock import Instant
from gateway.model.ids import NewId
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Kind, Record, Value
from gateway.model.rows import Notification
from gateway.settings.alerting import PAGE

TRIALS: tuple[tuple[str, Kind, Value], ...] = (
    ("help_call", Kind.EVENT, "press"),
    ("fall", Kind.EVENT, "detected"),
    ("button", Kind.EVENT, "press"),
    ("smoke", Kind.STATE, True),
    ("carbon_monoxide", Kind.STATE, True),
    ("gas", Kind.STATE, True),
    ("moisture", Kind.STATE, True),
    ("bed_occupancy", Kind.STATE, False),
    ("door", Kind.STATE, True),
    ("opening", Kind.STATE, True),
    ("tamper", Kind.STATE, True),
)
"""What a device may be made to say, the gravest first; the first that raises an alert is taken."""

QUIET_POLICY = "quiet-test"
"""The policy of a test that the gateway makes by itself: staff page only. It ships with base."""

HOPS_WITHIN_S = 10.0  # how long the channels of the first step may take; then the test has failed


class Rests(Problem):
    """The rules of a device rest for lack of a legal basis: it raises nothing, and is not to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTest:
    """A chain test that has run as far as the channels: the page says itself when it shows it.

    A hop is `{"hop": "heard"|"committed"|"sent"|"delivered", "channel": …, "ms": …}`, `ms` since it began.
    """

    alert: str
    begun: Instant
    hops: tuple[dict[str, Any], ...] = ()
    ok: bool = True

    def document(self) -> dict[str, Any]:
        """Give it as `alert test --json` prints it."""
        return {"alert": self.alert, "hops": list(self.hops), "ok": self.ok}


def test_record(office: Office, device: Watched, says: Collection[str], new_id: NewId) -> Record:
    """Make the record that a device would bring. Raises Problem where nothing it says raises an alert.

    It is `Rests` where only the legal basis is missing.
    """
    now, name = office.clock.now(), device.device
    for quantity, kind, value in TRIALS:
        if quantity not in says:
            continue
        record = Record(
            id=new_id(now.wall_ns),
            device=name,
            place=device.place,
            quantity=quantity,
            kind=kind,
            value=value,
            unit=None,
            channel=None,
            time_ns=now.wall_ns,
            at=now,
            driver=f"{device.driver or 'none'}/test",
            test=True,
        )
        judged = office.rules.book.judge(record, now, Memory())
        if any(isinstance(verdict, Occurrence) for verdict in judged.verdicts):
            return record
        if any(isinstance(verdict, NoBasis) for verdict in judged.verdicts):
            raise Rests(
                name,
                expected="a recorded legal basis for what it notices",
                found=f"none at {device.place}",
                do=f"record it: velgate basis add {device.place} CONCERN --kind … --until …",
                exit=Exit.REFUSED,
            )
    raise Problem(
        name,
        expected="a device of which a rule raises an alert at once",
        found=f"one that says {', '.join(sorted(says)) or 'nothing'}",
        do="try it by hand, or give it a profile that says what its signals mean",
        exit=Exit.REFUSED,
    )


def quieted(judged: Judged) -> Judged:
    """Have a test tell the staff page and MQTT only, without sound, and end when its condition does.

    It stands lower than a call would: it goes the same way, and wakes nobody.
    """
    return Judged(
        tuple(
            replace(
                verdict,
                priority=Priority.MEDIUM,
                policy=QUIET_POLICY,
                latching=False,
                auto_resolve=True,
                extra={**verdict.extra, "quiet": True},
            )
            if isinstance(verdict, Occurrence) and verdict.test
            else verdict
            for verdict in judged.verdicts
        ),
        judged.failed,
    )


async def test_chain(office: Office, coming: Awaitable[None], record: Record, begun: Instant) -> ChainTest:
    """Let a record come in, and follow what it raises. Raises what `coming` raises: NotDurable, mostly."""
    watch = _Watch(office, record, begun)
    office.watchers.append(watch.moved)
    try:
        await coming
        with suppress(TimeoutError):
            async with asyncio.timeout(HOPS_WITHIN_S):
                await watch.through.wait()
    finally:
        office.watchers.remove(watch.moved)
    return watch.result()


@dataclass
class _Watch:
    """Notes when the rows of the test's alert move on."""

    office: Office
    record: Record
    begun: Instant
    alert: str | None = None
    committed_ms: float | None = None
    rows: dict[str, Notification] = field(default_factory=dict)
    sent_ms: dict[str, float] = field(default_factory=dict)
    delivered_ms: dict[str, float] = field(default_factory=dict)
    through: asyncio.Event = field(default_factory=asyncio.Event)

    def moved(self, moved: Moved) -> None:
        ms = self._ms(self.office.clock.now())
        for _, alert in moved.alerts:
            if self.alert is None and self.record.id in alert.readings:
                self.alert, self.committed_ms = alert.id, ms
        for row in moved.rows:
            if row.alert != self.alert or row.about != "alert":
                continue
            self.rows[row.id] = row
            if row.state in ("sent", "delivered"):
                self.sent_ms.setdefault(row.channel, ms)
            if row.state == "delivered":
                self.delivered_ms.setdefault(row.channel, ms)
        if self.alert is not None and all(row.state in ("sent", "delivered") for row in self._first_step()):
            self.through.set()

    def result(self) -> ChainTest:
        sent = [{"hop": "sent", "channel": name, "ms": ms} for name, ms in self.sent_ms.items()]
        delivered = [
            {"hop": "delivered", "channel": name, "ms": ms}
            for name, ms in self.delivered_ms.items()
            if name != PAGE  # that it is shown, the page says
        ]
        hops: list[dict[str, Any]] = [
            {"hop": "heard", "channel": None, "ms": 0.0},
            {"hop": "committed", "channel": None, "ms": self.committed_ms},
            *sent,
            *delivered,
        ]
        return ChainTest(
            alert=self.alert or "",
            begun=self.begun,
            hops=tuple(hops if self.alert else hops[:1]),
            ok=self.alert is not None and self.through.is_set(),
        )

    def _first_step(self) -> Iterable[Notification]:
        return (row for row in self.rows.values() if row.step == 1)

    def _ms(self, now: Instant) -> float:
        return round(now.since(self.begun).total_seconds() * 1000, 3)
