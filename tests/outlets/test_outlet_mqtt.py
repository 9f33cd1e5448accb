"""The MQTT outlet on a real Mosquitto, seen by a client that is not ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.model.alert import Handling, Taken
from gateway.model.readings import Kind
from support.eventually import eventually
from support.mosquitto import Mosquitto, mosquitto
from support.outlet_house import OutletHouse, alert, closed
from support.records import instant, record

ROOT = "velgate/v1/kommune-a/solhjem"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class Watcher:
    """Hears everything below a root and keeps it in order."""

    def __init__(self) -> None:
        self.heard: list[aiomqtt.Message] = []

    def bodies(self, topic: str) -> list[Any]:
        return [
            orjson.loads(m.payload) if m.payload else None
            for m in self.heard
            if str(m.topic) == f"{ROOT}/{topic}"
        ]


@asynccontextmanager
async def watcher(broker: Mosquitto) -> AsyncIterator[Watcher]:
    watch = Watcher()
    async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("velgate/#", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                watch.heard.append(message)

        task = asyncio.create_task(listen())
        try:
            yield watch
        finally:
            task.cancel()


async def retained(broker: Mosquitto) -> dict[str, bytes]:
    """Give what a client that comes now finds, by topic below the root."""
    async with watcher(broker) as watch:
        await asyncio.sleep(0.1)
        return {str(m.topic).removeprefix(ROOT + "/"): bytes(m.payload) for m in watch.heard if m.retain}


async def test_measurements_and_states_are_retained_and_events_never(broker: Mosquitto) -> None:
    """Topics, payload and properties are those of the contract."""
    house = OutletHouse(broker.login(), instance="one")
    async with house.running(), watcher(broker) as watch:
        house.readings.append(
            record(value=20.0),
            record(value=21.0),
            record("power", True, kind=Kind.STATE, channel=2),
        )
        press = record("help_call", "press", kind=Kind.EVENT, device="kald-12", place="room-12")
        house.events.append(press)
        await eventually(lambda: watch.bodies("device/kald-12/help_call"))
        await eventually(lambda: len(watch.bodies("device/klima-01/temperature")) == 2)
        await eventually(lambda: watch.bodies("device/klima-01/power-state-2"))
        kept = await retained(broker)
    assert orjson.loads(kept["device/klima-01/temperature"])["value"] == 21.0
    assert "device/klima-01/power-state-2" in kept
    assert "device/kald-12/help_call" not in kept
    assert watch.bodies("device/kald-12/help_call") == [press.document()]
    one = next(m for m in watch.heard if str(m.topic).endswith("temperature"))
    assert one.properties is not None
    facts = one.properties.json()
    assert facts["ContentType"] == "application/json"
    assert ("schema", "velgate/reading/1") in one.properties.UserProperty
    assert 86_000 < facts["MessageExpiryInterval"] <= 86_400


async def test_an_alert_is_retained_while_open_and_cleared_when_closed(broker: Mosquitto) -> None:
    """The closed alert is sent, then the retained message is cleared; alerts never expire."""
    house = OutletHouse(broker.login(), instance="one")
    one = alert()
    async with house.running(), watcher(broker) as watch:
        house.alerts.append(one)
        await eventually(lambda: watch.bodies(f"alert/{one.id}"))
        assert f"alert/{one.id}" in await retained(broker)
        house.alerts.append(closed(one))
        await eventually(lambda: len(watch.bodies(f"alert/{one.id}")) == 3)
        assert f"alert/{one.id}" not in await retained(broker)
    open_one, closed_one, cleared = watch.bodies(f"alert/{one.id}")
    assert (open_one["handling"], closed_one["handling"], cleared) == ("unacknowledged", "resolved", None)
    assert not hasattr(watch.heard[-1].properties, "MessageExpiryInterval")


async def test_what_has_a_schema_names_it(broker: Mosquitto) -> None:
    """Readings, alerts and health carry their schema as a user property, and all is JSON."""
    house, one = OutletHouse(broker.login(), instance="one"), alert()
    async with house.running(), watcher(broker) as watch:
        house.readings.append(record())
        house.alerts.append(one)
        topics = ("device/klima-01/temperature", f"alert/{one.id}", "gateway/gw-1/health")
        await eventually(lambda: all(watch.bodies(topic) for topic in topics))
    named = {
        body["schema"]: dict(message.properties.UserProperty)["schema"]
        for message in watch.heard
        if (body := orjson.loads(message.payload or b"{}")).get("schema")
    }
    assert named == {name: name for name in ("velgate/reading/1", "velgate/alert/1", "velgate/health/1")}
    assert {message.properties.ContentType for message in watch.heard if message.payload} == {
        "application/json"
    }


async def test_status_is_offline_after_a_planned_end_and_online_after_a_broken_connection(
    broker: Mosquitto,
) -> None:
    """A planned end says offline itself; a connection that breaks is made anew within the will's delay."""
    house = OutletHouse(broker.login(), instance="one")
    async with watcher(broker) as watch:
        async with house.running():
            await eventually(lambda: watch.bodies("gateway/gw-1/status"))
            await eventually(lambda: watch.bodies("gateway/gw-1/health"))
        await eventually(lambda: watch.bodies("gateway/gw-1/status")[-1]["state"] == "offline")
        async with house.running():
            await eventually(lambda: watch.bodies("gateway/gw-1/status")[-1]["state"] == "online")
            await eventually(lambda: house.outlet._link is not None)
            assert house.outlet._link is not None
            sock = house.outlet._link._client.socket()
            assert sock is not None
            sock.shutdown(2)
            await eventually(lambda: len(watch.bodies("gateway/gw-1/status")) >= 4)
            await eventually(lambda: watch.bodies("gateway/gw-1/status")[-1]["state"] == "online")
    assert watch.bodies("gateway/gw-1/status")[0]["instance"] == "one"


