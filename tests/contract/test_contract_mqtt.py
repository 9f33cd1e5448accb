"""The contract, "MQTT": topics below the root, what is retained and cleared, and the properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import aiomqtt
import orjson

from gateway.model.clock import parse_iso
from support.contract import (
    ROOT,
    calling,
    cli,
    close_all,
    heard,
    listening,
    now,
    retained,
    sim,
    socket,
    user_properties,
)
from support.eventually import eventually, holds
from support.whole_house import Demo

DAY_S = 86_400
DEVICE_KEYS = {"device", "place", "driver", "available", "last_seen", "battery", "signal"}


def body(message: aiomqtt.Message) -> dict[str, Any]:
    """Give the document of a message."""
    found: dict[str, Any] = orjson.loads(message.payload)  # type: ignore[arg-type]
    return found


async def test_the_status_of_the_gateway(demo: Demo) -> None:
    """Retained: state, the id of the state folder, since when, version."""
    status = body((await retained(demo, "gateway/#"))["gateway/gw-demo/status"])
    assert status.keys() == {"state", "instance", "since", "version"}
    assert status["state"] == "online"
    assert status["instance"] == str(UUID((Path(demo.state) / "instance").read_text().strip()))
    assert parse_iso(status["since"]) < parse_iso(now())


async def test_health_and_duty(demo: Demo) -> None:
    """Health as at `GET /api/v1/health`; duty in numbers, without persons; both retained."""
    kept = await retained(demo, "gateway/#", "duty")
    health = body(kept["gateway/gw-demo/health"])
    assert health.keys() == (await demo.get("/api/v1/health")).keys()
    duty = body(kept["duty"])
    assert duty.keys() == {"groups", "centre"}
    assert duty["centre"] is None
    assert {group["group"] for group in duty["groups"]} == {"dag", "nat"}
    for group in duty["groups"]:
        assert group.keys() == {"group", "until", "on", "reached"}
        assert group["on"] == 1
        assert group["reached"] is None or group["reached"] <= group["on"]


async def test_a_device_is_retained_as_over_http(demo: Demo) -> None:
    """The same fields; what is unknown is null."""

    async def all_there() -> dict[str, aiomqtt.Message]:
        kept = await retained(demo, "device/+/status")
        assert len(kept) >= 24
        return kept

    kept = await eventually(all_there)
    rows = {row["device"]: row for row in (await demo.get("/api/v1/devices"))["devices"]}
    for topic, message in kept.items():
        told = body(message)
        assert told.keys() == DEVICE_KEYS
        assert told["device"] == topic.split("/")[1]
        known = rows[told["device"]]
        assert known.keys() >= DEVICE_KEYS
        assert (told["place"], told["driver"]) == (known["place"], known["driver"])
        if told["last_seen"] is None:
            assert (told["battery"], told["signal"]) == (None, None)


async def test_measurements_and_states_are_retained_and_carry_their_properties(demo: Demo) -> None:
    """A topic for each quantity and channel; measurements expire in a day, nothing else ever does."""

    async def heard_all() -> dict[str, aiomqtt.Message]:
        kept = await retained(demo)
        assert {
            "device/seng-03/bed_occupancy", "device/klima-01/temperature", "device/hjerte-05/heart_rate",
            "device/klima-03/acceleration-1", "device/klima-03/acceleration-2",
            "device/vand-08/moisture-state",
        } <= kept.keys(), sorted(kept)  # fmt: skip
        return kept

    kept = await eventually(heard_all)
    readings = {topic: message for topic, message in kept.items() if topic.count("/") == 2}
    kinds = set()
    for topic, message in kept.items():
        assert message.retain
        assert message.qos == 1
        assert getattr(message.properties, "ContentType", None) == "application/json"
        told = body(message)
        schema = user_properties(message)["schema"]
        assert schema == told.get("schema", schema)
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        if schema != "velgate/reading/1":
            assert expiry is None, topic
            continue
        kinds.add(told["kind"])
        assert told["kind"] != "event"
        assert (expiry is not None) == (told["kind"] == "measurement"), topic
        assert expiry is None or 0 < expiry <= DAY_S
        suffix = (
            "-state" if told["kind"] == "state" and told["quantity"] in {"power", "moisture", "gas"} else ""
        )
        suffix += "" if told["channel"] is None else f"-{told['channel']}"
        assert topic == f"device/{told['device']}/{told['quantity']}{suffix}"
    assert readings
    assert kinds == {"measurement", "state"}


async def test_an_event_is_sent_and_never_retained(demo: Demo) -> None:
    """Who subscribes later does not hear an old call."""
    async with listening(demo, "device/#") as client, calling(demo):
        message = await heard(client, "device/kald-01/help_call")
        assert (message.retain, body(message)["kind"]) == (False, "event")
        assert user_properties(message) == {"schema": "velgate/reading/1"}
        assert not hasattr(message.properties, "MessageExpiryInterval")
        assert "device/kald-01/help_call" not in await retained(demo, "device/kald-01/#")


async def test_an_alert_is_retained_while_it_is_open(demo: Demo) -> None:
    """The alert as over HTTP, in each state; on closing the closed alert, then the message is cleared."""
    async with listening(demo, "alert/+") as client:
        async with calling(demo) as alert:
            topic = f"alert/{alert['id']}"
            first = await heard(client, topic)
            assert body(first) == alert
            assert user_properties(first) == {"schema": "velgate/alert/1"}
            assert not hasattr(first.properties, "MessageExpiryInterval")
            kept = await retained(demo, topic)
            assert body(kept[topic])["rev"] == alert["rev"]
            async with socket(demo) as door:
                taken = (await door.act(alert["id"], "acknowledge", by="demo")).json
            assert body(await heard(client, topic)) == taken
        closed = body(await heard(client, topic))
        assert closed["handling"] == "resolved"
        assert (await heard(client, topic)).payload == b""
        assert topic not in await retained(demo, topic)


async def test_what_has_lost_its_basis_is_cleared_at_once(demo: Demo) -> None:
    """An objection takes back what stands on the broker, and nothing of that concern follows."""
    topic = "device/seng-03/bed_occupancy"

    async def there() -> bool:
        return topic in await retained(demo, "device/seng-03/#")

    await eventually(there)
    async with listening(demo, "device/seng-03/#") as client:
        assert cli(demo, "basis", "withdraw", "room-03", "presence").returncode == 0
        while (await heard(client, topic)).payload:  # the bed has a word of its own until then
            pass
        sim(demo, "seng-03", "leave_bed")
        sim(demo, "seng-03", "enter_bed")

        async def gone() -> bool:
            kept = await retained(demo, "device/seng-03/#")
            return topic not in kept and "device/seng-03/battery" in kept

        await holds(gone, for_s=1.0)
    alerts = (await demo.get("/api/v1/alerts?state=open"))["alerts"]
    assert "basis.objected" in {one["kind"] for one in alerts}
    words = ("room-03", "presence", "--kind", "consent", "--until", "2030-01-01")
    assert cli(demo, "basis", "add", *words).returncode == 0
    sim(demo, "seng-03", "leave_bed")
    await eventually(there)
    sim(demo, "seng-03", "enter_bed")


async def test_a_device_that_is_renamed_or_removed_leaves_nothing_behind(demo: Demo) -> None:
    """Its readings and its status are cleared under the old name."""

    async def topics(device: str) -> set[str]:
        return set(await retained(demo, f"device/{device}/#"))

    async def heard_from(device: str) -> bool:
        return {f"device/{device}/battery", f"device/{device}/status"} <= await topics(device)

    await eventually(lambda: heard_from("kald-07"))
    assert cli(demo, "device", "rename", "kald-07", "kald-x").returncode == 0
    await eventually(lambda: _none(topics("kald-07")))
    sim(demo, "kald-07")  # it speaks, under the name it has now
    await eventually(lambda: heard_from("kald-x"))
    assert (await demo.alert_of("kald-x"))["key"] == "help-call/kald-x"
    await close_all(demo)
    assert cli(demo, "device", "rename", "kald-x", "kald-07").returncode == 0
    await eventually(lambda: _none(topics("kald-x")))
    words = ("ny-99", "--address", "A4:C1:38:00:00:99", "--place", "room-11")
    assert cli(demo, "device", "add", *words).returncode == 0
    await eventually(lambda: topics("ny-99"))
    assert cli(demo, "device", "remove", "ny-99").returncode == 0
    await eventually(lambda: _none(topics("ny-99")))


async def _none(topics: Any) -> bool:
    return not await topics


async def test_every_topic_is_below_the_root(demo: Demo) -> None:
    """Nothing of ours stands elsewhere; discovery for Home Assistant is off by default."""
    async with demo.mqtt() as client:
        await client.subscribe("#", qos=1)
        seen = {str((await anext(client.messages)).topic) for _ in range(60)}
    ours = {topic for topic in seen if not topic.startswith(("zigbee2mqtt/", "answers/"))}
    assert ours
    assert all(topic.startswith(f"{ROOT}/") for topic in ours)
