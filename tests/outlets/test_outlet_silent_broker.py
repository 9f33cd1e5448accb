"""A broker that loses one confirmation must not hold up every later alert of the connection."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway.outlets.mqtt import AGAIN_WITHIN_S
from gateway.outlets.mqtt_link import Link
from gateway.outlets.outcome import OutletDown
from support.outlet_house import alert, lone_outlet


class SilentLink:
    """A link to a broker that is connected and confirms nothing."""

    async def send(self, topic: str, payload: bytes, *, retain: bool = False, properties: Any = None) -> None:
        """Wait for ever."""
        del topic, payload, retain, properties
        await asyncio.Event().wait()


@pytest.mark.looptime
async def test_a_confirmation_that_never_comes_ends_the_connection() -> None:
    """What is open is told again in turn with what is new: the turn must end."""

    outlet = lone_outlet(lambda: [alert("a-1")])
    async with asyncio.timeout(AGAIN_WITHIN_S + 1):
        with pytest.raises(OutletDown):
            await outlet._again(cast("Link", SilentLink()))
    assert not outlet._alerts_in_turn.locked()
