"""The journal's threads: each turn runs on the loop at one moment, and is heard of some moments later.

Between the two lies what the disk takes. A disk that hangs makes a turn begin late, or end late: then it is
written and nobody knows it yet, which is what a kill in the middle of an fsync looks like.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from gateway.journal.threads import Worker, settle
from sim.loop import VirtualLoop

T = TypeVar("T")
Calls = list[tuple[Callable[..., object], tuple[Any, ...]]]

log = logging.getLogger(__name__)


class SimThreads:
    """The threads of one life."""

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        """Begin with a disk that answers within milliseconds."""
        self._loop, self._random = loop, random
        self._lanes: dict[str, float] = {}
        self.slow_s = 0.004
        """How long a commit takes, about."""
        self.hang_until_s = 0.0

    def worker(self, name: str, turn: Callable[[], None]) -> Worker:
        """Make a worker."""
        return SimWorker(name, turn, self)

    async def call(self, lane: str, work: Callable[[], T]) -> T:
        """Run one piece of work; those of a lane run one after the other."""
        begin = max(self._loop.time(), self._lanes.get(lane, 0.0)) + self._random.uniform(0.0001, 0.001)
        self._lanes[lane] = begin
        done: asyncio.Future[T] = self._loop.create_future()

        def run() -> None:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001  (it is raised where the work was asked for)
                settle(done, None, error)
            else:
                settle(done, result, None)

        self._loop.call_at(begin, run)
        return await done

    def close(self) -> None:
        """Nothing runs."""

    def let_go(self) -> None:
        """Answer at once from now on: this life is over, and only its objects are left."""
        self.slow_s, self.hang_until_s = 0.0, 0.0

    def pause_s(self) -> tuple[float, float]:
        """Give how long a turn takes to begin, and then to be heard of."""
        now = self._loop.time()
        before, after = (self._random.uniform(0.0, 2.0) * self.slow_s for _ in range(2))
        hang = max(0.0, self.hang_until_s - now)
        if hang and self._random.random() < 0.5:
            return before + hang, after
        return before, after + hang

    def run(self, turn: Callable[[], None]) -> Calls:
        """Run a turn as a thread would; gives the calls it makes to the loop."""
        calls: Calls = []
        self._loop.from_thread = lambda call, args: calls.append((call, args))
        try:
            turn()
        finally:
            self._loop.from_thread = None
        return calls

    @property
    def loop(self) -> VirtualLoop:
        """The loop of the world."""
        return self._loop


class SimWorker:
    """A worker whose turns take virtual time."""

    def __init__(self, name: str, turn: Callable[[], None], threads: SimThreads) -> None:
        """Nothing is due."""
        self._name, self._turn, self._threads = name, turn, threads
        self._due = self._busy = False
        self._ended = asyncio.Event()
        self.alive = True

    def wake(self) -> None:
        """Have a turn run."""
        self._due = True
        self._begin()

    async def stop(self, timeout_s: float) -> bool:
        """Run what is due, then end; False where the disk hangs for longer."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._due or self._busy:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            return False
        self.alive = False
        return True

    def _begin(self) -> None:
        if self._busy or not self.alive or not self._due:
            return
        self._busy = True
        before, after = self._threads.pause_s()
        self._threads.loop.call_later(before, self._run, after)

    def _run(self, after_s: float) -> None:
        self._due = False
        calls: Calls = []
        try:
            calls = self._threads.run(self._turn)
        except Exception:
            log.exception("%s died", self._name)
            self.alive = False
        self._threads.loop.call_later(after_s, self._land, calls)

    def _land(self, calls: Calls) -> None:
        still_s = self._threads.hang_until_s - self._threads.loop.time()
        if still_s > 0:
            self._threads.loop.call_later(still_s, self._land, calls)
            return
        for call, args in calls:
            call(*args)
        self._busy = False
        self._ended.set()
        self._begin()
