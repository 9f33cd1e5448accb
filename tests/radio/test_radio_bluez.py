"""Real bleak on a simulated BlueZ: presses are heard, and every way of falling silent is healed or told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from gateway.model.frames import Advertisement
from gateway.radio.bleak_bus import BleakBus
from gateway.radio.expects import Expects
from gateway.radio.habit import ENOUGH_FRAMES
from gateway.radio.radio import Radio
from support.eventually import eventually
from support.radio import Heard, radio_of, settings
from support.simulator import SYSTEM_BUS, Simulator, simulator

BUTTON, CLIMATE = "A4:C1:38:00:00:01", "A4:C1:38:00:00:02"
SCENARIO = f"""
title = "Two devices"
[[device]]
name = "kald-01"
kind = "call-button"
address = "{BUTTON}"
interval = 0.15
[[device]]
name = "klima-01"
kind = "climate"
address = "{CLIMATE}"
interval = 0.1
"""
HOME = settings()
PRESSED = bytes.fromhex("3a01")  # BTHome v2, object 0x3a (button), event 0x01 (press)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("sim"), SCENARIO) as running:
        yield running


def adapter(radio: Radio) -> dict[str, object]:
    (row,) = radio.health()
    return row


async def up(radio: Radio) -> None:
    await eventually(lambda: adapter(radio)["state"] == "up")


async def hears_again(radio: Radio, heard: Heard) -> None:
    """It is up, nothing is told any more, and frames really come."""
    await up(radio)
    await eventually(lambda: not heard.standing("adapter.down"))
    before = len(heard.advertisements)
    await eventually(lambda: len(heard.advertisements) > before + 2)


def presses(heard: Heard) -> list[Advertisement]:
    return [frame for frame in heard.advertisements if PRESSED in frame.service_data.get("fcd2", b"")]


async def test_a_press_is_heard(sim: Simulator) -> None:
    """The frame of a press has its bytes, strength, time and adapter, and says that its packet had them."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("kald-01", "press")
        press = (await eventually(lambda: presses(heard)))[0]
        assert press.address == BUTTON
        assert press.brought == {"service_data"}
        assert press.source == "hci0"
        assert press.heard is not None
        assert press.rssi is not None
        assert -100 < press.rssi < 0
        row = adapter(radio)
        assert isinstance(row["silent_s"], float)
        assert row["silent_s"] < 5
    assert radio.dropped == 0


@pytest.mark.parametrize(
    ("fault", "cure", "state", "says"),
    [
        ("off", "on", "off", "bluetoothctl power on"),
        ("vanish", "return", "gone", "Plug it in"),
        ("hang", "unhang", "deaf", "heard nothing"),
        ("deaf", "hear", "deaf", "heard nothing"),
    ],
)
async def test_an_adapter_that_fails_is_told_and_healed(
    sim: Simulator, fault: str, cure: str, state: str, says: str
) -> None:
    """The health shows it, the technician is told what to do, and when it can be heard, it is."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("adapter", fault)
        try:
            await eventually(lambda: adapter(radio)["state"] == state)
            (trouble,) = await eventually(lambda: heard.standing("adapter.down"))
            assert trouble.subject == "hci0"
            assert trouble.calls_unheard
            assert says in trouble.detail
            assert adapter(radio)["state"] == state
        finally:
            sim.do("adapter", cure)
        await hears_again(radio, heard)
        sim.do("kald-01", "press")
        await eventually(lambda: presses(heard))


async def test_bluetoothd_restarted(sim: Simulator) -> None:
    """A new bluetoothd is used as soon as it is there."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("adapter", "restart")
        await eventually(lambda: adapter(radio)["state"] != "up")
        await hears_again(radio, heard)


