"""Waiting for what real sockets, processes and threads bring about, without knowing how long it takes.

A test never sleeps a guessed time: it asks again and again until the thing is there or the time is up.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

WITHIN_S = 60.0
"""How long to ask. Long, because a loaded machine is slow; a test that passes does not wait for it."""
EVERY_S = 0.02


@overload
async def eventually(
    check: Callable[[], Awaitable[T | None]], *, within_s: float = ..., every_s: float = ...
) -> T: ...


@overload
async def eventually(check: Callable[[], T | None], *, within_s: float = ..., every_s: float = ...) -> T: ...


async def eventually(
    check: Callable[[], Any], *, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> Any:
    """Ask `check` until it gives something truthy, and return that.

    `check` may be a plain function or give an awaitable; an AssertionError inside it means "not yet".
    Raises AssertionError (with the last one as its cause) when `within_s` has passed.
    """
    ends = time.monotonic() + within_s
    while True:
        last: AssertionError | None = None
        value: Any = None
        try:
            answer = check()
            value = await answer if inspect.isawaitable(answer) else answer
        except AssertionError as not_yet:
            last = not_yet
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"still not so after {within_s:g} s; last answer: {value!r}") from last
        await asyncio.sleep(every_s)


def eventually_blocking(
    check: Callable[[], T | None], *, within_s: float = WITHIN_S, every_s: float = EVERY_S
) -> T:
    """Do the same outside an event loop."""
    ends = time.monotonic() + within_s
    while True:
        last: AssertionError | None = None
        value: T | None = None
        try:
            value = check()
        except AssertionError as not_yet:
            last = not_yet
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"still not so after {within_s:g} s; last answer: {value!r}") from last
        time.sleep(every_s)


async def holds(check: Callable[[], object], *, for_s: float, every_s: float = EVERY_S) -> None:
    """Ask `check` again and again, and fail at once where it is not so for all of `for_s`.

    For what must not happen. `check` may be a plain function or give an awaitable.
    """
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        answer = check()
        value = await answer if inspect.isawaitable(answer) else answer
        assert value, f"no longer so: {value!r}"
        await asyncio.sleep(every_s)
