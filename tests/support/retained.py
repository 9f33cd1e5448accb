"""What the broker keeps, compared with what the gateway's own API says."""

from __future__ import annotations

import json
from typing import Any

import orjson
from paho.mqtt.subscribeoptions import SubscribeOptions

from support.eventually import WITHIN_S, eventually
from support.gateway_process import ROOT, Gateway, Home


async def retained(house: Home) -> dict[str, Any]:
    """Give everything that the broker keeps below the root, by topic, as somebody who comes now sees it."""
    found: dict[str, Any] = {}
    async with house.mqtt() as client:
        # What is published meanwhile comes too, and says itself whether it is to be kept.
        await client.subscribe(f"{ROOT}/#", options=SubscribeOptions(qos=1, retainAsPublished=True))
        await client.subscribe("end", qos=1)
        await client.publish("end", b"", qos=1)  # what is retained comes before what is published afterwards
        async for message in client.messages:
            topic, payload = str(message.topic), bytes(message.payload)
            if topic == "end":
                return found
            if message.retain and payload:
                found[topic] = orjson.loads(payload)
            elif message.retain:
                found.pop(topic, None)
    raise AssertionError("the stream of messages ended")


async def same_on_both(house: Home, gateway: Gateway, within_s: float = WITHIN_S) -> dict[str, Any]:
    """Wait until the retained alerts are those that the API calls open, to the letter; give them by id."""

    async def look() -> dict[str, Any] | None:
        shown = {alert["id"]: alert for alert in await gateway.every_alert()}
        prefix = f"{ROOT}/alert/"
        kept = {
            topic.removeprefix(prefix): alert
            for topic, alert in (await retained(house)).items()
            if topic.startswith(prefix)
        }
        assert json.dumps(kept, sort_keys=True) == json.dumps(shown, sort_keys=True)
        return shown

    return await eventually(look, within_s=within_s)
