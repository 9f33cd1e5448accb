"""The board inside the house: in order, for whoever keeps up, and nobody is waited for."""

from __future__ import annotations

import asyncio

from gateway.alerts.bulletin import SUBSCRIBERS_MAX, Bulletin, Published
from support.alarm_cases import after, call


def news(seq: int) -> Published:
    """Give one state."""
    return Published(seq, after(None, call()), durable=True)


async def test_a_subscriber_hears_everything_from_the_moment_it_subscribed() -> None:
    """Not from its first look: a press between the two would be lost."""
    bulletin = Bulletin()
    bulletin.publish([news(1)])
    stream = bulletin.subscribe()
    bulletin.publish([news(2), news(3)])
    assert [(await anext(stream)).seq, (await anext(stream)).seq] == [2, 3]
    stream.close()
    assert [each async for each in stream] == []
    assert bulletin.readers == 0


async def test_who_does_not_keep_up_is_cut_off_and_nobody_else() -> None:
    """Its stream ends; it comes back with the number it last saw."""
    bulletin = Bulletin()
    slow, quick = bulletin.subscribe(maxsize=3), bulletin.subscribe(maxsize=3)
    heard = []
    for seq in range(5):
        bulletin.publish([news(seq)])
        heard.append((await anext(quick)).seq)
    assert heard == [0, 1, 2, 3, 4]
    assert (slow.cut_off, quick.cut_off) == (True, False)
    assert [each async for each in slow] == []
    assert bulletin.readers == 1


async def test_there_are_never_more_streams_than_the_bound() -> None:
    """The oldest gives way."""
    bulletin = Bulletin()
    first = bulletin.subscribe()
    for _ in range(SUBSCRIBERS_MAX):
        bulletin.subscribe()
    assert (bulletin.readers, first.cut_off) == (SUBSCRIBERS_MAX, True)


async def test_a_reader_that_waits_is_woken_by_the_end() -> None:
    """The house closes."""
    bulletin = Bulletin()
    stream = bulletin.subscribe()

    async def read() -> list[Published]:
        return [each async for each in stream]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    bulletin.end()
    assert await asyncio.wait_for(reading, 5) == []
