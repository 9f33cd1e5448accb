"""Zigbee devices on a real broker: what Zigbee2MQTT would publish, and a broker that comes and goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from firmware_sim.control import ask
from firmware_sim.mqtt import Broker, MqttPublisher
from firmware_sim.problem import Exit, SimProblem
from firmware_sim.world import World
from support.eventually import eventually
from support.mosquitto import Mosquitto, mosquitto
from support.sim_world import simulated, simulator_process

HOME = "".join(
    f'[[device]]\nname = "{name}"\nkind = "zigbee-{kind}"\ninterval = 60\n'
    for name, kind in (
        ("vand-08", "leak"),
        ("sos-09", "sos"),
        ("kontakt-10", "contact"),
        ("bevaegelse-11", "motion"),
        ("stue-klima", "climate"),
        ("knap-12", "button"),
    )
)


def broker_of(server: Mosquitto) -> Broker:
    """The simulator's way to a test's broker."""
    login = server.login()
    return Broker(
        host=login["hostname"], port=login["port"], username=login["username"], password=login["password"]
    )


async def said(
    client: aiomqtt.Client, world: World, device: str, action: str, value: str | None = None
) -> Any:
    """Act, and return the next message of that device."""
    await world.act(device, action, value)
    async for message in client.messages:
        if str(message.topic) == f"zigbee2mqtt/{device}":
            assert isinstance(message.payload, bytes)
            return json.loads(message.payload)
    raise AssertionError("the client ended")


async def test_each_device_says_what_it_did(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The action or the new state, beside the whole state, in the words of Zigbee2MQTT."""
    with mosquitto(tmp_path) as server:
        async with (
            aiomqtt.Client(**server.login()) as client,
            simulated(HOME, monkeypatch, tmp_path, broker=broker_of(server)) as world,
        ):
            await client.subscribe("zigbee2mqtt/#")
            assert (await said(client, world, "vand-08", "leak"))["water_leak"] is True
            assert (await said(client, world, "vand-08", "dry"))["water_leak"] is False
            pressed = await said(client, world, "sos-09", "press")
            assert pressed["action"] == "emergency"
            assert pressed["battery"] == 87
            opened = await said(client, world, "kontakt-10", "open")
            assert opened["contact"] is False
            assert "action" not in opened
            assert (await said(client, world, "bevaegelse-11", "motion"))["occupancy"] is True
            assert abs((await said(client, world, "stue-klima", "measure", "30"))["temperature"] - 24.9) < 0.2
            assert (await said(client, world, "knap-12", "long_press"))["action"] == "hold"
            low = await said(client, world, "knap-12", "battery", "4")
            assert (low["battery"], low["battery_low"]) == (4, True)
            assert "action" not in low  # it is not cached


async def test_the_bridge_tells_its_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`bridge/state` is retained: online, and offline by the will."""
    with mosquitto(tmp_path) as server:
        async with simulated(HOME, monkeypatch, tmp_path, broker=broker_of(server)) as world:
            await world.act("sos-09", "press", None)
            async with aiomqtt.Client(**server.login()) as client:
                await client.subscribe("zigbee2mqtt/bridge/state")
                message = await anext(client.messages)
    assert message.payload == b'{"state":"online"}'


async def test_a_broker_that_restarts_is_found_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It connects again by itself; until then an action is refused with exit 5."""
    monkeypatch.setattr("firmware_sim.mqtt.PUBLISH_WITHIN_S", 0.3)
    with mosquitto(tmp_path) as server:
        async with simulated(HOME, monkeypatch, tmp_path, broker=broker_of(server)) as world:
            await world.act("sos-09", "press", None)
            server.kill()

            async def refused() -> SimProblem | None:
                try:
                    await world.act("sos-09", "press", None)
                except SimProblem as problem:
                    return problem
                return None

            problem = await eventually(refused)  # the first may still go into a dying socket
            assert problem is not None
            assert problem.exit_code is Exit.UNREACHABLE
            server.start()

            async def pressed() -> bool:
                return await refused() is None

            assert await eventually(pressed)


def test_the_address_of_a_broker() -> None:
    """HOST:PORT, with the password from the environment and in no text."""
    with pytest.raises(SimProblem) as caught:
        Broker.parse("localhost", None)
    assert caught.value.exit_code is Exit.USAGE
    broker = Broker(host="h", port=1, username="u", password="secret")
    assert "secret" not in repr(broker)


async def test_a_full_queue_drops_regular_messages_only() -> None:
    """Without a connection `post` keeps nothing."""
    publisher = MqttPublisher(Broker(host="127.0.0.1", port=1))
    publisher.post("a", b"1")
    assert publisher._queue.empty()


def test_a_broker_that_hangs_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    """SIGTERM ends it in under 5 s all the same."""
    scenario = tmp_path / "zigbee.toml"
    scenario.write_text(HOME)
    with mosquitto(tmp_path) as server:
        login = server.login()
        arguments = (str(scenario), "--mqtt", f"{login['hostname']}:{login['port']}")
        arguments = (*arguments, "--mqtt-username", login["username"])
        password = {"VELGATE_SIM_MQTT_PASSWORD": login["password"]}
        with simulator_process(*arguments, runtime=tmp_path, **password) as running:
            assert ask(running.control, "sos-09", "press", None)["did"] == "sent emergency"
            server.pause()
            running.process.terminate()
            try:
                assert running.process.wait(60) == 0
            finally:
                server.resume()
