"""Real bleak scans the simulated home: bursts, merged data, two scanners, expiry, what BlueZ leaves out."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError

from firmware_sim.air import Packet
from firmware_sim.formats import bthome
from support.eventually import eventually
from support.sim_world import BUTTON, simulated

ADDRESS = "A4:C1:38:00:00:01"
FCD2 = "0000fcd2-0000-1000-8000-00805f9b34fb"
EVERY_PACKET = {"adapter": "hci0", "filters": {"DuplicateData": True, "RSSI": -127}}
EVERY_CHANGE = {"adapter": "hci0"}


class Ear:
    """Keeps what a scanner's callback was given."""

    def __init__(self) -> None:
        self.heard: list[AdvertisementData] = []

    def __call__(self, device: BLEDevice, data: AdvertisementData) -> None:
        self.heard.append(data)

    def with_button(self) -> list[bytes]:
        """Service data that ends in a plain press."""
        return [d for each in self.heard if (d := each.service_data.get(FCD2, b"")).endswith(b"\x3a\x01")]


def packet(rssi: int = -60, **changes: object) -> Packet:
    """A packet of a device of no scenario."""
    given: dict[str, object] = {"service_data": {"fcd2": b"\x40\x01\x57"}, **changes}
    return Packet(address="A4:C1:38:AA:00:01", rssi=rssi, **given)  # type: ignore[arg-type]


