"""Works that run together: failing, timing out afterwards, and being cancelled."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.together import together


async def fail(after_s: float) -> None:
    await asyncio.sleep(after_s)
    raise KeyError("broken")


@pytest.mark.looptime
async def test_the_first_failure_is_raised_as_itself_and_ends_the_others() -> None:
    """No group reaches the caller, and nobody is left running."""
    other = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            other.set()

    with pytest.raises(KeyError, match="broken"):
        await together(waits(), fail(1))
    assert other.is_set()


@pytest.mark.looptime
async def test_a_timeout_still_works_in_a_task_in_which_works_failed() -> None:
    """The trap of Python 3.11.2: a loop that tries again must not be ended by its own timeout."""
    for _ in range(3):
        with pytest.raises(KeyError):
            await together(fail(1), asyncio.Event().wait())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.Event().wait()


@pytest.mark.looptime
async def test_cancelling_the_caller_cancels_all() -> None:
    """Cancellation is passed on, waited for, and not swallowed."""
    ended: list[int] = []

    async def waits(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    task = asyncio.create_task(together(waits(1), waits(2)))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [1, 2]
