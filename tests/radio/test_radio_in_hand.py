"""Handing frames on: in order, bounded, and no press behind another's commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.model.frames import Advertisement, Frame
from gateway.radio.expects import OnFrame
from gateway.radio.in_hand import DROPS_OVER_S, IN_HAND_MAX, REPEATS_MAX, WAITING_MAX, Waiting
from support.radio import Heard

pytestmark = pytest.mark.looptime


def frame(address: str, *, brought: frozenset[str] | None = frozenset({"service_data"})) -> Advertisement:
    return Advertisement(address=address, brought=brought)


def addresses(heard: Heard) -> list[str]:
    return [one.address for one in heard.advertisements]


@asynccontextmanager
async def handing_on(waiting: Waiting, take: OnFrame) -> AsyncIterator[None]:
    task = asyncio.create_task(waiting.run(take))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def test_in_the_order_heard() -> None:
    """What waited before anybody took it comes first."""
    heard = Heard()
    waiting = Waiting(heard.tell)
    for n in range(500):
        waiting.put(frame(str(n)))
    async with handing_on(waiting, heard.frame):
        await asyncio.sleep(1)
        waiting.put(frame("500"))
        await asyncio.sleep(1)
    assert addresses(heard) == [str(n) for n in range(501)]
    assert len(waiting) == 0


async def test_no_press_waits_for_another_ones_commit() -> None:
    """A take that hangs holds up no other, and too many of them hold up the rest, not the memory."""
    heard = Heard()
    commit = asyncio.Event()

    async def take(one: Frame) -> None:
        await heard.frame(one)
        await commit.wait()

    waiting = Waiting(heard.tell)
    async with handing_on(waiting, take):
        for n in range(IN_HAND_MAX + 10):
            waiting.put(frame(str(n)))
        await asyncio.sleep(1)
        assert len(heard.frames) == IN_HAND_MAX
        commit.set()
        await asyncio.sleep(1)
    assert addresses(heard) == [str(n) for n in range(IN_HAND_MAX + 10)]


async def test_a_take_that_raises_loses_its_frame_alone() -> None:
    """The next frame, and one that is being committed, go on."""
    heard = Heard()
    done = []

    async def take(one: Frame) -> None:
        await heard.frame(one)
        if addresses(heard)[-1] == "bad":
            raise RuntimeError("cannot take this")
        await asyncio.sleep(5)
        done.append(one)

    waiting = Waiting(heard.tell)
    async with handing_on(waiting, take):
        for name in ("before", "bad", "after"):
            waiting.put(frame(name))
        await asyncio.sleep(10)
    assert addresses(heard) == ["before", "bad", "after"]
    assert len(done) == 2
    assert waiting.failed == 1


async def test_what_brings_nothing_is_dropped_first_and_it_is_told() -> None:
    """While nobody takes frames, strength alone goes first, then the newest; the trouble ends by itself."""
    heard = Heard()
    waiting = Waiting(heard.tell)
    for n in range(REPEATS_MAX):
        waiting.put(frame(str(n)))
    waiting.put(frame("strength", brought=frozenset()))
    assert (len(waiting), waiting.dropped) == (REPEATS_MAX, 1)
    waiting.put(frame("press"))
    waiting.put(frame("unknown", brought=None))
    assert len(waiting) == REPEATS_MAX + 2
    for n in range(WAITING_MAX):
        waiting.put(frame(f"more {n}"))
    assert len(waiting) == WAITING_MAX
    assert waiting.dropped == 1 + REPEATS_MAX + 2
    assert len(heard.standing("frames.dropped")) == 1
    async with handing_on(waiting, heard.frame):
        await asyncio.sleep(1)
        assert addresses(heard)[REPEATS_MAX : REPEATS_MAX + 2] == ["press", "unknown"]
        waiting.put(frame("a"))
        await asyncio.sleep(1)
        assert heard.standing("frames.dropped")
        await asyncio.sleep(DROPS_OVER_S)
        waiting.put(frame("b"))
        await asyncio.sleep(1)
        assert not heard.standing("frames.dropped")
