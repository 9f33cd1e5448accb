"""Adapter faults as a client on the bus sees them: the signals, and the ends of sessions and links."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware_sim.world import World
from support.eventually import eventually
from support.sim_world import BUTTON, simulated

HCI0: Any = {"adapter": "hci0"}
ADAPTER = "/org/bluez/hci0"
STRAP = """
[[device]]
name = "hjerte-05"
kind = "heart-rate-strap"
address = "A4:C1:38:00:00:06"
interval = 0.1
"""


class Watcher:
    """A client of its own that hears every signal of org.bluez and of its name."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.signals: list[tuple[str, Any]] = []

    def take(self, message: Message) -> None:
        """Keep a signal as (member, what matters of it)."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "PropertiesChanged" and message.path == ADAPTER:
            changed = {name: value.value for name, value in message.body[1].items()}
            self.signals.append(("changed", changed))
        elif message.member in {"InterfacesAdded", "InterfacesRemoved"} and message.body[0] == ADAPTER:
            self.signals.append((message.member, None))
        elif message.member == "NameOwnerChanged" and message.body[0] == "org.bluez":
            self.signals.append(("owner", bool(message.body[2])))

    async def call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Message:
        """Call org.bluez."""
        return await self.bus.call(
            Message(
                destination="org.bluez",
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[Watcher]:
    """Listen on the simulation's bus."""
    bus = await MessageBus(bus_address=world.bus).connect()
    watcher = Watcher(bus)
    bus.add_message_handler(watcher.take)
    for rule in ("type='signal',path_namespace='/'", "type='signal',member='NameOwnerChanged'"):
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )
    try:
        yield watcher
    finally:
        bus.disconnect()


async def test_off_and_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Discovery ends before the power does, and does not come back with it."""
    async with simulated(BUTTON, monkeypatch, tmp_path) as world, watching(world) as watcher:
        scanner = BleakScanner(bluez=HCI0)
        await scanner.start()
        await world.act("adapter", "off", None)
        await world.act("adapter", "on", None)
        await eventually(lambda: len(watcher.signals) == 4)
        with pytest.raises(BleakDBusError, match="No discovery started"):
            await scanner.stop()
        await world.act("adapter", "off", None)
        with pytest.raises(BleakDBusError, match="NotReady"):
            await BleakScanner(bluez=HCI0).start()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await BleakScanner().start()
    assert watcher.signals[:4] == [
        ("changed", {"Discovering": True}),
        ("changed", {"Discovering": False}),
        ("changed", {"Powered": False}),
        ("changed", {"Powered": True}),
    ]


async def test_power_by_property(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set Powered, as a supervisor that escalates does."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        for on in (False, True):
            reply = await watcher.call(
                ADAPTER,
                "org.freedesktop.DBus.Properties",
                "Set",
                "ssv",
                "org.bluez.Adapter1",
                "Powered",
                Variant("b", on),
            )
            assert reply.message_type is MessageType.METHOD_RETURN
        await eventually(lambda: len(watcher.signals) == 2)
    assert [what["Powered"] for _, what in watcher.signals] == [False, True]


async def test_vanish_and_return(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The adapter's object goes with its devices, comes back without power, and gets it."""
    async with simulated(BUTTON, monkeypatch, tmp_path) as world, watching(world) as watcher:
        await world.act("adapter", "vanish", None)
        await eventually(lambda: watcher.signals == [("InterfacesRemoved", None)])
        with pytest.raises(BleakError, match="'hci0' not found"):
            await BleakScanner(bluez=HCI0).start()
        await world.act("adapter", "return", None)
        await eventually(lambda: len(watcher.signals) == 3)
        async with BleakScanner(bluez=HCI0):
            pass
    assert watcher.signals[1:3] == [("InterfacesAdded", None), ("changed", {"Powered": True})]


