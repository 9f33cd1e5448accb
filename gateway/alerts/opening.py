"""How a run of the alerts begins: what was open is read back, and what came due meanwhile happens once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from gateway.alerts.book import UNSENT, Book, Recorder
from gateway.alerts.desk import ALERT
from gateway.alerts.duty_book import Kept, read_kept
from gateway.alerts.memory import MEMO, Memory
from gateway.alerts.mirror import Mirror
from gateway.alerts.notices import wanted
from gateway.alerts.roster import Proof
from gateway.alerts.timers import carried_over
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Record
from gateway.model.rows import Basis, Notification, NotificationState, Timer

log = logging.getLogger(__name__)

T = TypeVar("T")

REACH = "reach/"
"""Memos of what the last trial of a person's reach has shown."""
UNJUDGED = "unjudged/"
"""Memos of which rules could not judge an event."""
ALERTS_A_READ = 10  # alerts whose notifications are read at once
UNJUDGED_MAX = 1000  # events that are judged again at once; the rest at the next turn


class ReadLedger(Book, Protocol):
    """What is read at the beginning, besides what a work reads."""

    def memos(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Give every memo whose key begins so."""
        ...

    def unjudged(self, limit: int) -> list[Record]:
        """Give the oldest events that no rule has judged."""
        ...


class ReadStore(Protocol):
    """The reading side of the journal's alarm file."""

    async def read(self, work: Callable[[Any], T]) -> T:
        """Run a work on the committed state."""
        ...


@dataclass(frozen=True)
class Opened:
    """What the journal has."""

    mirror: Mirror
    memory: Memory
    bases: Sequence[Basis]
    proofs: Mapping[str, Proof]
    kept: Kept
    """Overrides and imports of the roster."""


async def read_open(store: ReadStore) -> Opened:
    """Read what is open. In several reads, for none may last long; nobody writes alerts meanwhile."""
    mirror = await store.read(Mirror.load)
    alerts = [alert.id for alert in mirror.open_alerts()]
    for begin in range(0, len(alerts), ALERTS_A_READ):
        for row in await _rows_of(store, alerts[begin : begin + ALERTS_A_READ]):
            mirror.keep_row(row)
    memory = await store.read(lambda ledger: Memory.restored(ledger.memos(MEMO)))
    bases = await store.read(lambda ledger: ledger.basis())
    proofs = await store.read(lambda ledger: _each(ledger.memos(REACH), REACH, _proof))
    return Opened(mirror, memory, bases, proofs, await store.read(read_kept))


async def _rows_of(store: ReadStore, alerts: Sequence[str]) -> list[Notification]:
    """Read the notifications of some alerts; where that takes too long, those still to be sent."""

    def read(states: tuple[NotificationState, ...], ledger: Book) -> list[Notification]:
        return [row for alert in alerts for row in ledger.notifications(alert, states)]

    try:
        return await store.read(partial(read, ()))
    except TimeoutError:
        log.warning("the notifications of %d alerts are too many to be read", len(alerts))
        return await store.read(partial(read, UNSENT))


@dataclass(frozen=True)
class Resumed:
    """What has to change so that this run goes on where the last one ended."""

    timers: tuple[tuple[Timer, Timer | None], ...]
    """Timers of another boot, and as they run in this one (None: their owner sets them anew)."""
    dropped: tuple[Notification, ...]
    """Rows that nobody needs to be told any more."""
    repeated: tuple[Notification, ...]
    """Rows that may have gone out in the moment of the crash, by a channel that knows no key."""
    waiting: tuple[Notification, ...]
    """Rows to send."""

    def work(self, book: Recorder) -> None:
        """Keep it."""
        for before, after in self.timers:
            if before not in book.timers(before.subject):
                continue
            if after is None:
                book.cancel_timer(before.subject, before.kind)
            else:
                book.set_timer(after)
        for row in self.dropped:
            book.update_notification(row.id, state="dropped")
        for row in self.repeated:
            book.update_notification(row.id, repeated=True)


def resume(mirror: Mirror, now: Instant, knows_key: Callable[[str], bool]) -> Resumed:
    """Say how to go on, and let the mirror go on so at once."""
    moved = [(timer, carried_over(timer, now, _changed(mirror, timer))) for timer in mirror.due]
    timers = tuple((before, after) for before, after in moved if after is not before)
    rows = mirror.notifications(states=UNSENT)
    dropped = tuple(row for row in rows if not wanted(row, mirror.alert(row.alert)))
    waiting = [row for row in rows if row not in dropped]
    repeated = tuple(row for row in waiting if row.state == "sending" and not knows_key(row.channel))
    for before, after in timers:
        mirror.cancel_timer(before.subject, before.kind)
        if after is not None:
            mirror.set_timer(after)
    again = tuple(replace(row, next=now, repeated=row.repeated or row in repeated) for row in waiting)
    return Resumed(timers, dropped, repeated, again)


def _changed(mirror: Mirror, timer: Timer) -> Instant | None:
    """Give when the alert of a timer last changed; None for a timer of something else."""
    alert = mirror.alert(timer.subject.removeprefix(ALERT)) if timer.subject.startswith(ALERT) else None
    return alert.changed if alert is not None else None


def written_proof(proof: Proof) -> dict[str, Any]:
    """Write a proof of reach as a memo."""
    return {"reached": proof.reached, "at": _written(proof.at)}


def _proof(memo: Mapping[str, Any]) -> Proof:
    return Proof(bool(memo["reached"]), _instant(memo["at"]))


def _each(
    memos: Mapping[str, Mapping[str, Any]], prefix: str, read: Callable[[Mapping[str, Any]], T]
) -> dict[str, T]:
    found: dict[str, T] = {}
    for key, memo in memos.items():
        try:
            found[key.removeprefix(prefix)] = read(memo)
        except (KeyError, TypeError, ValueError):  # of another version: it counts as never said
            log.warning("the memo %s cannot be read", key)
    return found


def _written(at: Instant) -> list[Any]:
    return [at.wall_ns, at.mono_ns, at.boot, at.quality.value]


def _instant(row: Sequence[Any]) -> Instant:
    wall_ns, mono_ns, boot, quality = row
    return Instant(wall_ns, mono_ns, boot, ClockQuality(quality))
