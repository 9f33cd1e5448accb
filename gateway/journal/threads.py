"""The threads of the journal, behind an interface, so that a simulation can run their work on its loop.

Threads here only wait: for a lock, for the disk. SQLite frees the interpreter while it does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Worker(Protocol):
    """Runs a `turn` after each `wake`, one at a time, away from the event loop."""

    def wake(self) -> None:
        """Have a turn run soon; any number of calls before it begins make one turn. Never blocks."""
        ...

    @property
    def alive(self) -> bool:
        """False once a turn has raised, or after `stop`."""
        ...

    async def stop(self, timeout_s: float) -> bool:
        """Run a last turn where one is due, then end. False where it did not end in time (the disk hangs)."""
        ...


class Threads(Protocol):
    """Where the journal's work runs."""

    def worker(self, name: str, turn: Callable[[], None]) -> Worker:
        """Start a worker of its own."""
        ...

    async def call(self, lane: str, work: Callable[[], T]) -> T:
        """Run one piece of work in a lane; the works of a lane run one after the other."""
        ...

    def close(self) -> None:
        """End the lanes; what runs there is not waited for."""
        ...


class RealThreads:
    """The threads of the running gateway."""

    def __init__(self) -> None:
        """Lanes start with their first work."""
        self._lanes: dict[str, ThreadPoolExecutor] = {}

    def worker(self, name: str, turn: Callable[[], None]) -> Worker:
        """Start a thread of its own for `turn`."""
        return ThreadWorker(name, turn)

    async def call(self, lane: str, work: Callable[[], T]) -> T:
        """Run one piece of work in the thread of a lane."""
        if lane not in self._lanes:
            self._lanes[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"journal-{lane}")
        return await asyncio.get_running_loop().run_in_executor(self._lanes[lane], work)

    def close(self) -> None:
        """End the lanes without waiting."""
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)
        self._lanes.clear()


class ThreadWorker:
    """A thread that sleeps until it is woken."""

    def __init__(self, name: str, turn: Callable[[], None]) -> None:
        """Start it."""
        self._turn = turn
        self._woken = threading.Condition()
        self._due = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have a turn run soon."""
        with self._woken:
            self._due = True
            self._woken.notify()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    async def stop(self, timeout_s: float) -> bool:
        """Let it finish and wait for its end."""
        with self._woken:
            self._stopping = True
            self._woken.notify()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._wait():
                self._turn()
        except Exception:  # its death is a state (`alive`) that the watchdog and the room judge
            log.exception("%s died", self._thread.name)

    def _wait(self) -> bool:
        with self._woken:
            while not (self._due or self._stopping):
                self._woken.wait()
            due, self._due = self._due, False
            return due
