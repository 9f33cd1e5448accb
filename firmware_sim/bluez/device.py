"""One remote device as bluetoothd shows it: Device1, its link, and how it comes and goes.

Source: BlueZ 5.66 `doc/device-api.txt`, `src/device.c` (`dev_connect`, `device_request_disconnect`).
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from dbus_fast import Variant

from firmware_sim.bluez.controller import Controller, Stored
from firmware_sim.bluez.discovery import Heard
from firmware_sim.bluez.gatt import GattTable
from firmware_sim.bluez.names import DEVICE, already_exists, failed, full_uuid, in_progress, not_ready
from firmware_sim.bluez.tree import Properties, Tree
from firmware_sim.peripheral import Characteristic, Peripheral

CONNECT_S: Final = 0.08  # a device that advertises every 100 ms or so
RESOLVE_S: Final = 0.12  # exchange of the attribute table
CONNECT_WITHIN_S: Final = 20.0  # the kernel gives up then (HCI_LE_CONN_TIMEOUT)
ABORT: Final = "le-connection-abort-by-local"


class Owner(Protocol):
    """What a device asks its adapter."""

    path: str
    controller: Controller

    def peripheral(self, address: str) -> Peripheral | None:
        """Return the device on the air, if it can be connected to at all."""

    def slot_free(self) -> bool:
        """Whether the controller has room for one more link."""

    def later(self, work: object) -> None:
        """Run a coroutine as a task of this daemon."""


class RemoteDevice:
    """A device that bluetoothd knows. It is temporary until somebody connects or pairs."""

    def __init__(self, owner: Owner, tree: Tree, address: str, *, random_address: bool) -> None:
        """Know of it; `export` shows it."""
        self._owner = owner
        self._tree = tree
        self.address = address
        self.path = f"{owner.path}/dev_{address.replace(':', '_')}"
        self.random_address = random_address
        self.heard = Heard()
        self.temporary = True
        self.paired = False
        self.trusted = False
        self.connected = False
        self.last_seen_s = 0.0
        self._connecting: asyncio.Future[None] | None = None
        self._broken: asyncio.Future[None] | None = None
        self._gatt: GattTable | None = None
        self._linked: Peripheral | None = None

    def properties(self) -> Properties:
        """Return all of Device1, as a new object shows it."""
        heard = self.heard
        properties = {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", "random" if self.random_address else "public"),
            "Alias": Variant("s", heard.name or self.address.replace(":", "-")),
            "Paired": Variant("b", self.paired),
            "Bonded": Variant("b", self.paired),
            "Trusted": Variant("b", self.trusted),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", self.connected),
            "UUIDs": Variant("as", heard.uuids),
            "Adapter": Variant("o", self._owner.path),
            "ServicesResolved": Variant("b", False),
        }
        if heard.name is not None:
            properties["Name"] = Variant("s", heard.name)
        if heard.rssi is not None:
            properties["RSSI"] = Variant("n", heard.rssi)
        if heard.tx_power is not None:
            properties["TxPower"] = Variant("n", heard.tx_power)
        if heard.service_data:
            properties["ServiceData"] = heard.service_variant()
        if heard.manufacturer_data:
            properties["ManufacturerData"] = heard.manufacturer_variant()
        return properties

    def export(self) -> None:
        """Show the device with everything known of it."""
        self._tree.add(self.path, {DEVICE: self.properties()})

    def stored(self) -> Stored:
        """Return what bluetoothd writes to its storage of a device that is not temporary."""
        return Stored(self.heard.name, self.heard.uuids, self.random_address, self.paired, self.trusted)

    # --- the link ---

    async def connect(self) -> None:
        """Serve Connect: return once there is a link; services follow. Raises BluezError."""
        if not self._owner.controller.powered:
            raise not_ready()
        if self._connecting is not None:
            raise in_progress()
        if self.connected:
            return
        self.temporary = False
        self._connecting = asyncio.get_running_loop().create_future()
        try:
            await self._establish(self._connecting)
        finally:
            self._connecting = None

    async def _establish(self, aborted: asyncio.Future[None]) -> None:
        deadline = asyncio.get_running_loop().time() + CONNECT_WITHIN_S
        while True:
            await asyncio.wait({aborted}, timeout=CONNECT_S)
            if aborted.done():
                raise failed("br-connection-canceled")
            if not self._owner.slot_free():
                # A full controller reports the link up and takes it down again in the same breath.
                self._tree.change(self.path, DEVICE, {"Connected": Variant("b", True)})
                self._tree.change(self.path, DEVICE, {"Connected": Variant("b", False)})
                raise failed(ABORT)
            peripheral = self._owner.peripheral(self.address)
            if peripheral is not None and peripheral.accept(self):
                break
            if asyncio.get_running_loop().time() > deadline:
                raise failed(ABORT)
        self._linked = peripheral
        self.connected = True
        self._broken = asyncio.get_running_loop().create_future()
        self._tree.change(self.path, DEVICE, {"Connected": Variant("b", True)})
        self._owner.later(self._resolve(peripheral))

    async def _resolve(self, peripheral: Peripheral) -> None:
        await asyncio.sleep(RESOLVE_S)
        if self._linked is not peripheral or self.path not in self._tree:
            return
        if self._gatt is None:
            self._gatt = GattTable(self._tree, self.path, peripheral, self)
        self._gatt.export()
        uuids = sorted({*self.heard.uuids, *(full_uuid(service.uuid) for service in peripheral.services)})
        if uuids != self.heard.uuids:
            self.heard.uuids = uuids
            self._tree.change(self.path, DEVICE, {"UUIDs": Variant("as", uuids)})
        self._tree.change(self.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    def disconnect(self) -> None:
        """Serve Disconnect: end the link, or the attempt at one. Nothing to end is no error."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.set_result(None)
        if self._linked is not None:
            self._linked.closed()
            self.lost()

    def lost(self) -> None:
        """Tell that the link is gone: services first, `Connected` last (Link)."""
        self._linked = None
        if not self.connected:
            return
        self.connected = False
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(None)
        if self.path not in self._tree:
            return
        if self._tree.value(self.path, DEVICE, "ServicesResolved"):
            self._tree.change(self.path, DEVICE, {"ServicesResolved": Variant("b", False)})
        if self._gatt is not None:
            self._gatt.closed()
            if self._owner.controller.gatt_cache == "no":
                self._gatt.withdraw()
        self.last_seen_s = asyncio.get_running_loop().time()
        self._tree.change(self.path, DEVICE, {"Connected": Variant("b", False)})

    def value(self, characteristic: Characteristic, value: bytes) -> None:
        """Take a notification from the device (Link)."""
        if self._gatt is not None:
            self._gatt.deliver(characteristic, value)

    async def round_trip(self, seconds: float) -> None:
        """Wait for the device's answer; a link that breaks meanwhile ends it (Connection)."""
        if self._broken is None or self._broken.done():
            raise failed("Not connected")
        await asyncio.wait({self._broken}, timeout=seconds)
        if self._broken.done():
            raise failed("Not connected")

    @property
    def gatt(self) -> GattTable | None:
        """The attributes, once they were discovered."""
        return self._gatt

    # --- pairing and properties ---

    async def pair(self) -> None:
        """Serve Pair as "just works": connect if need be, then be bonded. Raises BluezError."""
        if self.paired:
            raise already_exists()
        await self.connect()
        await self.round_trip(CONNECT_S)
        self.paired = True
        self._tree.change(self.path, DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})

    def set_trusted(self, trusted: bool) -> None:
        """Serve the writable property Trusted."""
        if self.trusted != trusted:
            self.trusted = trusted
            self._tree.change(self.path, DEVICE, {"Trusted": Variant("b", trusted)})

    def remove(self) -> None:
        """Take the device off the bus with all below it."""
        self.disconnect()
        if self._gatt is not None and self._gatt.exported:
            self._gatt.withdraw()
        self._tree.remove(self.path)
