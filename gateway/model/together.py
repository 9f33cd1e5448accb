"""Running works together so that the first failure ends the others and is raised as itself.

Until Python 3.11.3 (Debian 12 has 3.11.2) a TaskGroup whose child failed leaves its parent's cancellation
count raised, after which `asyncio.timeout` in the same task lets a CancelledError out instead of a
TimeoutError, and a loop "for ever" dies without a word. Source: CPython issues 102780 and 102815.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def together(*works: Awaitable[object]) -> None:
    """Wait for all works. The first exception (other than cancellation) cancels the rest and is raised.

    Cancelling the caller cancels all works and waits for them.
    """

    async def one(work: Awaitable[object]) -> None:
        await work

    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("together() runs inside a task")
    before = task.cancelling()
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(one(work))
    except* Exception as failed:  # noqa: BLE001  (raised again below)
        failure = failed.exceptions[0]
    if failure is None:
        return
    own = task.cancelling() - before
    while task.cancelling() > before:
        task.uncancel()
    if own > 1:  # the group cancels once; the second was somebody who wants us to end
        raise asyncio.CancelledError
    raise failure
