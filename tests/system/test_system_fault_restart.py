"""A gateway that is killed while its broker and its radio live on, as in a real home."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiomqtt
import orjson

from support.gateway_process import ROOT, button, home
from support.retained import retained, same_on_both
from support.whole_house import heard, velgate

STATUS = f"{ROOT}/gateway/gw-1/status"


async def status_of(client: aiomqtt.Client, state: str) -> dict[str, Any]:
    """Wait for the gateway's status to be this."""
    while True:
        status: dict[str, Any] = orjson.loads(bytes((await heard(client, STATUS)).payload))
        if status["state"] == state:
            return status


async def test_the_will_the_restart_and_what_is_retained(tmp_path: Path) -> None:
    """Killed: offline by its will. Again: online, and who subscribes now sees what the page shows."""
    with home(tmp_path, [button(1), button(2), button(3)]) as house:
        gateway = house.start()
        async with house.mqtt() as watcher:
            await watcher.subscribe(STATUS, qos=1)
            before = await status_of(watcher, "online")
            for name in ("kald-01", "kald-02", "kald-03"):
                house.do(name, "press")
            open_, taken, closed = [
                (await gateway.alert_of(name))["id"] for name in ("kald-01", "kald-02", "kald-03")
            ]
            await same_on_both(house, gateway)
            assert (await gateway.act(taken, "acknowledge"))[0] == 200
            assert (await gateway.act(closed, "acknowledge"))[0] == 200
            status, _ = await gateway.act(closed, "resolve", outcome="assisted", spoken=True)
            assert status == 200
            gateway.kill()  # before the broker need have heard of the closing
            assert await status_of(watcher, "offline")
            gateway = house.start()
            after = await status_of(watcher, "online")
            assert after["instance"] == before["instance"]
        shown = await same_on_both(house, gateway)
        assert {open_: "unacknowledged", taken: "acknowledged"} == {
            one: alert["handling"] for one, alert in shown.items()
        }
        events = [topic for topic in await retained(house) if topic.endswith("/help_call")]
        assert events == []
        assert len(await gateway.readings("quantity=help_call")) == 3


MOMENTS_S = (0.0, 0.004, 0.02, 0.06)
"""How long after a press it is killed: before, in, and after the commit."""


async def test_killed_at_any_moment_what_was_confirmed_is_kept_and_nothing_is_doubled(tmp_path: Path) -> None:
    """What the page had as kept is there again; no press counts twice; the audit log is whole."""
    buttons = [button(1), button(2, key="5b51a7c91e4f2c0d8896aa10f3e27b64")]
    pressed = 0
    ids: set[str] = set()
    with home(tmp_path, buttons) as house:
        gateway = house.start()
        for moment_s in MOMENTS_S:
            for each in buttons:
                house.do(each.name, "press")
            pressed += 1
            kept = {each.name: await gateway.alert_of(each.name) for each in buttons}
            for each in buttons:
                house.do(each.name, "press")
            pressed += 1
            await asyncio.sleep(moment_s)
            gateway.kill()
            gateway = house.start()
            for each in buttons:
                after = await gateway.alert_of(each.name)
                ids.add(after["id"])
                assert after["id"] == kept[each.name]["id"]
                assert kept[each.name]["count"] <= after["count"] <= pressed
        shown = await same_on_both(house, gateway)
        assert shown.keys() == ids
        counted = sum(alert["count"] for alert in shown.values())
        assert len(await gateway.readings("quantity=help_call")) == counted
        checked = velgate("alert", "audit", "--verify", "--state", str(gateway.state))
        assert checked.returncode == 0, checked.stderr