async def test_bluetoothd_killed(sim: Simulator) -> None:
    """As long as it does not run, that is what the technician reads."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("adapter", "kill")
        try:
            (trouble,) = await eventually(lambda: heard.standing("adapter.down"))
            assert "bluetoothd does not run" in trouble.detail
            assert adapter(radio)["state"] == "gone"
        finally:
            sim.do("adapter", "restart")
        await hears_again(radio, heard)


@pytest.mark.parametrize("method", ["StopDiscovery", "SetDiscoveryFilter", "GetManagedObjects"])
async def test_calls_that_fail_for_a_while(sim: Simulator, method: str) -> None:
    """A refused stop, filter or look is got over: a glitch makes each of them happen."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("adapter", "fail", f"{method}:InProgress:2")
        sim.do("adapter", "off")
        sim.do("adapter", "on")
        await hears_again(radio, heard)


async def test_a_start_that_is_refused_again_and_again(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Discovery is stuck inside bluetoothd: at the third refusal the adapter is switched off and on."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        caplog.clear()
        sim.do("adapter", "fail", "StartDiscovery:InProgress:4")
        sim.do("adapter", "off")
        sim.do("adapter", "on")
        await hears_again(radio, heard)
    refused = [record for record in caplog.records if "could not be started" in record.getMessage()]
    assert len(refused) == 4


async def test_a_start_that_hangs_is_told(sim: Simulator) -> None:
    """No answer to StartDiscovery: each try ends in its time, and somebody is told."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("adapter", "hang", "StartDiscovery")
        try:
            sim.do("adapter", "vanish")
            sim.do("adapter", "return")  # `on` would mend the hang as well
            (trouble,) = await eventually(lambda: heard.standing("adapter.down"))
            assert "hci0" in trouble.detail
            await eventually(lambda: adapter(radio)["state"] == "deaf")
        finally:
            sim.do("adapter", "unhang")
        await hears_again(radio, heard)


async def test_a_glitch_is_healed_and_not_told(sim: Simulator) -> None:
    """Off and on at once: bleak would be silent for ever; nobody need be told."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        for _ in range(3):
            sim.do("adapter", "off")
            sim.do("adapter", "on")
        await hears_again(radio, heard)
    assert not [trouble for trouble in heard.troubles if trouble.present]


async def test_never_up_before_the_first_proof(sim: Simulator) -> None:
    """Scanning begins without an error and hears nothing: unknown, then deaf, never up."""
    sim.do("adapter", "deaf")
    heard, states = Heard(), []
    try:
        async with radio_of(HOME, heard) as radio:

            def told() -> bool:
                states.append(adapter(radio)["state"])
                return bool(heard.standing("adapter.down"))

            await eventually(told)
            assert adapter(radio)["silent_s"] is None
            sim.do("adapter", "hear")
            await hears_again(radio, heard)
    finally:
        sim.do("adapter", "hear")
    assert "up" not in states
    assert "deaf" in states


async def test_a_house_without_devices_is_not_deaf(sim: Simulator) -> None:
    """Where nothing need speak, silence is no fault."""
    sim.do("adapter", "deaf")
    heard = Heard()
    try:
        async with radio_of(HOME, heard, expects=Expects()) as radio:
            await eventually(lambda: adapter(radio)["state"] is None)
            sim.do("adapter", "off")
            await eventually(lambda: heard.standing("adapter.down"))
            sim.do("adapter", "on")
            await eventually(lambda: not heard.standing("adapter.down"))
            assert adapter(radio)["state"] is None
    finally:
        sim.do("adapter", "hear")


async def test_a_house_whose_devices_tell_no_interval_teaches_it(sim: Simulator) -> None:
    """No device is said to speak by itself, yet they do: then silence is a fault all the same."""
    devices = {
        "kald-01": {"address": BUTTON, "place": "room-1"},
        "klima-01": {"address": CLIMATE, "place": "room-1"},
    }
    heard = Heard()
    async with radio_of(settings(device=devices), heard, expects=Expects()) as radio:
        await eventually(lambda: len(heard.advertisements) > ENOUGH_FRAMES + 5)
        sim.do("adapter", "deaf")
        try:
            await eventually(lambda: heard.standing("adapter.down"))
            assert adapter(radio)["state"] == "deaf"
        finally:
            sim.do("adapter", "hear")
        await hears_again(radio, heard)


async def test_an_adapter_found_off_is_switched_on(sim: Simulator) -> None:
    """A gateway that starts with its adapter off (killed in the middle of a power cycle) does not stay so."""
    sim.do("adapter", "off")
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await hears_again(radio, heard)


async def test_frames_wait_for_whoever_takes_them(sim: Simulator) -> None:
    """The radio listens before the rest of the house stands, and loses nothing of that time."""
    heard = Heard()
    async with radio_of(HOME, heard, takes=False) as radio:
        await up(radio)
        sim.do("kald-01", "press")
        await eventually(lambda: radio.queue >= 8)
        assert not heard.frames
        radio.deliver_to(heard.frame)
        await eventually(lambda: presses(heard))
    times = [frame.heard.mono_ns for frame in heard.advertisements if frame.heard]
    assert times == sorted(times)


async def test_a_bus_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a system bus the adapter is gone, the reason is said, and stopping works."""
    monkeypatch.setenv(SYSTEM_BUS, f"unix:path={tmp_path}/none")
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        (trouble,) = await eventually(lambda: heard.standing("adapter.down"))
        assert "system bus" in trouble.detail
        assert adapter(radio) == {"name": "hci0", "state": "gone", "silent_s": None}


async def test_dropping_bleaks_bus_leaves_a_clean_start(sim: Simulator) -> None:
    """The one place that reaches into bleak: after a drop scanning is dead, and a new start works."""
    heard = Heard()
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        bus = BleakBus()
        assert bus.alive()
        bus.drop()
        assert not bus.alive()
        await eventually(bus.alive)
        await hears_again(radio, heard)


async def emit(path: str, interface: str, changed: dict[str, Variant], invalidated: list[str]) -> None:
    """Send a PropertiesChanged of our own: bleak's match rules name no sender."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.send(
        Message(
            message_type=MessageType.SIGNAL,
            path=path,
            interface="org.freedesktop.DBus.Properties",
            member="PropertiesChanged",
            signature="sa{sv}as",
            body=[interface, changed, invalidated],
        )
    )
    bus.disconnect()


