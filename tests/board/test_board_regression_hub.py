"""What fails beside the alerts leaves the page standing: no stream is cut for a row of devices."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.board_client import BoardClient
from support.board_house import BoardHouse


@pytest.mark.parametrize("broken", ["health", "rows"])
async def test_an_alert_is_told_on_the_same_stream_whatever_else_fails(
    house: BoardHouse, signed_in: BoardClient, broken: str
) -> None:
    """Health and devices are made of what every room says of itself."""
    async with signed_in.stream() as events:
        await events.next("beat")
        if broken == "health":
            house.health = {"devices": 7}
        else:
            house.rows = [{}]
        await asyncio.sleep(2.5)
        alert = await house.press()
        told = await events.next("alert")
        assert told.data["id"] == alert.id


async def test_a_disk_that_is_slow_to_read_cuts_nobody_off(
    house: BoardHouse, signed_in: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screens, sessions and proofs are read anew; a read that takes longer than a second is broken off."""
    monkeypatch.setattr("gateway.board.board.AGAIN_S", 0.05)
    await house.stop_serving()

    async def late(_: Any) -> None:
        raise TimeoutError("a read of the journal took longer than 1 s")

    with monkeypatch.context() as slow:
        slow.setattr(house.journal.alarms, "read", late)
        await house.start_serving()
        await asyncio.sleep(2.5)
    async with signed_in.stream() as events:
        alert = await house.press()
        assert (await events.next("alert")).data["id"] == alert.id
    assert house.serving.done() is False
