"""`/org/bluez/hciN`: power, discovery sessions of each client, and the devices that were found.

Source: BlueZ 5.66 `doc/adapter-api.txt`, `src/adapter.c`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from dbus_fast import Variant

from firmware_sim.air import Air, Packet
from firmware_sim.bluez.controller import Controller
from firmware_sim.bluez.device import RemoteDevice
from firmware_sim.bluez.discovery import DiscoveryFilter, Reporting
from firmware_sim.bluez.names import ADAPTER, DEVICE, does_not_exist, failed, in_progress, not_ready
from firmware_sim.bluez.tree import Tree
from firmware_sim.bluez.wire import BACKLOG_MAX, Wire
from firmware_sim.peripheral import Peripheral

Later = Callable[[Coroutine[Any, Any, None]], None]


class Adapter:
    """One adapter of one life of bluetoothd."""

    def __init__(self, controller: Controller, air: Air, tree: Tree, wire: Wire, later: Later) -> None:
        """Be known to the daemon; `export` shows it."""
        self.controller = controller
        self.path = f"/org/bluez/{controller.name}"
        self.later: Callable[[Any], None] = later
        self._air = air
        self._tree = tree
        self._wire = wire
        self._filters: dict[str, DiscoveryFilter] = {}
        self._sessions: dict[str, DiscoveryFilter] = {}
        self._reporting = Reporting.of((), controller.release)
        self._found: set[str] = set()
        self.devices: dict[str, RemoteDevice] = {}
        self.dropped = 0

    @property
    def discovering(self) -> bool:
        """Whether some client has a discovery session."""
        return bool(self._sessions)

    # --- coming and going ---

    def export(self) -> None:
        """Show the adapter and the devices in its storage."""
        controller = self.controller
        self._tree.add(
            self.path,
            {
                ADAPTER: {
                    "Address": Variant("s", controller.address),
                    "AddressType": Variant("s", "public"),
                    "Name": Variant("s", "velgate-sim"),
                    "Alias": Variant("s", "velgate-sim"),
                    "Class": Variant("u", 0),
                    "Powered": Variant("b", controller.powered),
                    "Discoverable": Variant("b", False),
                    "DiscoverableTimeout": Variant("u", 180),
                    "Pairable": Variant("b", False),
                    "PairableTimeout": Variant("u", 0),
                    "Discovering": Variant("b", False),
                    "UUIDs": Variant("as", []),
                    "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
                    "Roles": Variant("as", ["central", "peripheral"]),
                }
            },
        )
        for address, stored in controller.known.items():
            device = RemoteDevice(self, self._tree, address, random_address=stored.random_address)
            device.heard.name, device.heard.uuids = stored.name, list(stored.uuids)
            device.paired, device.trusted, device.temporary = stored.paired, stored.trusted, False
            self.devices[address] = device
            device.export()

    def store(self) -> None:
        """Write down the devices that outlive this daemon."""
        self.controller.known = {
            device.address: device.stored() for device in self.devices.values() if not device.temporary
        }

    def withdraw(self) -> None:
        """Take the adapter off the bus with its devices: the controller is gone."""
        self.store()
        self.drop_links()
        for device in list(self.devices.values()):
            device.remove()
        self.devices.clear()
        self._found.clear()
        self._sessions.clear()
        self._filters.clear()
        self._tree.remove(self.path)

    def drop_links(self) -> None:
        """End every link."""
        for device in self.devices.values():
            device.disconnect()

    def set_power(self, on: bool) -> None:
        """Switch the controller, as a client asks; off ends links and every client's discovery."""
        if on != self.controller.powered:
            self.controller.powered = on
            self.power_changed(on=on)

    def power_changed(self, *, on: bool) -> None:
        """Take notice of the controller's power, and tell."""
        if not on:
            self.drop_links()
            self._sessions.clear()
            self._filters.clear()
            self._discovery_ended()
        self._tree.change(self.path, ADAPTER, {"Powered": Variant("b", on)})

    # --- discovery ---

    def set_filter(self, sender: str, given: Mapping[str, Variant]) -> None:
        """Serve SetDiscoveryFilter. Raises BluezError."""
        parsed = DiscoveryFilter.parse(given)
        self._filters[sender] = parsed
        if sender in self._sessions:
            self._sessions[sender] = parsed
            self._reconsider()

    def start_discovery(self, sender: str) -> None:
        """Serve StartDiscovery. Raises BluezError."""
        if not self.controller.powered:
            raise not_ready()
        if sender in self._sessions:
            raise in_progress()
        first = not self._sessions
        self._sessions[sender] = self._filters.get(sender, DiscoveryFilter())
        self._reconsider()
        if first:
            self._tree.change(self.path, ADAPTER, {"Discovering": Variant("b", True)})

    def stop_discovery(self, sender: str) -> None:
        """Serve StopDiscovery. Raises BluezError."""
        if not self.controller.powered:
            raise not_ready()
        if sender not in self._sessions:
            raise failed("No discovery started")
        self._end_session(sender)

    def _end_session(self, sender: str) -> None:
        self._filters.pop(sender, None)
        if self._sessions.pop(sender, None) is not None and not self._sessions:
            self._discovery_ended()
        self._reconsider()

    def _discovery_ended(self) -> None:
        for address in sorted(self._found):
            device = self.devices[address]
            gone = device.heard.forget_signal()
            if gone:
                self._tree.change(device.path, DEVICE, {}, gone)
        self._found.clear()
        if self._tree.value(self.path, ADAPTER, "Discovering"):
            self._tree.change(self.path, ADAPTER, {"Discovering": Variant("b", False)})

    def _reconsider(self) -> None:
        self._reporting = Reporting.of(self._sessions.values(), self.controller.release)

    def sender_gone(self, sender: str) -> None:
        """End what belongs to a client that left the bus; links stay (bluez/bluez #89)."""
        self._end_session(sender)
        for device in self.devices.values():
            if device.gatt is not None:
                device.gatt.sender_gone(sender)

    # --- packets ---

    def receive(self, packet: Packet) -> None:
        """Take one packet that the controller passed up."""
        if not self._sessions or not any(each.takes(packet) for each in self._sessions.values()):
            return
        if self._wire.backlog > BACKLOG_MAX:
            self.dropped += 1
            return
        device = self.devices.get(packet.address)
        known = device is not None
        if device is None:
            device = RemoteDevice(self, self._tree, packet.address, random_address=packet.random_address)
            self.devices[packet.address] = device
        device.last_seen_s = asyncio.get_running_loop().time()
        self._found.add(device.address)
        changed = device.heard.take(packet, self._reporting)
        if not known:
            device.export()
        elif changed:
            self._tree.change(device.path, DEVICE, changed)

    def expire(self, now_s: float) -> None:
        """Forget the temporary devices that fell silent."""
        for device in list(self.devices.values()):
            if (
                device.temporary
                and not device.connected
                and now_s - device.last_seen_s > self.controller.temporary_timeout_s
            ):
                self.remove(device)

    def remove_device(self, path: str) -> None:
        """Serve RemoveDevice. Raises BluezError."""
        device = next((each for each in self.devices.values() if each.path == path), None)
        if device is None:
            raise does_not_exist()
        self.remove(device)

    def remove(self, device: RemoteDevice) -> None:
        """Forget a device entirely."""
        self._found.discard(device.address)
        del self.devices[device.address]
        self.controller.known.pop(device.address, None)
        device.remove()

    # --- what devices ask (Owner) ---

    def peripheral(self, address: str) -> Peripheral | None:
        """Return the device on the air."""
        return self._air.peripherals.get(address) if self.controller.present else None

    def slot_free(self) -> bool:
        """Whether one more link fits."""
        return sum(device.connected for device in self.devices.values()) < self.controller.slots
