"""The journal as outlets see it: three lanes, each with a cursor of its own.

Readings follow the cursor kept in the readings' file; events and alerts that kept in the alarms' file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from gateway.journal.alarm_store import AlarmStore
from gateway.journal.alarm_writer import Commit
from gateway.journal.ledger import Ledger
from gateway.journal.reading_store import ReadingStore
from gateway.model.alert import Alert
from gateway.model.clock import Clock
from gateway.model.readings import Record
from gateway.model.rows import SetAside
from gateway.outlets.deliver import Rows
from gateway.outlets.outcome import Refused

T = TypeVar("T")


class ReadingLane:
    """Measurements and states."""

    def __init__(self, outlet: str, readings: ReadingStore, clock: Clock) -> None:
        """The lane is called `{outlet}/readings`."""
        self._readings = readings
        self._clock = clock
        self.name = f"{outlet}/readings"

    async def position(self) -> int:
        """Give the `seq` up to which everything is delivered."""
        return await self._readings.cursor(self.name)

    async def after(self, seq: int, limit: int) -> Rows[Record]:
        """Give what follows; waits while there is nothing."""
        batch = await self._readings.after(seq, limit)
        return Rows(batch.rows, batch.end, batch.head)

    async def advance(self, to: int, aside: Sequence[Refused]) -> None:
        """Move the cursor and set aside what was refused."""
        await self._readings.advance(self.name, to, set_asides(self.name, aside, self._clock))

    def lag(self, seq: int) -> int:
        """Tell how many rows wait."""
        return max(0, self._readings.head - seq)


class AlarmLane(Generic[T]):
    """Events, or the states of alerts, in the order they were committed."""

    def __init__(
        self,
        name: str,
        alarms: AlarmStore,
        readings: ReadingStore,
        clock: Clock,
        *,
        read: Callable[[Ledger, int, int], list[tuple[int, T]]],
        head: Callable[[], int],
    ) -> None:
        """`read` gives what follows a `seq`, `head` the newest `seq`."""
        self.name = name
        self._alarms = alarms
        self._readings = readings
        self._clock = clock
        self._read = read
        self._head = head

    async def position(self) -> int:
        """Give the `seq` up to which everything is delivered."""
        return self._alarms.cursor(self.name)

    async def after(self, seq: int, limit: int) -> Rows[T]:
        """Give what follows; waits while there is nothing."""
        async with self._news() as news:
            while True:
                news.clear()
                rows = await self._alarms.read(lambda ledger: self._read(ledger, seq, limit))
                if rows:
                    return Rows(tuple(rows), rows[-1][0], max(self._head(), rows[-1][0]))
                await news.wait()

    @asynccontextmanager
    async def _news(self) -> AsyncIterator[asyncio.Event]:
        news = asyncio.Event()

        def committed(_: Commit) -> None:
            news.set()

        unsubscribe = self._alarms.on_commit(committed)
        try:
            yield news
        finally:
            unsubscribe()

    async def advance(self, to: int, aside: Sequence[Refused]) -> None:
        """Move the cursor and set aside what was refused."""
        self._alarms.advance(self.name, to)
        if aside:
            self._readings.set_aside(set_asides(self.name, aside, self._clock))

    def lag(self, seq: int) -> int:
        """Tell how many rows wait."""
        return max(0, self._head() - seq)


def event_lane(outlet: str, alarms: AlarmStore, readings: ReadingStore, clock: Clock) -> AlarmLane[Record]:
    """Give the lane `{outlet}/events`."""
    return AlarmLane(
        f"{outlet}/events",
        alarms,
        readings,
        clock,
        read=lambda ledger, seq, limit: ledger.events_after(seq, limit),
        head=lambda: alarms.event_seq,
    )


def alert_lane(outlet: str, alarms: AlarmStore, readings: ReadingStore, clock: Clock) -> AlarmLane[Alert]:
    """Give the lane `{outlet}/alerts`."""
    return AlarmLane(
        f"{outlet}/alerts",
        alarms,
        readings,
        clock,
        read=lambda ledger, seq, limit: ledger.log_after(seq, limit),
        head=lambda: alarms.log_seq,
    )


def set_asides(lane: str, refused: Sequence[Refused], clock: Clock) -> list[SetAside]:
    """Make the rows that are kept of what a server refused for good."""
    now = clock.now()
    return [
        SetAside(
            outlet=lane,
            seq=each.seq,
            record=each.id,
            device=each.device,
            quantity=each.quantity,
            reason=each.reason,
            at=now,
        )
        for each in refused
    ]