async def test_a_broker_that_was_away_gets_everything_in_order(broker: Mosquitto) -> None:
    """Killed without its memory, it has every reading, the open alert and the status when it is back."""
    house = OutletHouse(broker.login(), instance="one")
    one = alert()
    house.open = [one]
    async with house.running():
        house.readings.append(record(value=1.0))
        await eventually(lambda: house.readings.cursor == 1)
        broker.kill()
        house.readings.append(*(record(value=float(n)) for n in range(2, 1_202)))
        house.alerts.append(one)
        broker.start()
        async with watcher(broker) as watch:
            await eventually(lambda: house.readings.cursor == 1_201)
            await eventually(lambda: house.alerts.cursor == 1)
            values = [r["value"] for r in watch.bodies("device/klima-01/temperature")]
            assert values == sorted(values)
        kept = await retained(broker)
    assert orjson.loads(kept["device/klima-01/temperature"])["value"] == 1_201.0
    assert f"alert/{one.id}" in kept
    assert "gateway/gw-1/status" in kept


async def test_in_a_backlog_only_the_newest_value_of_a_topic_is_retained(broker: Mosquitto) -> None:
    """A value of yesterday never stands as the present one while the backlog drains."""
    house = OutletHouse(broker.login(), instance="one")
    house.readings.append(*(record(value=float(n)) for n in range(1_200)))
    async with watcher(broker) as watch, house.running():
        await eventually(lambda: len(watch.bodies("device/klima-01/temperature")) == 1_200)
        flags = [m.retain for m in watch.heard if str(m.topic).endswith("temperature")]
    assert not any(flags)  # to a live subscriber nothing is retained; what the broker keeps is asked below
    assert orjson.loads((await retained(broker))["device/klima-01/temperature"])["value"] == 1_199.0


async def test_a_refused_publish_is_set_aside_and_holds_up_nothing(tmp_path: Path) -> None:
    """The broker's access list forbids one quantity: its rows are set aside with the broker's word."""
    acl = f"user velgate\ntopic readwrite {ROOT}/gateway/#\ntopic readwrite {ROOT}/device/+/temperature\n"
    with mosquitto(tmp_path, acl=acl) as broker:
        house = OutletHouse(broker.login(), instance="one")
        secret = record("humidity", 40.0, unit="%")
        async with house.running():
            house.readings.append(record(), secret, record())
            await eventually(lambda: house.readings.cursor == 3)
    assert [(r.seq, r.id) for r in house.readings.aside] == [(2, secret.id)]
    assert "authorized" in house.readings.aside[0].reason.lower()


async def test_two_gateways_with_one_name_the_later_keeps_its_outlet_shut(broker: Mosquitto) -> None:
    """It says so and publishes nothing; when the first goes offline it takes over."""
    first = OutletHouse(broker.login(), instance="one")
    second = OutletHouse(broker.login(), instance="two")
    async with watcher(broker) as watch, AsyncExitStack() as houses:
        async with first.running():
            await eventually(lambda: first.outlet.state == "up")
            await houses.enter_async_context(second.running())
            await eventually(lambda: second.outlet.foreign == "one")
            second.readings.append(record())
            await eventually(lambda: second.deliveries[0].reason)
            assert second.outlet.state == "off"
            assert [(t.kind, t.present) for t in second.troubles] == [("outlet.foreign", True)]
            assert {s["instance"] for s in watch.bodies("gateway/gw-1/status")} == {"one"}
        await eventually(lambda: second.outlet.state == "up")
        await eventually(lambda: second.readings.cursor == 1)
    assert [(t.kind, t.present) for t in second.troubles] == [
        ("outlet.foreign", True),
        ("outlet.foreign", False),
    ]


async def test_two_gateways_that_come_at_once_settle_on_one(broker: Mosquitto) -> None:
    """Neither of them yields for ever, and not both of them publish."""
    first = OutletHouse(broker.login(), instance="one")
    second = OutletHouse(broker.login(), instance="two")
    async with first.running(), second.running():
        await eventually(lambda: {first.outlet.state, second.outlet.state} == {"up", "off"})


