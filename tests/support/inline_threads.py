"""The journal's threads for tests in virtual time: their work runs on the event loop itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway.journal.threads import Worker

T = TypeVar("T")


class InlineThreads:
    """Runs each turn as a callback of the loop, so that virtual time and the order of things are the test's.

    `Journal.open(state, clock, tell, threads=InlineThreads())`.
    """

    def worker(self, name: str, turn: Callable[[], None]) -> Worker:
        """Make a worker without a thread."""
        return InlineWorker(turn)

    async def call(self, lane: str, work: Callable[[], T]) -> T:
        """Do the work at once."""
        return work()

    def close(self) -> None:
        """Nothing runs."""


class InlineWorker:
    """A worker whose turns are callbacks of the loop."""

    def __init__(self, turn: Callable[[], None]) -> None:
        """Keep the turn."""
        self._turn = turn
        self._due: asyncio.Handle | None = None
        self.alive = True

    def wake(self) -> None:
        """Have a turn run with the loop's next round."""
        if self._due is None and self.alive:
            self._due = asyncio.get_running_loop().call_soon(self._run)

    async def stop(self, timeout_s: float) -> bool:
        """Run what is due, then end."""
        if self._due is not None:
            self._due.cancel()
            self._run()
        self.alive = False
        return True

    def _run(self) -> None:
        self._due = None
        try:
            self._turn()
        except BaseException:
            self.alive = False
            raise