async def test_one_press_is_a_burst_of_equal_frames_and_then_a_beat(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A dozen equal advertisements over about two seconds, the first before `act` answers.

    The beat after them takes the press out of BlueZ's memory, and lets the device be supervised.
    """
    ear = Ear()
    text = BUTTON.replace("interval = 60", "interval = 0.5")
    async with simulated(text, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_PACKET):
        sent = world.air.sent
        answer = await world.act("kald-01", "press", None)
        assert world.air.sent == sent + 1
        assert answer["did"] == "sent press"
        await eventually(lambda: len(ear.with_button()) == 12)
        presses = len(ear.heard)
        await eventually(lambda: len(ear.heard) > presses)
    assert len(set(ear.with_button())) == 1
    assert ear.heard[-1].service_data[FCD2][3:] == bthome.BATTERY.encode(87)


async def test_two_presses_have_packet_ids_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Object 0x00 comes first and differs, so that a second press is news."""
    ear = Ear()
    async with simulated(BUTTON, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_PACKET):
        await world.act("kald-01", "press", None)
        await eventually(ear.with_button)
        await world.act("kald-01", "press", None)
        await eventually(lambda: len(set(ear.with_button())) == 2)
    first, second = dict.fromkeys(ear.with_button())
    assert first[:2] == second[:2] == bytes([0x44, 0x00])
    assert second[2] == (first[2] + 1) % 256


async def test_encrypted_frames_count_up_over_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The counter is above every earlier one, also without a state folder: a replay is refused for good."""
    text = BUTTON + 'key = "231d39c1d7cc1ab1aee224cd096db932"\n'

    async def counters_of_a_run() -> list[int]:
        ear = Ear()
        async with (
            simulated(text, monkeypatch, tmp_path, state=tmp_path) as world,
            BleakScanner(ear, bluez=EVERY_PACKET),
        ):
            for _ in range(3):
                await world.act("kald-01", "press", None)
            await eventually(lambda: len({each.service_data[FCD2] for each in ear.heard}) >= 3)
        frames = dict.fromkeys(each.service_data[FCD2] for each in ear.heard)
        assert all(each[0] == 0x45 for each in frames)
        return [int.from_bytes(each[-8:-4], "little") for each in frames]

    counters = [*await counters_of_a_run(), *await counters_of_a_run()]
    assert counters == sorted(set(counters))


async def test_data_of_several_packets_are_merged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without DuplicateData an old entry stays beside a new one, so a callback is no packet."""
    ear = Ear()
    async with simulated("", monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_CHANGE):
        world.air.send(packet())
        world.air.send(packet(service_data={"181a": b"\x01"}, name="Tag"))
        await eventually(lambda: len(ear.heard) == 2)
    assert set(ear.heard[1].service_data) == {FCD2, FCD2.replace("fcd2", "181a")}
    assert (ear.heard[0].local_name, ear.heard[1].local_name) == (None, "Tag")


async def test_duplicate_data_drops_the_old_entries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With it, each packet replaces what its kind of data had before."""
    ear = Ear()
    async with simulated("", monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_PACKET):
        world.air.send(packet())
        world.air.send(packet(service_data={"181a": b"\x01"}))
        await eventually(lambda: len(ear.heard) == 2)
    assert set(ear.heard[1].service_data) == {FCD2.replace("fcd2", "181a")}


@pytest.mark.parametrize(
    ("release", "filters", "callbacks"),
    [
        ("5.66", EVERY_CHANGE, 3),  # the signal strength of each packet, even if equal
        ("5.88", EVERY_CHANGE, 1),  # equal bytes and a strength that differs by less than 8 dB
        ("5.88", EVERY_PACKET, 3),
    ],
)
async def test_what_an_equal_packet_brings_depends_on_release_and_filter(
    release: str, filters: dict[str, object], callbacks: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Three packets with equal bytes; the fourth, from another device, says that they are through."""
    ear = Ear()
    text = f'[adapter]\nrelease = "{release}"\n'
    async with simulated(text, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=filters):
        for rssi in (-60, -60, -63):
            world.air.send(packet(rssi))
        world.air.send(Packet(address="A4:C1:38:AA:00:02", rssi=-50))
        await eventually(lambda: ear.heard and ear.heard[-1].rssi == -50)
    assert len(ear.heard) == callbacks + 1


async def test_a_controller_may_drop_what_repeats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`repeats = "changes"`: no filter on the bus brings back what the controller did not report."""
    ear = Ear()
    text = '[adapter]\nrepeats = "changes"\n'
    async with simulated(text, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_PACKET):
        for data in (b"\x40\x01\x57", b"\x40\x01\x57", b"\x40\x01\x56"):
            world.air.send(packet(service_data={"fcd2": data}))
        await eventually(lambda: ear.heard and ear.heard[-1].service_data[FCD2][-1] == 0x56)
    assert len(ear.heard) == 2


async def test_two_programs_scan_and_one_leaves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sessions belong to a bus connection: `velgate scan` beside a gateway takes nothing away from it."""
    ear = Ear()
    async with simulated(BUTTON, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_PACKET):
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SCAN_ONCE, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdout is not None
        assert (await other.stdout.readline()).strip() == b"scanning"
        await world.act("kald-01", "press", None)
        assert (await other.stdout.readline()).strip() == ADDRESS.encode()
        other.kill()  # without StopDiscovery
        await other.wait()
        before = len(ear.heard)
        await world.act("kald-01", "press", None)
        await eventually(lambda: len(ear.heard) > before)


_SCAN_ONCE = """
import asyncio
from bleak import BleakScanner
async def main():
    async with BleakScanner(bluez={"adapter": "hci0"}) as scanner:
        print("scanning", flush=True)
        async for device, data in scanner.advertisement_data():
            if data.service_data and list(data.service_data.values())[0].endswith(b"\\x3a\\x01"):
                print(device.address, flush=True)
                await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_silent_device_is_forgotten_and_comes_back_as_new(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TemporaryTimeout: InterfacesRemoved, and InterfacesAdded with the next packet."""
    ear = Ear()
    text = "[adapter]\ntemporary_timeout = 0.2\n"
    async with simulated(text, monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=EVERY_CHANGE) as scan:
        world.air.send(packet())
        await eventually(lambda: ear.heard)
        await eventually(lambda: not scan.discovered_devices)
        world.air.send(packet())
        await eventually(lambda: len(ear.heard) == 2)
    assert ear.heard[1].service_data == ear.heard[0].service_data


async def test_power_off_brings_old_data_without_a_signal_strength(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """bleak then calls back with -127 and what was there before: no packet was received.

    Power that comes back brings nobody's discovery back, and stopping it is refused.
    """
    ear = Ear()
    async with simulated("", monkeypatch, tmp_path) as world:
        scanner = BleakScanner(ear, bluez=EVERY_PACKET)
        await scanner.start()
        world.air.send(packet())
        await eventually(lambda: ear.heard)
        await world.act("adapter", "off", None)
        await eventually(lambda: len(ear.heard) == 2)
        await world.act("adapter", "on", None)
        world.air.send(packet(-70))
        with pytest.raises(BleakDBusError, match="No discovery started"):
            await scanner.stop()
    assert [each.rssi for each in ear.heard] == [-60, -127]
    assert ear.heard[1].service_data == ear.heard[0].service_data


async def test_a_filter_by_service_keeps_others_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """BlueZ matches advertised service UUIDs; service data alone does not count."""
    ear = Ear()
    only = {"adapter": "hci0", "filters": {"UUIDs": [FCD2]}}
    async with simulated("", monkeypatch, tmp_path) as world, BleakScanner(ear, bluez=only):
        world.air.send(packet())
        world.air.send(packet(service_uuids=("fcd2",)))
        await eventually(lambda: ear.heard)
    assert len(ear.heard) == 1
