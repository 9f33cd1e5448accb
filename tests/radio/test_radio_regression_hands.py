"""Hands that do not move are noticed, and not only when ten thousand frames wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.frames import Advertisement, Frame
from gateway.radio.in_hand import IN_HAND_MAX, Waiting

pytestmark = pytest.mark.looptime


async def test_a_mark_goes_the_way_of_a_frame_while_hands_move() -> None:
    """Behind what waits, and beside commits that hang, as long as one hand is free."""
    taken: list[str] = []
    free = asyncio.Event()

    async def take(frame: Frame) -> None:
        assert isinstance(frame, Advertisement)
        if frame.address.startswith("hang"):
            await free.wait()
        taken.append(frame.address)

    waiting = Waiting(lambda _: None)
    waiting.put(Advertisement(address="before"))
    task = asyncio.create_task(waiting.run(take))
    async with asyncio.timeout(1):
        await waiting.through()
    assert taken == ["before"]
    for number in range(IN_HAND_MAX - 1):
        waiting.put(Advertisement(address=f"hang {number}"))
    async with asyncio.timeout(1):
        await waiting.through()
    waiting.put(Advertisement(address="hang at last"))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await waiting.through()
    assert len(waiting) == 1, "one mark at a time"
    free.set()
    async with asyncio.timeout(1):
        await waiting.through()
    assert len(taken) == 1 + IN_HAND_MAX
    task.cancel()
    await asyncio.wait((task,))
