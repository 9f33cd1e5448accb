"""A broker that lets us hear the devices alone costs no device its voice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from gateway.health.clock import SystemClock
from gateway.model.frames import Frame, Message
from gateway.radio.bridges import STATE
from gateway.radio.mqtt_client import Listener
from gateway.radio.mqtt_in import MqttIn
from support.eventually import eventually
from support.mosquitto import mosquitto
from support.radio import Heard, over_mqtt

TOPIC = "zigbee2mqtt/kald-1"


@pytest.mark.parametrize(("ending", "hears"), [(STATE, True), ("/kald-1", False)])
async def test_the_word_of_a_bridge_is_no_condition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, hears: bool
) -> None:
    """Its topic may be refused; a device's own may not, for then nobody would know that a call is lost."""
    subscribe = Listener.listen_to

    async def picky(self: Listener, filters: list[str]) -> list[tuple[str, str]]:
        refused = [each for each in filters if each.endswith(ending)]
        await subscribe(self, [each for each in filters if each not in refused])
        return [(each, "Not authorized") for each in refused]

    monkeypatch.setattr(Listener, "listen_to", picky)
    taken: list[bytes] = []

    async def take(frame: Frame) -> None:
        assert isinstance(frame, Message)
        taken.append(frame.payload)

    with mosquitto(tmp_path) as broker:
        settings = over_mqtt(broker.login(), {"kald-1": TOPIC})
        source = MqttIn(settings, clock=SystemClock(), on_frame=take, tell=Heard().tell, instance="one")
        task = asyncio.create_task(source.run())
        try:
            if not hears:
                await eventually(lambda: "refused zigbee2mqtt/kald-1" in source.reason)
                return
            await eventually(lambda: source.state == "up")
            async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as sender:
                await sender.publish(TOPIC, "press")
            await eventually(lambda: taken == [b"press"])
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
