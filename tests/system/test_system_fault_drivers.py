"""Third parties' drivers that raise, hang and eat memory: contained, set aside, told; no call is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

from support.eventually import eventually
from support.gateway_process import Gateway, Simulated, button, home
from support.whole_house import processes_with

RAISES = """
def decode(frame):
    raise RuntimeError("resident Hansen")
"""
HANGS = """
def decode(frame):
    while True:
        pass
"""
EATS = """
kept = []

def decode(frame):
    while True:
        kept.append(bytearray(16 << 20))
"""
GUESTS = {"guest-raises": RAISES, "guest-hangs": HANGS, "guest-eats": EATS}
MODULE = """
from datetime import timedelta

from gateway.driver import Match, MessageDriver
from gateway.driver import quantities as q

{decode}

driver = MessageDriver(
    name="{name}", version="1.0.0", models=("a guest",), match=Match.topic("{name}/{{device}}"),
    heard_every=timedelta(hours=1), decode=decode, reports=(q.temperature,),
)
"""
ZIGBEE = Simulated(name="sos-09", kind="zigbee-sos", place="room-09")


def install(site: Path) -> None:
    """Put one distribution with the three drivers where PYTHONPATH finds it, as a wheel would lie there."""
    info = site / "velgate_guests-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: velgate-guests\nVersion: 1.0\n")
    points = []
    for name, decode in GUESTS.items():
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(MODULE.format(name=name, decode=decode))
        points.append(f"{name} = {module}:driver")
    (info / "entry_points.txt").write_text("\n".join(["[velgate.drivers]", *points]) + "\n")


@asynccontextmanager
async def speaking(broker: aiomqtt.Client) -> AsyncIterator[None]:
    """Let the devices of all three speak ten times a second for the length of the block."""

    async def speak() -> None:
        async with broker as client:
            number = 0
            while True:
                number += 1
                for name in GUESTS:
                    await client.publish(f"{name}/one", f'{{"number": {number}}}', qos=1)
                await asyncio.sleep(0.1)

    speaks = asyncio.create_task(speak())
    try:
        yield
    finally:
        speaks.cancel()
        await asyncio.gather(speaks, return_exceptions=True)


async def quarantined(gateway: Gateway) -> set[str]:
    """Give the drivers that are set aside."""
    return set((await gateway.get("/api/v1/health"))["drivers"]["quarantined"])


async def test_wild_drivers_of_others_are_set_aside_and_nobody_else_notices(tmp_path: Path) -> None:
    """Presses over radio and MQTT count while they rage and afterwards; each is told to the technician."""
    install(tmp_path / "site")
    settings = {
        "device": {
            name: {"topic": f"{name}/one", "driver": name, "place": "room-01", "profile": "climate"}
            for name in GUESTS
        },
    }
    with home(tmp_path, [button(1), button(2), ZIGBEE], settings=settings) as house:
        gateway = house.start(env={"PYTHONPATH": str(tmp_path / "site")})
        known = {row["device"]: row["driver"] for row in (await gateway.get("/api/v1/devices"))["devices"]}
        assert known.items() >= {name: name for name in GUESTS}.items()
        async with speaking(house.mqtt()):
            presses = 0

            async def all_set_aside() -> bool:
                nonlocal presses
                presses += 1
                house.do("kald-01", "press")
                await gateway.alert_of("kald-01", count=presses)
                return await quarantined(gateway) == set(GUESTS)

            await eventually(all_set_aside, every_s=0.1)
            house.do("sos-09", "press")
            house.do("kald-02", "press")
            await gateway.alert_of("kald-02")
            await gateway.alert_of("sos-09")

            async def all_told() -> bool:
                troubles = [one for one in await gateway.every_alert() if one["kind"] == "driver.quarantined"]
                assert {one["priority"] for one in troubles} <= {"technical"}
                return {one["key"].rpartition("/")[2] for one in troubles} == set(GUESTS)

            await eventually(all_told)
        assert await gateway.text("/healthz") == (200, "ok")
        assert "Hansen" not in gateway.log()
        assert all(room["restarts"] == 0 for room in (await gateway.get("/api/v1/health"))["rooms"])
        pid = gateway.process.pid
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
        assert resident < 300 << 20
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        assert gateway.stop() == 0
        await eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
        assert processes_with("guest-hangs") == []
