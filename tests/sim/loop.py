"""An event loop whose time jumps to the next timer when every task waits.

A task that waits for what never comes is found: when every task waits and no timer is set, the loop fails
instead of hanging, and so it does when tasks wake each other for ever without time passing.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ROUNDS_MAX = 50_000  # rounds of the loop without any time passing; more is a livelock


class Stalled(Exception):
    """Nothing will ever happen again, or no time will ever pass."""


class _NoSockets(selectors.BaseSelector):
    """A selector without files: waiting moves the time on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._rounds = 0
        self._keys: dict[int, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("every task waits, and no timer is set")
        if timeout > 0:
            self.now_s += timeout
            self._rounds = 0
        else:
            self._rounds += 1
            if self._rounds > ROUNDS_MAX:
                raise Stalled(f"{ROUNDS_MAX} rounds of the loop without any time passing")
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time is virtual, threads are none: what would run in one runs at once, on the loop."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._virtual = _NoSockets()
        self.from_thread: Callable[[Callable[..., object], tuple[Any, ...]], None] | None = None
        """Takes the calls that a simulated thread makes to the loop, so that they arrive when it is done."""
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Give the virtual seconds since the world began."""
        return self._virtual.now_s

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Take a call of a simulated thread."""
        if self.from_thread is not None:
            self.from_thread(callback, args)
            return asyncio.Handle(callback, args, self)
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do the work at once: there are no threads here."""
        del executor
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  (it is raised where the work was asked for)
            done.set_exception(error)
        return done
