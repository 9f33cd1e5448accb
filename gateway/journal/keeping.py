"""Retention: found by readers, removed by the writers in small bites, with pauses in between."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from gateway.journal.ages import TrustedTime, cutoff_ns
from gateway.journal.alarm_store import AlarmStore
from gateway.journal.errors import NotDurable
from gateway.journal.folder import StateFolder
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_retention import Young
from gateway.journal.reading_retention import Plan, bite, drop_asides, drop_hours, first_seq, plan, used_bytes
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_store import ReadingStore
from gateway.journal.reading_writer import ReadingWriter
from gateway.journal.troubles import Troubles
from gateway.model.alert import Concern
from gateway.model.clock import Clock
from gateway.model.quantities import named
from gateway.model.rows import Keeping

log = logging.getLogger(__name__)

T = TypeVar("T")

EVERY_S = 300.0
PAUSE_S = 0.020  # between two bites: whoever waits for the writer goes first
BITE_ROWS = 200
BITE_ALERTS = 10  # alerts with all that hangs on them
SEEN = "seen_ns"
PERSONAL = frozenset({Concern.PRESENCE, Concern.VITAL})
ALERT_LANE = "/alerts"  # how the names of lanes end whose cursor is a number of the alert log


def is_personal(quantity: str) -> bool:
    """Tell whether readings of a quantity are kept for the short time; one that is not known is."""
    rows = named(quantity)
    return not rows or any(row.concern in PERSONAL for row in rows)


class Retention:
    """Removes what is too old or too much. Ages need a synced clock, bounds by number and bytes do not."""

    def __init__(
        self,
        alarms: AlarmStore,
        readings: ReadingStore,
        folder: StateFolder,
        clock: Clock,
        troubles: Troubles,
        keeping: Keeping,
    ) -> None:
        """`keeping` may be replaced at any time."""
        self.keeping = keeping
        self._alarms = alarms
        self._readings = readings
        self._folder = folder
        self._clock = clock
        self._troubles = troubles
        self._time: TrustedTime | None = None

    async def run(self) -> None:
        """Make a pass every `EVERY_S`, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.once()
            except (NotDurable, TimeoutError, sqlite3.Error, OSError) as error:
                log.warning("retention goes on later: %s", error)

    async def once(self) -> None:
        """Remove everything that is to go now."""
        now_ns = await self._trusted_ns()
        young = partial(self._young, now_ns)
        keeping = self.keeping
        other, personal = young(keeping.other), young(keeping.personal)
        await self._alarm_bites(
            lambda ledger: ledger.old_events(other, personal, is_personal, BITE_ROWS), Ledger.drop_events
        )
        await self._alarm_bites(
            lambda ledger: ledger.old_alerts(young(keeping.alerts), BITE_ALERTS), Ledger.drop_alerts
        )
        passed = self._passed_by_all()
        await self._alarm_bites(lambda ledger: ledger.old_log(passed, BITE_ROWS), Ledger.drop_log)
        await self._audit_bites(young(keeping.audit))
        await self._reading_bites(other, personal)

    async def _trusted_ns(self) -> int | None:
        if self._time is None:
            self._time = TrustedTime(await self._alarms.read(lambda ledger: ledger.mark(SEEN)))
        time = self._time
        now_ns = time.judge(self._clock.now())
        await self._alarms.write(lambda ledger: ledger.put_mark(SEEN, time.seen_ns), sync=False)
        return now_ns

    def _young(self, now_ns: int | None, age: timedelta) -> Young | None:
        return None if now_ns is None else Young(cutoff_ns(now_ns, age), now_ns)

    async def _alarm_bites(
        self, find: Callable[[Ledger], Sequence[T]], drop: Callable[[Ledger, Sequence[T]], None]
    ) -> None:
        while found := await self._alarms.read(find):
            await self._alarms.write(partial(_drop, drop, found), sync=False)
            await asyncio.sleep(PAUSE_S)

    async def _audit_bites(self, young: Young | None) -> None:
        while through := await self._alarms.read(lambda ledger: ledger.old_audit(young)):
            await self._alarms.write(partial(_prune_audit, through), sync=False)
            await asyncio.sleep(PAUSE_S)

    async def _reading_bites(self, other: Young | None, personal: Young | None) -> None:
        used = await self._readings.read(lambda db, _: used_bytes(db))
        limit = min(self.keeping.readings_bytes, used + self._folder.free_bytes() - self._folder.spare_bytes)

        def find(db: sqlite3.Connection, numbers: Numbers) -> Plan:
            return plan(db, numbers, other=other, personal=personal, is_personal=is_personal, bytes_max=limit)

        planned = await self._readings.read(find)
        removed = -1
        while removed:
            removed = await self._readings.queue.chore(partial(_bite, planned))
            await asyncio.sleep(PAUSE_S)
        removed = -1
        while removed:
            removed = await self._readings.queue.chore(
                lambda writer: writer.work(partial(drop_asides, plan=planned))
            )
            await asyncio.sleep(PAUSE_S)
        for place in range(len(planned.hours)):
            await self._readings.queue.chore(partial(_drop_hours, planned, place))
            await asyncio.sleep(PAUSE_S)
        await self._tell_overtaken()

    async def _tell_overtaken(self) -> None:
        """Say which outlets will never get what was removed before they came to it."""
        first = await self._readings.read(lambda db, _: first_seq(db))
        for lane, seq in self._readings.cursors().items():
            if seq + 1 < first:
                lost = f"{first - 1 - seq} readings were removed before this outlet took them"
                self._troubles.begin("readings.dropped", lane, lost)
            else:
                self._troubles.end("readings.dropped", lane)

    def _passed_by_all(self) -> int:
        """Give up to which state of alerts every lane has come that was asked for since the start."""
        lanes = [seq for name, seq in self._alarms.cursors().items() if name.endswith(ALERT_LANE)]
        return min(lanes, default=self._alarms.log_seq)


def _drop(drop: Callable[[Ledger, Sequence[T]], None], found: Sequence[T], ledger: Ledger) -> None:
    drop(ledger, found)


def _bite(planned: Plan, writer: ReadingWriter) -> int:
    removed = writer.work(partial(bite, plan=planned))
    writer.rows -= max(removed, 0)
    return removed


def _drop_hours(planned: Plan, place: int, writer: ReadingWriter) -> None:
    writer.work(partial(drop_hours, plan=planned, place=place))


def _prune_audit(through: int, ledger: Ledger) -> int:
    return ledger.prune_audit(through, BITE_ROWS)
