"""Running works together so that the first failure ends the others and is raised as itself.

`asyncio.TaskGroup` will not do where a loop goes on after a failure: a group whose child failed leaves its
parent's cancellation count raised. On Python 3.11.2, which is Debian 12's, the next `asyncio.timeout` in that
task then lets a CancelledError out instead of a TimeoutError, and a loop "for ever" dies without a word (seen
there; on 3.11.7 the count is raised too, but the timeout is right). See also CPython issue 133747.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def together(*works: Awaitable[object]) -> None:
    """Wait for all works. The first exception (other than cancellation) cancels the rest and is raised.

    Cancelling the caller cancels all works, waits for them, and is passed on whatever they raise.
    """

    async def one(work: Awaitable[object]) -> None:
        await work

    if not works:
        return
    tasks = [asyncio.create_task(one(work)) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        failed = [t.exception() for t in tasks if t.done() and not t.cancelled()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for failure in failed:
        if failure is not None:
            raise failure
