"""What fails beside an alert on MQTT takes no alert along, and what is not kept is told there as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.outlets.mqtt_commands import Answer, Command
from support.eventually import eventually
from support.mosquitto import USER, Mosquitto, mosquitto
from support.outlet_house import OutletHouse, alert
from support.records import record

ROOT = "velgate/v1/kommune-a/solhjem"
NO_ALERTS = f"user {USER}\ntopic readwrite {ROOT}/gateway/#\ntopic readwrite {ROOT}/device/#\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def watching(broker: Mosquitto) -> Any:
    async with aiomqtt.Client(**broker.login(), protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(f"{ROOT}/#", qos=1)
        yield client


async def heard(client: aiomqtt.Client, topic: str) -> aiomqtt.Message:
    async for message in client.messages:
        if str(message.topic) == f"{ROOT}/{topic}" and message.payload:
            return message
    raise AssertionError


async def test_a_broker_that_refuses_alerts_gets_the_rest(tmp_path: Path) -> None:
    """An access list that somebody forgot: the connection stands, and what is allowed goes out."""
    with mosquitto(tmp_path, acl=NO_ALERTS) as broker:
        house = OutletHouse(broker.login(), instance="one")
        house.open = [alert()]
        house.alerts.append(alert())
        async with house.running():
            house.readings.append(record(value=21.0))
            await eventually(lambda: house.readings.cursor > 0)
            await eventually(lambda: house.alerts.aside)
            assert house.outlet.state == "up"


@pytest.mark.parametrize("what", ["health", "devices", "duty"])
async def test_a_document_that_cannot_be_made_stops_no_alert(broker: Mosquitto, what: str) -> None:
    """Health is made of what every room says of itself; any of them may be mistaken."""

    def fail() -> Any:
        raise ZeroDivisionError

    house = OutletHouse(broker.login(), instance="one")
    setattr(house.outlet, f"_{what}", fail)
    one = alert()
    async with watching(broker) as client, house.running():
        await eventually(lambda: house.outlet.state == "up")
        house.alerts.append(one)
        assert orjson.loads((await heard(client, f"alert/{one.id}")).payload)["id"] == one.id
        assert house.outlet.state == "up"


async def test_a_command_that_fails_by_a_mistake_of_ours_is_answered(broker: Mosquitto) -> None:
    """And the next one is done: neither may cost the connection."""
    house = OutletHouse(broker.login(), instance="one")

    async def fail(_alert: str, _command: Command) -> Answer:
        raise ZeroDivisionError

    house.outlet._command = fail
    asking = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    asking.ResponseTopic = f"{ROOT}/answers"
    async with watching(broker) as client, house.running():
        await eventually(lambda: house.outlet.state == "up")
        await client.publish(f"{ROOT}/alert/1/command", b"{}", qos=1, properties=asking)
        answer = await heard(client, "answers")
        assert orjson.loads(answer.payload)["status"] == 500
        assert house.outlet.state == "up"


async def test_an_alert_that_is_not_kept_yet_is_told_and_not_retained(broker: Mosquitto) -> None:
    """A nurse-call system waits for the disk 5 s at most; what never was kept leaves no trace."""
    house, one = OutletHouse(broker.login(), instance="one"), alert()
    async with watching(broker) as client, house.running():
        await eventually(lambda: house.outlet.state == "up")
        house.outlet.tell_unkept(one)
        told = await heard(client, f"alert/{one.id}")
        assert (orjson.loads(told.payload)["durable"], told.retain) == (False, False)
        async with watching(broker) as late:
            house.alerts.append(one)
            kept = await heard(late, f"alert/{one.id}")
        assert orjson.loads(kept.payload)["durable"] is True


async def test_what_was_kept_meanwhile_is_not_told_as_unkept(broker: Mosquitto) -> None:
    """The broker was away; the kept state comes first, and an older word must not follow it."""
    house, one = OutletHouse(broker.login(), instance="one"), alert()
    house.outlet.tell_unkept(one)
    house.outlet.kept([one.id])
    async with watching(broker) as client, house.running():
        house.alerts.append(one)
        first = await heard(client, f"alert/{one.id}")
        assert orjson.loads(first.payload)["durable"] is True