async def test_a_broker_that_hangs_delays_nobody_else(broker: Mosquitto) -> None:
    """Stopped dead, the broker stops the MQTT lanes alone; they go on when it is back."""
    house = OutletHouse(broker.login(), instance="one")
    async with house.running():
        house.readings.append(record())
        await eventually(lambda: house.readings.cursor == 1)
        broker.pause()
        house.readings.append(record())
        await asyncio.sleep(0.1)
        assert house.readings.cursor == 1
        broker.resume()
        await eventually(lambda: house.readings.cursor == 2)


async def test_a_command_is_done_and_answered_with_its_correlation_data(broker: Mosquitto) -> None:
    """The answer comes on the response topic, as over HTTP, with the status beside it."""
    house = OutletHouse(broker.login(), instance="one")
    async with house.running():
        await eventually(lambda: house.outlet.state == "up")
        async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("answers/me")
            asking = Properties(PacketTypes.PUBLISH)
            asking.ResponseTopic, asking.CorrelationData = "answers/me", b"42"
            await client.publish(f"{ROOT}/alert/some-alert/command", b"{}", qos=1, properties=asking)
            async with asyncio.timeout(60):
                answer = await anext(client.messages)
    assert answer.properties is not None
    assert answer.properties.CorrelationData == b"42"
    assert ("status", "200") in answer.properties.UserProperty
    assert house.commands[0].topic.endswith("/alert/some-alert/command")


async def test_a_device_that_is_gone_has_its_retained_status_cleared(broker: Mosquitto) -> None:
    """A renamed or removed device leaves nothing behind."""
    house = OutletHouse(broker.login(), instance="one")
    house.devices = [{"device": "kald-12", "available": True}, {"device": "seng-03", "available": True}]
    async with house.running():
        await eventually(lambda: set(house.outlet._shown_devices) == {"kald-12", "seng-03"})
        reading = record(device="kald-12")
        house.readings.append(reading)
        await eventually(lambda: house.readings.cursor == 1)
        await house.outlet.clear([reading], ["kald-12"])
        kept = await retained(broker)
    assert "device/seng-03/status" in kept
    assert not [topic for topic in kept if "kald-12" in topic]


async def test_home_assistant_is_told_what_there_is_where_that_is_wanted(broker: Mosquitto) -> None:
    """One retained message a device, with a component a series; nothing without the option."""
    for wanted in (False, True):
        house = OutletHouse(broker.login(), instance="one", discovery=wanted)
        house.readings.append(
            record(),
            record("motion", True, kind=Kind.STATE),
            record("help_call", "press", kind=Kind.EVENT),
            record("acceleration", 9.8, unit="m/s2", channel=2),
        )
        async with (
            house.running(),
            aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client,
        ):
            await eventually(lambda house=house: house.readings.cursor == 4)
            await client.subscribe("homeassistant/#", qos=1)
            if not wanted:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await anext(client.messages)
                continue
            async with asyncio.timeout(60):
                message = await anext(client.messages)
    assert str(message.topic) == "homeassistant/device/velgate-solhjem-klima-01/config"
    told = orjson.loads(message.payload)
    assert set(told["cmps"]) == {"temperature", "motion", "help_call", "acceleration_2"}
    assert told["cmps"]["temperature"] == {
        "name": "temperatur",
        "uniq_id": "velgate-solhjem-klima-01-temperature",
        "stat_t": f"{ROOT}/device/klima-01/temperature",
        "p": "sensor",
        "val_tpl": "{{ value_json.value }}",
        "stat_cla": "measurement",
        "unit_of_meas": "°C",
        "dev_cla": "temperature",
    }
    assert told["cmps"]["motion"]["p"] == "binary_sensor"
    assert "press" in told["cmps"]["help_call"]["evt_typ"]
    assert "A4:C1" not in message.payload.decode()


async def test_after_days_without_a_broker_nobody_is_named_in_what_has_ended(broker: Mosquitto) -> None:
    """Neither in the closed alert nor in the states it went through; who has one that is open is named."""
    house = OutletHouse(broker.login(), instance="one")
    taken = replace(
        alert(),
        handling=Handling.ACKNOWLEDGED,
        rev=2,
        taken=Taken("KL", instant(), instant(600)),
    )
    ended = replace(closed(taken), closed_by="KL", changed=instant(60))
    still = replace(taken, id=taken.id[:-1] + "8")
    house.open = [still]
    house.clock.moment = instant(2 * 86_400)
    async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("velgate/v1/+/+/alert/+", qos=1)
        house.alerts.append(taken, ended, still)
        seen = []
        async with house.running(), asyncio.timeout(60):
            async for message in client.messages:
                if message.payload:
                    seen.append(orjson.loads(message.payload))
                if {each["id"] for each in seen} == {taken.id, still.id} and len(seen) >= 4:
                    break
    gone = [each for each in seen if each["id"] == taken.id]
    assert [each["rev"] for each in gone] == [2, 3]
    assert "KL" not in repr(gone)
    assert {each["taken"]["by"] for each in seen if each["id"] == still.id} == {"KL"}
