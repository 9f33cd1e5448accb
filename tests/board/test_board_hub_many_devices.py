"""A home with many devices: news of all of them at once cut nobody off."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.board.viewers import QUEUE_MAX
from support.board_client import BoardClient, Events
from support.board_house import BoardHouse

DEVICES = 2 * QUEUE_MAX + 50


async def test_news_of_more_devices_than_a_queue_holds_reach_every_screen(
    house: BoardHouse, signed_in: BoardClient
) -> None:
    """As each 30 s in a home of some hundred, whose rows all grow old together; an alert still comes."""
    row = house.rows[0]
    seen: set[str] = set()

    def change(battery: int) -> None:
        house.rows = [row | {"device": f"last-{n:03d}", "battery": battery} for n in range(DEVICES)]

    async with signed_in.stream() as events:
        changing = asyncio.create_task(_again_and_again(change))
        try:
            async with asyncio.timeout(60):
                while len(seen) < DEVICES:
                    seen.add((await events.next("device")).data["device"])
        finally:
            changing.cancel()
        alert = await house.press()
        assert (await _alert(events))["id"] == alert.id


async def _again_and_again(change: Any) -> None:
    for battery in range(1_000_000):  # whenever the page looks, all rows have changed
        change(battery % 100)
        await asyncio.sleep(0.1)


async def _alert(events: Events) -> dict[str, Any]:
    data: dict[str, Any] = (await events.next("alert")).data
    return data
