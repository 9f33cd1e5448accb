"""An adapter that is off, gone, hung, deaf, or without bluetoothd or bus: said at once, over by itself.

The devices here are expected every second and are silent after five, so that an adapter's trouble would ring
for each of them if silence of the radio were not told from silence of a device.
"""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.children import die_with_parent
from support.eventually import eventually, eventually_blocking, holds
from support.gateway_process import Gateway, Home, Simulated, button, home
from support.sim_world import simulator_process
from support.simulator import Simulator

OFTEN_S = 1.0
SILENT_AFTER_S = 5.0
LOOKED_AT_LONG = ("off", "deaf")  # one that says so itself, one that does not
SETTINGS = {
    "radio": {"silence": "4s"},
    "alerts": {"supervision": {"intervals": 2, "at_least": f"{SILENT_AFTER_S:g}s"}},
}
DEVICES = [
    button(1, interval=OFTEN_S),
    button(2, interval=OFTEN_S),
    *(
        Simulated(
            name=f"klima-{n:02d}",
            kind="climate",
            address=f"A4:C1:38:00:02:{n:02X}",
            place="room-01",
            interval=OFTEN_S,
        )
        for n in range(1, 5)
    ),
]

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


async def pressed_and_heard(house: Home, gateway: Gateway, device: str) -> None:
    """Press, and see the call on the page."""
    house.do(device, "press")
    await gateway.alert_of(device)


@pytest.mark.parametrize(
    ("fault", "cure", "state"),
    [
        (("off",), ("on",), "off"),
        (("vanish",), ("return",), "gone"),
        (("kill",), ("restart",), "gone"),
        (("hang",), ("unhang",), "deaf"),
        (("deaf",), ("hear",), "deaf"),
    ],
    ids=["off", "gone", "bluetoothd-dead", "hung", "deaf"],
)
async def test_a_trouble_of_the_adapter_is_one_alert_and_ends_by_itself(
    tmp_path: Path, fault: tuple[str], cure: tuple[str], state: str
) -> None:
    """Health and page say it; no device rings beside; cured, it is over, and a press is heard."""
    with home(tmp_path, DEVICES, settings=SETTINGS, broker=False) as house:
        gateway = house.start()
        await pressed_and_heard(house, gateway, "kald-01")
        await gateway.adapter_is("up")
        async with gateway.stream() as stream:
            house.do("adapter", *fault)
            await gateway.adapter_is(state)
            trouble = await gateway.trouble("adapter.down")
            assert (trouble["priority"], trouble["concern"]) == ("high", "technical")
            assert trouble["title"]["da"]
            assert trouble["detail"]

            async def alone() -> bool:
                troubles = [each for each in await gateway.every_alert() if each["concern"] == "technical"]
                assert [each["id"] for each in troubles] == [trouble["id"]], troubles
                return True

            await holds(alone, for_s=SILENT_AFTER_S + 1 if state in LOOKED_AT_LONG else 1, every_s=0.2)
            told = [each.data["adapters"][0]["state"] for each in stream.told if each.event == "gateway"]
            assert state in told
            house.do("adapter", *cure)
            await gateway.trouble_over("adapter.down")
            await gateway.adapter_is("up")
            await pressed_and_heard(house, gateway, "kald-02")
            await holds(alone_again(gateway), for_s=1, every_s=0.2)


def alone_again(gateway: Gateway) -> Callable[[], Awaitable[bool]]:
    """Ask whether nothing technical is left over."""

    async def look() -> bool:
        return all(each["concern"] != "technical" for each in await gateway.every_alert())

    return look


async def test_a_bluetoothd_that_is_restarted_is_no_alert_and_loses_no_press(tmp_path: Path) -> None:
    """It is back in half a second: nobody need know, and the next press counts."""
    with home(tmp_path, DEVICES, settings=SETTINGS, broker=False) as house:
        gateway = house.start()
        await pressed_and_heard(house, gateway, "kald-01")
        house.do("adapter", "restart")
        await eventually(
            lambda: "bluetoothd is gone" in gateway.log()
        )  # too short for whoever looks at health
        await gateway.adapter_is("up")
        await pressed_and_heard(house, gateway, "kald-02")
        await holds(alone_again(gateway), for_s=1, every_s=0.2)


async def test_a_system_bus_that_comes_late_and_dies_is_found_again(tmp_path: Path) -> None:
    """The page answers without it; with it calls are heard, and again after it was begun anew."""
    address = f"unix:path={tmp_path / 'bus'}"
    with home(tmp_path, DEVICES, settings=SETTINGS, broker=False) as house:
        gateway = house.start(env={"DBUS_SYSTEM_BUS_ADDRESS": address})
        trouble = await gateway.trouble("adapter.down")
        assert trouble["priority"] == "high"
        for device in ("kald-01", "kald-02"):
            with bus_of_our_own(tmp_path, address), radio_on(tmp_path, address) as radio:
                await gateway.adapter_is("up")
                radio.do(device, "press")
                await gateway.alert_of(device)
            await gateway.adapter_is("gone")
            await gateway.trouble("adapter.down")


@contextmanager
def bus_of_our_own(folder: Path, address: str) -> Iterator[None]:
    """Run a D-Bus at an address, where anybody may own any name."""
    file = folder / "bus.conf"
    file.write_text(BUS.format(address=address))
    process = subprocess.Popen(
        ["dbus-daemon", f"--config-file={file}", "--nofork", "--nopidfile"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
    )
    path = Path(address.removeprefix("unix:path="))
    try:
        eventually_blocking(path.exists)
        yield
    finally:
        process.kill()
        process.wait()
        path.unlink(missing_ok=True)


@contextmanager
def radio_on(folder: Path, address: str) -> Iterator[Simulator]:
    """Run the devices behind a BlueZ on that bus; their counters go on where they were."""
    options = [
        str(folder / "scenario.toml"),
        "--quiet",
        "--bus",
        address,
        "--state",
        str(folder / "counters"),
    ]
    with simulator_process(*options, runtime=folder) as child:
        yield Simulator(child.process, child.ready)
