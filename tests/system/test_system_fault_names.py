"""Two gateways with one name on one broker: the later keeps its outlet shut, says so, and alarms on."""

from __future__ import annotations

from pathlib import Path

import aiomqtt
import orjson

from support.eventually import eventually
from support.gateway_process import ROOT, Gateway, button, home


async def test_the_later_of_one_name_stays_off_the_broker_until_the_first_has_gone(tmp_path: Path) -> None:
    """Each has its own alert of the same press; only the first's is published, until it ends."""
    published: list[str] = []
    with home(tmp_path, [button(1), button(2)]) as house:
        first = house.start("first")
        await first.outlet_is("up")
        later = house.start("later", config=first.config)
        trouble = await later.trouble("outlet.foreign")
        assert trouble["concern"] == "technical"
        await later.outlet_is("off")
        async with house.mqtt() as client:
            await client.subscribe(f"{ROOT}/alert/+", qos=1)
            house.do("kald-01", "press")
            its = (await later.alert_of("kald-01"))["id"]
            theirs = (await first.alert_of("kald-01"))["id"]
            assert its != theirs
            async with later.stream() as page:
                house.do("kald-02", "press")
                await page.seen("alert", device="kald-02")
            status, _ = await later.act(its, "acknowledge")
            assert status == 200
            await _until(client, (await first.alert_of("kald-02"))["id"], published)
        assert its not in published
        assert theirs in published
        assert await _instance(house.mqtt()) == _instance_of(first)
        assert all(alert["kind"] != "outlet.foreign" for alert in await first.every_alert())
        await first.outlet_is("up")
        assert first.stop() == 0
        await later.outlet_is("up")
        await later.trouble_over("outlet.foreign")
        assert await _instance(house.mqtt()) == _instance_of(later)

        async def takes_over() -> bool:
            async with house.mqtt() as client:
                await client.subscribe(f"{ROOT}/alert/{its}", qos=1)
                async for message in client.messages:
                    document = orjson.loads(bytes(message.payload))
                    return bool(document["handling"] == "acknowledged")
            return False

        assert await eventually(takes_over)


async def _until(client: aiomqtt.Client, alert: str, published: list[str]) -> None:
    """Collect what is published until this alert is."""
    async for message in client.messages:
        published.append(str(message.topic).rpartition("/")[2])
        if published[-1] == alert:
            return


async def _instance(broker: aiomqtt.Client) -> str:
    """Give whose status the broker keeps."""
    async with broker as client:
        await client.subscribe(f"{ROOT}/gateway/gw-1/status", qos=1)
        async for message in client.messages:
            document = orjson.loads(bytes(message.payload))
            if document["state"] == "online":
                return str(document["instance"])
    raise AssertionError("no status")


def _instance_of(gateway: Gateway) -> str:
    return (gateway.state / "instance").read_text().strip()
