"""A configuration that is wrong: refused whole at a start, and at a reload the old one stays in force."""

from __future__ import annotations

import re
from pathlib import Path

from support.eventually import eventually, holds
from support.gateway_process import BUTTON, Config, Gateway, button, home
from support.whole_house import velgate

MISTAKES = """
[radio]
silense = "60s"
connections = "many"

[device.kald-90]
address = "A4:C1:38"
place = "room-01"

[device.kald-91]
address = "A4:C1:38:00:01:91"
place = "room-99"

[person.x]
roles = ["doctor"]
"""
WHERE = {
    "radio.silense",
    "radio.connections",
    "device.kald-90.address",
    "device.kald-91.place",
    "person.x",
}


def test_a_start_with_five_mistakes_names_all_five(tmp_path: Path) -> None:
    """Exit code 3; each with file and line, what was expected and what was found; no state is made."""
    with home(tmp_path, broker=False) as house:
        config = house.config()
        config.spoil(MISTAKES)
        lines = (config.folder / "gateway.toml").read_text().splitlines()
        state = tmp_path / "state"
        done = velgate("run", "--config", str(config.folder), "--state", str(state), "--json")
        assert done.returncode == 3, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        heads = re.findall(r"^gateway\.toml:(\d+)  (\S+)$", done.stderr, re.MULTILINE)
        for where in WHERE:
            numbers = [int(number) for number, key in heads if key.startswith(where)]
            assert len(numbers) == 1, (where, done.stderr)
            leaf = where.rpartition(".")[2]
            near = lines[numbers[0] - 1]
            assert leaf in near or leaf in lines[numbers[0] - 2], (where, near)
        assert done.stderr.count("expected") >= len(WHERE)
        assert not state.exists()


async def test_a_reload_takes_a_new_device_and_refuses_a_mistake(tmp_path: Path) -> None:
    """Its press is heard without a restart; with a mistake everything goes on as before, and that is told."""
    new = button(2, unknown=True)
    with home(tmp_path, [BUTTON, new]) as house:
        gateway = house.start()
        house.do("kald-01", "press")
        await gateway.alert_of("kald-01", count=1)
        entry = {
            "address": new.address,
            "place": new.place,
            "driver": "bthome",
            "profile": "call-button",
            "heard_every": "10s",
        }
        config = gateway.config
        config.change({"device": {"kald-02": entry}})
        config.spoil(MISTAKES)
        gateway.reload()
        invalid = await gateway.trouble("config.invalid")
        assert invalid["concern"] == "technical"
        assert "gateway.toml" in invalid["detail"]
        house.do("kald-01", "press")
        await gateway.alert_of("kald-01", count=2)
        assert await _devices(gateway) == {"kald-01"}, "nothing of a wrong configuration is taken over"

        await _taken_over(gateway, config, {"kald-01", "kald-02"})
        await gateway.trouble_over("config.invalid")
        house.do("kald-02", "press")
        assert (await gateway.alert_of("kald-02"))["place"] == "room-02"
        assert (await gateway.alert_of("kald-01"))["count"] == 2

        config.change({"device": {"kald-02": None}})
        await _taken_over(gateway, config, {"kald-01"})
        house.do("kald-02", "press")
        house.do("kald-01", "press")
        await gateway.alert_of("kald-01", count=3)
        found = await gateway.alert_of("kald-02")
        assert found["count"] == 1, "its call is still open, and what is said after it was removed is not its"

        async def still_one() -> bool:
            return [one["count"] for one in await gateway.alerts() if one["device"] == "kald-02"] == [1]

        await holds(still_one, for_s=1, every_s=0.1)


async def _taken_over(gateway: Gateway, config: Config, devices: set[str]) -> None:
    config.change({})
    gateway.reload()

    async def so() -> bool:
        return await _devices(gateway) == devices

    await eventually(so)


async def _devices(gateway: Gateway) -> set[str]:
    return {row["device"] for row in (await gateway.get("/api/v1/devices"))["devices"]}
