"""Sending what follows a cursor, then moving the cursor; for ever.

One loop a lane. Readings, events and alerts have lanes of their own through each outlet, so that a
backlog of readings delays no alert. A crash between sending and moving the cursor sends a batch twice and
skips none; receivers drop repeats by id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, Protocol, TypeVar

from gateway.model.trouble import TellTrouble, Trouble
from gateway.outlets.outcome import OutletDown, Refused

log = logging.getLogger(__name__)

BATCH_MAX = 500  # rows a send; a larger one delays what stands behind it
SEND_TIMEOUT_S = 30.0  # a server that hangs longer counts as down
PAUSE_FIRST_S = 0.2
PAUSE_MAX_S = 60.0
ALERT_PAUSE_MAX_S = 5.0  # an alert is tried more often than a reading
BEHIND_AFTER_S = 60.0  # down for this long is a technical alert

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """What follows a cursor: rows with their `seq`, the `seq` to move to, and the newest there is."""

    rows: tuple[tuple[int, T], ...]
    end: int
    head: int


class Lane(Protocol[T]):
    """One stream of the journal with the cursor of one outlet."""

    @property
    def name(self) -> str:
        """Name the lane, e.g. `mqtt/readings`."""
        ...

    async def position(self) -> int:
        """Give the `seq` up to which everything is delivered."""
        ...

    async def after(self, seq: int, limit: int) -> Rows[T]:
        """Give what follows `seq`; waits while there is nothing."""
        ...

    async def advance(self, to: int, aside: Sequence[Refused]) -> None:
        """Move the cursor, and keep what was refused, with its reason."""
        ...

    def lag(self, seq: int) -> int:
        """Tell how many rows stand behind `seq`."""
        ...


Send = Callable[[Rows[T]], Awaitable[Sequence[Refused]]]


class Delivery(Generic[T]):
    """One lane at work. `state`, `lag` and `reason` tell how it is."""

    def __init__(
        self,
        lane: Lane[T],
        send: Send[T],
        *,
        tell: TellTrouble,
        random: Random,
        pause_max_s: float = PAUSE_MAX_S,
        batch_max: int = BATCH_MAX,
    ) -> None:
        """`send` gives what was refused for good, and raises OutletDown or TimeoutError for "not now"."""
        self._lane = lane
        self._send = send
        self._tell = tell
        self._random = random
        self._pause_max_s = pause_max_s
        self._batch_max = batch_max
        self._position = 0
        self._retry = asyncio.Event()
        self.up = False
        self.reason = ""

    @property
    def name(self) -> str:
        """The lane's name."""
        return self._lane.name

    @property
    def lag(self) -> int:
        """How many rows wait."""
        return self._lane.lag(self._position)

    def retry_now(self) -> None:
        """End the present pause: the server was seen again."""
        self._retry.set()

    async def run(self) -> None:
        """Deliver for ever. Ends by cancellation only, between two batches or inside one."""
        self._position = await self._lane.position()
        while True:
            rows = await self._lane.after(self._position, self._batch_max)
            refused = await self._until_taken(rows)
            if refused:
                log.warning("%s: %d rows were refused for good and set aside", self._lane.name, len(refused))
            await self._lane.advance(rows.end, refused)
            self._position = rows.end

    async def _until_taken(self, rows: Rows[T]) -> Sequence[Refused]:
        pause = PAUSE_FIRST_S
        loop = asyncio.get_running_loop()
        down_since: float | None = None
        told = False
        while True:
            self._retry.clear()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    refused = await self._send(rows)
            except (OutletDown, TimeoutError) as down:
                self.up = False
                wish = down.retry_after_s if isinstance(down, OutletDown) else None
                self.reason = str(down) or f"no answer within {SEND_TIMEOUT_S:.0f} s"
                down_since = down_since or loop.time()
                if not told and loop.time() - down_since >= BEHIND_AFTER_S:
                    told = True
                    self._tell(
                        Trouble(
                            kind="outlet.behind", subject=self._lane.name, present=True, detail=self.reason
                        )
                    )
                wait = max(pause * (0.5 + self._random.random()), wish or 0)
                await self._pause(wait, may_be_cut=wish is None)
                pause = min(pause * 2, self._pause_max_s)
            else:
                self.up, self.reason = True, ""
                if told:
                    self._tell(Trouble(kind="outlet.behind", subject=self._lane.name, present=False))
                return refused

    async def _pause(self, wait_s: float, *, may_be_cut: bool) -> None:
        if not may_be_cut:
            await asyncio.sleep(wait_s)
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._retry.wait()
        except TimeoutError:
            return
