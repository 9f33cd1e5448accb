"""Real bleak connects to the simulated strap and thermometer: discovery, read, notify, drop, slots."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError

from support.eventually import eventually
from support.sim_world import simulated

STRAP, THERMOMETER = "A4:C1:38:00:00:06", "A4:C1:38:00:00:07"
BOTH = f"""
[[device]]
name = "hjerte-05"
kind = "heart-rate-strap"
address = "{STRAP}"
interval = 0.1

[[device]]
name = "termo-06"
kind = "thermometer"
address = "{THERMOMETER}"
interval = 0.1
"""
HCI0: Any = {"adapter": "hci0"}


async def found(address: str) -> BLEDevice:
    """Scan until the device advertises."""
    device = await BleakScanner.find_device_by_address(address, timeout=60, bluez=HCI0)
    assert device is not None
    return device


async def test_services_of_the_strap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Heart rate, battery, device information; each characteristic with its flags; reads give values."""
    async with simulated(BOTH, monkeypatch, tmp_path), BleakClient(await found(STRAP)) as client:
        flags = {c.uuid[4:8]: c.properties for s in client.services for c in s.characteristics}
        assert await client.read_gatt_char("2a19") == b"\x57"
        assert await client.read_gatt_char("2a38") == b"\x01"
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char("2a37")  # it only notifies
        with pytest.raises(BleakGATTProtocolError):
            await client.write_gatt_char("2a19", b"\x01", response=True)  # it is only read
        level = client.services.get_characteristic("2a19")
        assert level is not None
        configuration = level.get_descriptor("2902")
        assert configuration is not None
        assert await client.read_gatt_descriptor(configuration) == b"\x00\x00"
        await client.start_notify("2a19", lambda *_: None)
        assert await client.read_gatt_descriptor(configuration) == b"\x01\x00"
    assert flags["2a37"] == ["notify"]
    assert flags["2a19"] == ["read", "notify"]
    assert {"2a29", "2a24", "2a38"} <= set(flags)


@pytest.mark.parametrize("start_notify", [True, False])
async def test_heart_rate_is_notified(
    start_notify: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By StartNotify and by AcquireNotify; `measure` sets the rate that is sent at once."""
    values: list[bytes] = []
    async with simulated(BOTH, monkeypatch, tmp_path) as world, BleakClient(await found(STRAP)) as client:
        await client.start_notify(
            "2a37", lambda _, data: values.append(bytes(data)), bluez={"use_start_notify": start_notify}
        )
        answer = await world.act("hjerte-05", "measure", "140")
        await eventually(lambda: values)
        await client.stop_notify("2a37")
        await asyncio.sleep(0.05)
        unheard = await world.act("hjerte-05", "measure", "140")
    assert answer["did"] == "measured 140 beats a minute"
    assert values[0][0] == 0x16
    assert values[0][1] == 140
    assert "nobody has subscribed" in unheard["did"] or not start_notify


async def test_strap_without_skin_contact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It then says so, and sends neither rate nor intervals."""
    values: list[bytes] = []
    async with simulated(BOTH, monkeypatch, tmp_path) as world, BleakClient(await found(STRAP)) as client:
        await client.start_notify("2a37", lambda _, data: values.append(bytes(data)))
        await world.act("hjerte-05", "take_off", None)
        await eventually(lambda: b"\x04\x00" in values)


async def test_thermometer_keeps_a_measurement_until_somebody_subscribes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Indications come for what was measured before the link, and then at once."""
    values: list[bytes] = []
    async with simulated(BOTH, monkeypatch, tmp_path) as world:
        kept = await world.act("termo-06", "measure", "38.2")
        async with BleakClient(await found(THERMOMETER)) as client:
            await client.start_notify("2a1c", lambda _, data: values.append(bytes(data)))
            await eventually(lambda: len(values) == 1)
            await world.act("termo-06", "measure", "36.6")
            await eventually(lambda: len(values) == 2)
    assert "kept" in kept["did"]
    assert [value[:5].hex() for value in values] == ["067e0100ff", "066e0100ff"]


async def test_a_connected_device_is_silent_on_the_air(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So that silence of its advertisements is no sign of trouble while it is connected."""
    async with simulated(BOTH, monkeypatch, tmp_path) as world:
        strap: Any = world.devices["hjerte-05"]
        async with BleakClient(await found(STRAP)):
            before = world.air.sent
            strap.beat()
            assert world.air.sent == before
        strap.beat()
        assert world.air.sent > before


@pytest.mark.parametrize("cache", ["always", "no"])
async def test_lost_link_and_a_new_one(cache: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The client's callback comes; attributes may stay on the bus (GATT cache); connecting again works."""
    gone = asyncio.Event()
    text = f'[adapter]\ngatt_cache = "{cache}"\n{BOTH}'
    async with simulated(text, monkeypatch, tmp_path) as world:
        client = BleakClient(await found(STRAP), disconnected_callback=lambda _: gone.set())
        await client.connect()
        await world.act("hjerte-05", "drop", None)
        await asyncio.wait_for(gone.wait(), 60)
        with pytest.raises(BleakError, match="Service Discovery"):
            await client.read_gatt_char("2a19")
        async with BleakClient(await found(STRAP)) as again:
            assert await again.read_gatt_char("2a19") == b"\x57"


async def test_link_that_breaks_during_a_read_answers_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`Failed`, "Not connected", and not a call that waits for ever."""
    async with simulated(BOTH, monkeypatch, tmp_path) as world:
        client = BleakClient(await found(STRAP))
        await client.connect()
        await world.act("hjerte-05", "drop_on_read", None)
        with pytest.raises(BleakError):
            await asyncio.wait_for(client.read_gatt_char("2a19"), 2)
        await eventually(lambda: not client.is_connected)


async def test_no_connection_slot_is_a_loop_until_the_timeout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A full controller aborts each attempt; bleak tries until its own timeout."""
    async with simulated(BOTH, monkeypatch, tmp_path) as world:
        device = await found(STRAP)
        await world.act("adapter", "slots", "0")
        with pytest.raises(TimeoutError):
            await BleakClient(device, timeout=0.6).connect()
        await world.act("adapter", "slots", "1")
        async with BleakClient(device) as client:
            assert client.is_connected


async def test_a_silent_device_is_not_connected_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Connect waits; the client gives up, and the attempt ends with its Disconnect."""
    async with simulated(BOTH, monkeypatch, tmp_path) as world:
        device = await found(STRAP)
        await world.act("hjerte-05", "silence", None)
        with pytest.raises(TimeoutError):
            await BleakClient(device, timeout=0.4).connect()
        await world.act("hjerte-05", "wake", None)
        async with BleakClient(device) as client:
            assert client.is_connected


async def test_battery_is_notified_and_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`battery 4` reaches whoever subscribed."""
    values: list[bytes] = []
    async with simulated(BOTH, monkeypatch, tmp_path) as world, BleakClient(await found(STRAP)) as client:
        await client.start_notify("2a19", lambda _, data: values.append(bytes(data)))
        await world.act("hjerte-05", "battery", "4")
        await eventually(lambda: values == [b"\x04"])


async def test_pairing_and_forgetting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ "Just works" pairing; pairing twice is refused by bleak's own look; unpairing removes the device."""
    async with simulated(BOTH, monkeypatch, tmp_path):
        device = await found(STRAP)
        client = BleakClient(device)
        await client.connect()
        await client.pair()
        await client.unpair()
        with pytest.raises((BleakError, BleakDBusError)):
            await BleakClient(device, timeout=1).connect()
