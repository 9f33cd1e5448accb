"""What devices will do next, in order of time: one task for all of them, so that load stays cheap."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

GRAIN_S: Final = 0.005  # what falls due within it is done in one waking; no radio is more exact


@dataclass(order=True, slots=True)
class Entry:
    """One thing to do. `cancel` makes it nothing."""

    due_s: float
    order: int
    work: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Do nothing when it falls due."""
        self.work = None


class Agenda:
    """A list of things to do on the loop's clock. What they raise ends `run`."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._entries: list[Entry] = []
        self._order = itertools.count()
        self._earlier = asyncio.Event()

    def after(self, seconds: float, work: Callable[[], None]) -> Entry:
        """Do `work` in so many seconds."""
        entry = Entry(asyncio.get_running_loop().time() + seconds, next(self._order), work)
        heapq.heappush(self._entries, entry)
        if self._entries[0] is entry:
            self._earlier.set()
        return entry

    async def run(self) -> None:
        """Do each thing when it falls due; for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._earlier.clear()
            wait = max(self._entries[0].due_s - loop.time(), GRAIN_S) if self._entries else None
            try:
                async with asyncio.timeout(wait):
                    await self._earlier.wait()
            except TimeoutError:
                self._do_due(loop.time())

    def _do_due(self, now_s: float) -> None:
        while self._entries and self._entries[0].due_s <= now_s:
            entry = heapq.heappop(self._entries)
            if entry.work is not None:
                entry.work()
