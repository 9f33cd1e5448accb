"""A bridge whose devices have left the configuration is nobody's trouble any more."""

from __future__ import annotations

import asyncio

import pytest

from gateway.radio.bridges import TELL_AFTER_S, Bridges, bridge_topics
from support.radio import Heard


@pytest.mark.looptime
async def test_a_bridge_without_devices_is_forgotten() -> None:
    """It is told as over: no word of it is subscribed to any more, so that nothing else could end it."""
    heard = Heard()
    bridges = Bridges(heard.tell)
    for base in ("zigbee2mqtt", "anden"):
        assert bridges.hear(f"{base}/bridge/state", b'{"state": "offline"}')
    await asyncio.sleep(TELL_AFTER_S + 1)
    bridges.keep(bridge_topics(["anden/kald-1", "anden/kald-2"]))
    told = [(each.subject, each.present) for each in heard.troubles]
    assert told == [("zigbee2mqtt", True), ("anden", True), ("zigbee2mqtt", False)]
