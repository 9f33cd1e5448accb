"""The contract, `velgate run`: from `init --defaults` to a gateway that runs, reloads and ends.

Here the broker and the radio are not the gateway's own: either may be away, and both outlive it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import orjson
import pytest

from support.children import die_with_parent
from support.eventually import eventually, eventually_blocking
from support.gateway_process import GATEWAY, ROOT, Home, Simulated, button, home
from support.mosquitto import until_marker
from support.whole_house import BIN, velgate

STOP_WITHIN_S = 10.0
BED = Simulated(name="seng-03", kind="bed-sensor", address="A4:C1:38:00:03:03", place="room-03", interval=1.0)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Run a radio with a button and a bed, and a broker."""
    with home(tmp_path_factory.mktemp("run"), [button(1, interval=1.0), BED]) as made:
        yield made


async def retained(house: Home, topic: str = "#") -> dict[str, bytes]:
    """Give what the broker retains below the root."""
    found: dict[str, bytes] = {}
    async with house.mqtt() as client:
        await client.subscribe(f"{ROOT}/{topic}", qos=1)
        async for message in until_marker(client):
            if message.retain:
                assert isinstance(message.payload, bytes)
                found[str(message.topic).removeprefix(f"{ROOT}/")] = message.payload
    return found


def test_a_configuration_from_nothing_runs(tmp_path: Path) -> None:
    """`init --defaults`, `check`, `run --json`: the ready line first, null for what does not apply."""
    config, state = str(tmp_path / "etc"), str(tmp_path / "var")
    assert velgate("init", "--defaults", "--config", config).returncode == 0
    assert velgate("config", "set", "board.port", "0", "--config", config).returncode == 0
    assert velgate("check", "--config", config).returncode == 0
    env = {key: value for key, value in os.environ.items() if key != "DBUS_SYSTEM_BUS_ADDRESS"}
    with (tmp_path / "log").open("wb") as log:
        gateway = subprocess.Popen(
            [str(BIN / "velgate"), "run", "--json"],
            env={**env, "VELGATE_CONFIG": config, "VELGATE_STATE": state},
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
        )
    try:
        assert gateway.stdout is not None
        ready = json.loads(gateway.stdout.readline())
        assert ready.keys() >= {
            "event", "board", "sign_in", "socket", "mqtt", "root", "state", "config", "bus", "control",
        }  # fmt: skip
        assert [ready[key] for key in ("sign_in", "mqtt", "bus", "control")] == [None] * 4
        assert (ready["state"], ready["config"]) == (state, config)
        assert stat.S_IMODE(Path(ready["socket"]).stat().st_mode) == 0o660
        second = velgate("run", "--config", config, "--state", state)
        assert second.returncode == 6
        assert "--state" in second.stderr
        health = json.loads(velgate("status", "--json", "--state", state).stdout)
        assert {outlet["state"] for outlet in health["outlets"]} == {"off"}
        (adapter,) = health["adapters"]
        assert adapter["silent_s"] is None  # nothing was ever heard: nobody knows
        assert health["level"] in {"warn", "error"}
        began = time.monotonic()
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(STOP_WITHIN_S) == 0
        assert time.monotonic() - began < STOP_WITHIN_S
        assert gateway.stdout.read() == b""
    finally:
        gateway.kill()
        gateway.wait()
    assert velgate("status", "--state", state).returncode == 5


async def test_over_a_kill_the_will_the_same_instance_and_a_device_removed_meanwhile(house: Home) -> None:
    """Offline by the will and at the end; what the gateway left on the broker it knows in its next life."""
    gateway = house.start("will")
    status = f"gateway/{GATEWAY}/status"
    before = orjson.loads((await retained(house, status))[status])
    assert before["state"] == "online"

    async def there() -> bool:
        kept = await retained(house, "device/kald-01/#")
        return {"device/kald-01/status", "device/kald-01/battery"} <= kept.keys()

    await eventually(there)
    async with house.mqtt() as client:
        await client.subscribe(f"{ROOT}/{status}", qos=1)
        gateway.kill()
        while True:
            message = await _next(client)
            if orjson.loads(message.payload)["state"] == "offline":  # type: ignore[arg-type]
                break
    assert orjson.loads(message.payload)["instance"] == before["instance"]  # type: ignore[arg-type]
    assert getattr(message.properties, "ContentType", None) == "application/json"
    assert getattr(message.properties, "UserProperty", None) == [("schema", "velgate/status/1")]
    where = ("--config", str(gateway.config.folder), "--state", str(gateway.state))
    assert velgate("device", "remove", "kald-01", *where).returncode == 0
    again = house.start("will")
    assert orjson.loads((await retained(house, status))[status])["instance"] == before["instance"]

    async def gone() -> bool:
        return not await retained(house, "device/kald-01/#")

    await eventually(gone)
    assert again.stop() == 0
    assert orjson.loads((await retained(house, status))[status])["state"] == "offline"


async def _next(client: aiomqtt.Client) -> aiomqtt.Message:
    async with asyncio.timeout(60):
        return await anext(client.messages)


async def test_what_ends_while_the_broker_is_away_is_cleared_when_it_is_back(house: Home) -> None:
    """A device removed, and a basis withdrawn: neither stays readable on the broker."""
    gateway = house.start("away")
    where = ("--config", str(gateway.config.folder), "--state", str(gateway.state))
    words = ("room-03", "presence", "--kind", "consent", "--until", "2030-01-01")
    assert velgate("basis", "add", *words, *where[2:]).returncode == 0
    wanted = {"device/seng-03/bed_occupancy", "device/seng-03/battery", "device/kald-01/battery"}

    async def there() -> bool:
        return wanted <= (await retained(house, "device/#")).keys()

    await eventually(there)
    house.broker.stop()
    await gateway.outlet_is("down")
    assert velgate("basis", "withdraw", "room-03", "presence", *where[2:]).returncode == 0
    assert velgate("device", "remove", "kald-01", *where).returncode == 0
    house.broker.start()
    await gateway.outlet_is("up", within_s=60)

    async def cleared() -> bool:
        kept = (await retained(house, "device/#")).keys()
        return "device/seng-03/battery" in kept and not {
            each for each in kept if each.startswith("device/kald-01") or each.endswith("bed_occupancy")
        }

    await eventually(cleared)
    assert gateway.stop() == 0


async def test_sighup_reloads_and_a_mistake_leaves_the_old_one_in_force(house: Home) -> None:
    """With a technical alert, which is over when the mistake is."""
    gateway = house.start("reload")
    gateway.config.change({"place": {"room-09": {"label": "Bolig 9"}}})
    gateway.config.spoil("\nnonsense = 1\n")
    gateway.reload()
    alert = await gateway.trouble("config.invalid")
    assert alert["priority"] == "technical"
    check = velgate("check", "--config", str(gateway.config.folder))
    assert check.returncode == 3
    gateway.config.change({"device": {"seng-03": None}})
    gateway.reload()
    await gateway.trouble_over("config.invalid")

    async def without() -> bool:
        rows = (await gateway.get("/api/v1/devices"))["devices"]
        return "seng-03" not in {row["device"] for row in rows}

    await eventually(without)
    assert gateway.stop() == 0
    eventually_blocking(lambda: gateway.process.poll() == 0)