async def test_hang_and_unhang(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No call is answered and no signal sent; what was asked meanwhile is answered in the end."""
    async with simulated(BUTTON, monkeypatch, tmp_path) as world, watching(world) as watcher:
        await world.act("adapter", "hang", None)
        asking = asyncio.create_task(
            watcher.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        )
        done, _ = await asyncio.wait({asking}, timeout=0.1)
        assert not done
        await world.act("adapter", "unhang", None)
        reply = await asyncio.wait_for(asking, 60)
    assert ADAPTER in reply.body[0]


async def test_what_happens_while_it_hangs_is_told_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel's news wait in a socket meanwhile."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        await world.act("adapter", "hang", None)
        await world.act("adapter", "off", None)
        await world.act("adapter", "vanish", None)
        assert watcher.signals == []
        await world.act("adapter", "unhang", None)
        await eventually(lambda: len(watcher.signals) == 2)
    assert watcher.signals == [("changed", {"Powered": False}), ("InterfacesRemoved", None)]


async def test_one_method_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`hang METHOD`: the others are answered."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        await world.act("adapter", "hang", "StartDiscovery")
        starting = asyncio.create_task(watcher.call(ADAPTER, "org.bluez.Adapter1", "StartDiscovery"))
        reply = await watcher.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        assert reply.message_type is MessageType.METHOD_RETURN
        assert not starting.done()
        await world.act("adapter", "unhang", None)
        assert (await starting).message_type is MessageType.METHOD_RETURN


async def test_a_stop_that_is_refused_once_is_repaired_by_bleak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`fail METHOD:ERROR:TIMES`: bleak 3.1 tries a refused StopDiscovery once more."""
    async with simulated("", monkeypatch, tmp_path) as world:
        scanner = BleakScanner(bluez=HCI0)
        await scanner.start()
        await world.act("adapter", "fail", "StopDiscovery:InProgress:1")
        with contextlib.suppress(BleakDBusError):
            await scanner.stop()
        assert world.bluetoothd.controller.failures == {}


async def test_bluetoothd_stays_away_after_a_kill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Until `restart`."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        await world.act("adapter", "kill", None)
        await eventually(lambda: watcher.signals == [("owner", False)])
        reply = await watcher.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        assert reply.error_name == "org.freedesktop.DBus.Error.ServiceUnknown"
        await world.act("adapter", "restart", None)
        await eventually(lambda: ("owner", True) in watcher.signals)


async def test_restart_of_bluetoothd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The name changes owner, discovery is over, links are gone, and known devices come back bare."""
    lost = asyncio.Event()
    async with simulated(STRAP, monkeypatch, tmp_path) as world, watching(world) as watcher:
        device = await BleakScanner.find_device_by_address("A4:C1:38:00:00:06", timeout=60, bluez=HCI0)
        assert device is not None
        client = BleakClient(device, disconnected_callback=lambda _: lost.set())
        await client.connect()
        await world.act("adapter", "restart", None)
        await eventually(lambda: ("owner", True) in watcher.signals)
        owners = [what for member, what in watcher.signals if member == "owner"]
        reply = await watcher.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        assert client.is_connected  # bleak does not watch the name (its documented blind spot)
        session: Any = client._backend
        session._bus.disconnect()
    assert owners == [False, True]
    path = f"{ADAPTER}/dev_A4_C1_38_00_00_06"
    known = reply.body[0][path]["org.bluez.Device1"]
    assert known["Name"].value == "HR-Strap"
    assert not known["Connected"].value
    assert "RSSI" not in known


async def test_deaf_discovery_looks_alive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`Discovering` stays true, nothing is heard, nothing is told; `hear` ends it."""
    heard: list[Any] = []
    async with (
        simulated(BUTTON, monkeypatch, tmp_path) as world,
        watching(world) as watcher,
        BleakScanner(lambda device, _: heard.append(device), bluez=HCI0),
    ):
        await world.act("adapter", "deaf", None)
        await world.act("kald-01", "press", None)
        reply = await watcher.call(
            ADAPTER, "org.freedesktop.DBus.Properties", "Get", "ss", "org.bluez.Adapter1", "Discovering"
        )
        assert reply.body[0].value is True
        assert heard == []
        await world.act("adapter", "hear", None)
        await eventually(lambda: heard)


async def test_a_second_start_on_one_connection_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """InProgress, as for a second scanner in one process."""
    async with simulated("", monkeypatch, tmp_path), BleakScanner(bluez=HCI0):
        with pytest.raises(BleakDBusError, match="InProgress"):
            await BleakScanner(bluez=HCI0).start()


@pytest.mark.parametrize(
    ("path", "interface", "member", "error"),
    [
        (
            "/org/bluez/hci7",
            "org.bluez.Adapter1",
            "StartDiscovery",
            "org.freedesktop.DBus.Error.UnknownObject",
        ),
        (ADAPTER, "org.bluez.Adapter1", "Explode", "org.freedesktop.DBus.Error.UnknownMethod"),
        (
            ADAPTER,
            "org.bluez.AdvertisementMonitorManager1",
            "RegisterMonitor",
            "org.freedesktop.DBus.Error.UnknownMethod",
        ),
        (ADAPTER, "org.bluez.Adapter1", "StopDiscovery", "org.bluez.Error.Failed"),
    ],
)
async def test_what_cannot_be_done_is_answered(
    path: str, interface: str, member: str, error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every call has an answer, with the error's name as BlueZ or libdbus gives it."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        reply = await watcher.call(path, interface, member)
    assert reply.error_name == error


async def test_introspection_and_properties(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A proxy built from the introspection data can read the adapter."""
    async with simulated("", monkeypatch, tmp_path) as world, watching(world) as watcher:
        node = await watcher.bus.introspect("org.bluez", ADAPTER)
        proxy: Any = watcher.bus.get_proxy_object("org.bluez", ADAPTER, node)
        adapter = proxy.get_interface("org.bluez.Adapter1")
        assert await adapter.get_powered() is True
        assert "central" in await adapter.get_roles()


async def test_a_burst_larger_than_the_socket_loses_no_signal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bus that takes nothing for a while fills the socket; the connection stands and all of it comes."""
    text = "".join(
        f'[[device]]\nname = "k-{n}"\nkind = "climate"\naddress = "A4:C1:38:00:{n >> 8:02X}:{n & 255:02X}"\n'
        "interval = 600\n"
        for n in range(600)
    )
    async with simulated(text, monkeypatch, tmp_path) as world, BleakScanner(bluez=HCI0) as scanner:
        daemon = world.bus_pid
        assert daemon is not None
        os.kill(daemon, signal.SIGSTOP)
        try:
            for _ in range(3):
                for device in world.devices.values():
                    device.beat()
        finally:
            os.kill(daemon, signal.SIGCONT)
        await eventually(lambda: len(scanner.discovered_devices) == 600)
