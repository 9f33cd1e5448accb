"""The threads of the journal, behind an interface, so that a simulation can run their work on its loop.

Threads here only wait: for a lock, for the disk. SQLite frees the interpreter while it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

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
    """The threads of the running gateway. All are daemons: a disk that hangs for ever holds up no exit."""

    def __init__(self) -> None:
        """Lanes start with their first work."""
        self._lanes: dict[str, _Lane] = {}

    def worker(self, name: str, turn: Callable[[], None]) -> Worker:
        """Start a thread of its own for `turn`."""
        return ThreadWorker(name, turn)

    async def call(self, lane: str, work: Callable[[], T]) -> T:
        """Run one piece of work in the thread of a lane. Cancelling the wait does not stop the work."""
        if lane not in self._lanes:
            self._lanes[lane] = _Lane(f"journal-{lane}")
        return await self._lanes[lane].call(work)

    def close(self) -> None:
        """End the lanes without waiting."""
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()


class _Lane:
    """Works one after the other in a thread. As many wait as there are tasks that await them."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001  (it is raised where the work was asked for)
                answer = partial(settle, done, None, error)
            else:
                answer = partial(settle, done, result, None)
            if not loop.is_closed():
                loop.call_soon_threadsafe(answer)

        self._waiting.put(run)
        return await done

    def close(self) -> None:
        self._waiting.put(None)

    def _run(self) -> None:
        while (run := self._waiting.get()) is not None:
            run()


def settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    """Let who waits go on, unless nobody does any more. On the loop."""
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


class ThreadWorker:
    """A thread that sleeps until it is woken."""

    def __init__(self, name: str, turn: Callable[[], None]) -> None:
        """Start it."""
        self._turn = turn
        self._woken = threading.Condition()
        self._due = False
        self._stopping = False
        self._ended = False
        self._at_end: Callable[[], object] | None = None
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
        return not self._ended

    async def stop(self, timeout_s: float) -> bool:
        """Let it finish and wait for its end."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        with self._woken:
            if self._ended:
                return True
            self._at_end = partial(loop.call_soon_threadsafe, ended.set)
            self._stopping = True
            self._woken.notify()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await ended.wait()
        return self._ended

    def _run(self) -> None:
        try:
            while self._wait():
                self._turn()
        except Exception:  # its death is a state (`alive`) that the watchdog and the room judge
            log.exception("%s died", self._thread.name)
        finally:
            with self._woken:
                self._ended = True
                at_end = self._at_end
            if at_end is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                    at_end()

    def _wait(self) -> bool:
        with self._woken:
            while not (self._due or self._stopping):
                self._woken.wait()
            due, self._due = self._due, False
            return due
