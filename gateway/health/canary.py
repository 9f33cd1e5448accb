"""Proving, every ten seconds, that the way of an alarm is open: frame, commit, stream.

The watchdog is fed while the loop turns and the writers live: it kills only what a restart cures. A hung
fsync, a full disk or a deaf radio is told, not killed. The heartbeat to the outside is stricter: it is
sent only while the whole way is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.health.notify import notify
from gateway.model.trouble import TellTrouble, Trouble

log = logging.getLogger(__name__)

EVERY_S = 10.0
LATE_S = 10.0  # a canary that has not come through by then is told
PROVED_FOR_S = 30.0  # how long one that came through proves the way: two may be late, three not


@dataclass(slots=True)
class Canary:
    """`through` carries one canary along the way and returns at its end; `alive` asks after the writers."""

    through: Callable[[], Awaitable[None]]
    alive: Callable[[], bool]
    tell: TellTrouble
    last_ms: float | None = None
    """How long the last one took; None: none came through yet, or the last did not."""
    _came_s: float | None = None

    @property
    def proved(self) -> bool:
        """Whether the way of an alarm is open, as far as anybody knows.

        Not because nobody looks: where this room itself hangs or has stopped, that ends it too.
        """
        if self.last_ms is None or self._came_s is None or not self.alive():
            return False
        return asyncio.get_running_loop().time() - self._came_s <= PROVED_FOR_S

    async def run(self) -> None:
        """Send canaries for ever. Ends by cancellation only."""
        loop = asyncio.get_running_loop()
        told = False
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(LATE_S):
                    await self.through()
            # Whatever it met, the way is not open: that is told, and the watchdog fed all the same. A canary
            # that let it out would starve the watchdog, and lose to a restart what only memory has.
            except Exception as failed:  # noqa: BLE001
                self.last_ms = None
                log.warning("the canary did not come through: %r", failed)
                if not told:
                    told = True
                    self.tell(
                        Trouble(
                            kind="journal.slow",
                            subject="journal",
                            present=True,
                            calls_unheard=True,
                            detail="a test record was not kept within 10 s: the disk hangs or is full.",
                        )
                    )
            else:
                self._came_s = loop.time()
                self.last_ms = (self._came_s - began) * 1000
                if told:
                    told = False
                    self.tell(Trouble(kind="journal.slow", subject="journal", present=False))
            if self.alive():
                notify("WATCHDOG=1")
            else:
                log.error("a writer of the journal has died; the watchdog is not fed")
            await asyncio.sleep(max(0.0, EVERY_S - (loop.time() - began)))