async def test_what_a_signal_carried_is_told_from_what_bluez_remembers(sim: Simulator) -> None:
    """After a press, mere strength is a frame that brings nothing; links and withdrawn strength are none."""
    heard = Heard()
    device = "/org/bluez/hci0/dev_" + BUTTON.replace(":", "_")
    async with radio_of(HOME, heard) as radio:
        await up(radio)
        sim.do("kald-01", "press")
        await eventually(lambda: presses(heard))
        sim.do("kald-01", "silence")
        sim.do("klima-01", "silence")
        try:

            async def quiet() -> bool:
                before = len(heard.advertisements)
                await asyncio.sleep(0.1)
                return len(heard.advertisements) == before

            await eventually(quiet)
            known = presses(heard)[-1]
            await emit(device, "org.bluez.Device1", {"Trusted": Variant("b", True)}, [])
            await emit(device, "org.bluez.Device1", {}, ["RSSI"])
            await emit(device, "org.bluez.Device1", {"RSSI": Variant("n", -41)}, [])
            data = {"0000fcd2-0000-1000-8000-00805f9b34fb": Variant("ay", known.service_data["fcd2"])}
            await emit(device, "org.bluez.Device1", {"ServiceData": Variant("a{sv}", data)}, [])

            def after_the_strength() -> list[Advertisement]:
                frames = [frame for frame in heard.advertisements if frame.address == BUTTON]
                at = next((n for n, frame in enumerate(frames) if frame.rssi == -41), len(frames))
                return frames[at:]

            await eventually(lambda: len(after_the_strength()) >= 2)
        finally:
            sim.do("kald-01", "wake")
            sim.do("klima-01", "wake")
        strength, repeat = after_the_strength()[:2]
        assert (strength.rssi, strength.brought) == (-41, frozenset())
        assert strength.service_data == known.service_data
        assert repeat.brought == {"service_data"}
        assert repeat.service_data == known.service_data
        assert -127 not in [frame.rssi for frame in heard.advertisements]


def test_the_simulators_bus_is_not_the_machines(sim: Simulator) -> None:
    """The tool of the tests itself: inside the block bleak finds the private bus."""
    assert os.environ[SYSTEM_BUS] == sim.bus
