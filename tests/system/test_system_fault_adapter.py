"""An adapter that is off, gone, hung, without its bluetoothd, or deaf: said at once, and over by itself.

The devices here are expected every second and are silent after five, so that an adapter's trouble would ring
for each of them if silence of the radio were not told from silence of a device.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.eventually import holds
from support.gateway_process import Gateway, Home, Simulated, button, home

OFTEN = {"interval": 1.0}
SILENT_AFTER_S = 5.0
SETTINGS = {
    "radio": {"silence": "4s"},
    "alerts": {"supervision": {"intervals": 2, "at_least": f"{SILENT_AFTER_S:g}s"}},
}
DEVICES = [
    button(1, **OFTEN),
    button(2, **OFTEN),
    *(
        Simulated(
            name=f"klima-{n:02d}", kind="climate", address=f"A4:C1:38:00:02:{n:02X}", place="room-01", **OFTEN
        )
        for n in range(1, 5)
    ),
]


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
            trouble = await gateway.trouble("adapter.down", within_s=30)
            assert (trouble["priority"], trouble["concern"]) == ("high", "technical")
            assert trouble["title"]["da"]
            assert trouble["detail"]

            async def alone() -> bool:
                troubles = [each for each in await gateway.every_alert() if each["concern"] == "technical"]
                assert [each["id"] for each in troubles] == [trouble["id"]], troubles
                return True

            await holds(alone, for_s=SILENT_AFTER_S + 1, every_s=0.2)
            told = [each.data["adapters"][0]["state"] for each in stream.told if each.event == "gateway"]
            assert state in told
            house.do("adapter", *cure)
            await gateway.trouble_over("adapter.down", within_s=45)
            await gateway.adapter_is("up")
            await pressed_and_heard(house, gateway, "kald-02")
            await holds(alone_again(gateway), for_s=1, every_s=0.2)


def alone_again(gateway: Gateway):  # type: ignore[no-untyped-def]
    """Nothing technical is left over."""

    async def look() -> bool:
        return all(each["concern"] != "technical" for each in await gateway.every_alert())

    return look


async def test_a_bluetoothd_that_is_restarted_is_no_alert_and_loses_no_press(tmp_path: Path) -> None:
    """It is back in half a second: nobody need know, and the next press counts."""
    with home(tmp_path, DEVICES, settings=SETTINGS, broker=False) as house:
        gateway = house.start()
        await pressed_and_heard(house, gateway, "kald-01")
        house.do("adapter", "restart")
        await gateway.adapter_is("gone")
        await gateway.adapter_is("up")
        await pressed_and_heard(house, gateway, "kald-02")
        await holds(alone_again(gateway), for_s=1, every_s=0.2)
