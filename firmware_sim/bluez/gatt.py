"""The attributes of one connected device on the bus: GattService1, GattCharacteristic1, GattDescriptor1.

Source: BlueZ 5.66 `doc/gatt-api.txt`, `src/gatt-client.c`; the shape of the paths is relied on by clients.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from dbus_fast import Variant

from firmware_sim.bluez.names import (
    CHARACTERISTIC,
    DESCRIPTOR,
    SERVICE,
    failed,
    full_uuid,
    in_progress,
    not_permitted,
    not_supported,
    unknown_object,
)
from firmware_sim.bluez.tree import Tree
from firmware_sim.peripheral import Characteristic, Peripheral

ATT_ROUND_TRIP_S: Final = 0.03
MTU_B: Final = 247  # what two current controllers agree on
CONFIGURATION_UUID: Final = "2902"  # Client Characteristic Configuration
_FIRST_HANDLE: Final = 0x0010  # below lie Generic Access and Generic Attribute, which BlueZ does not show


class Connection(Protocol):
    """The link that the attributes hang on."""

    @property
    def connected(self) -> bool:
        """Whether there is a link now."""

    async def round_trip(self, seconds: float) -> None:
        """Wait for the device's answer. Raises BluezError if the link breaks meanwhile."""


@dataclass(slots=True)
class _Attribute:
    characteristic: Characteristic
    path: str
    descriptor: str | None
    busy: bool = False
    notifying: set[str] = field(default_factory=set)
    acquired: tuple[str, socket.socket] | None = None


class GattTable:
    """Exports a peripheral's services and serves the calls on them."""

    def __init__(self, tree: Tree, device_path: str, peripheral: Peripheral, link: Connection) -> None:
        """Lay out the handles; `export` shows them."""
        self._tree = tree
        self._device_path = device_path
        self._peripheral = peripheral
        self._link = link
        self._by_path: dict[str, _Attribute] = {}
        self._of: dict[str, _Attribute] = {}  # by UUID
        self.exported = False

    def export(self) -> None:
        """Show every attribute, parents first. Nothing happens if they still stand from the last link."""
        if self.exported:
            return
        self.exported = True
        handle = _FIRST_HANDLE
        for service in self._peripheral.services:
            service_path = f"{self._device_path}/service{handle:04x}"
            self._tree.add(
                service_path,
                {
                    SERVICE: {
                        "UUID": Variant("s", full_uuid(service.uuid)),
                        "Device": Variant("o", self._device_path),
                        "Primary": Variant("b", True),
                        "Includes": Variant("ao", []),
                    }
                },
            )
            handle += 1
            for characteristic in service.characteristics:
                handle = self._export_characteristic(service_path, characteristic, handle)

    def _export_characteristic(self, service_path: str, given: Characteristic, handle: int) -> int:
        path = f"{service_path}/char{handle:04x}"
        properties = {
            "UUID": Variant("s", full_uuid(given.uuid)),
            "Service": Variant("o", service_path),
            "Value": Variant("ay", b""),
            "Flags": Variant("as", list(given.flags)),
            "MTU": Variant("q", MTU_B),
        }
        if given.notifies:
            properties["Notifying"] = Variant("b", False)
            properties["NotifyAcquired"] = Variant("b", False)
        if "write-without-response" in given.flags:
            properties["WriteAcquired"] = Variant("b", False)
        self._tree.add(path, {CHARACTERISTIC: properties})
        handle += 2  # the declaration and the value
        descriptor = None
        if given.notifies:
            descriptor = f"{path}/desc{handle:04x}"
            self._tree.add(
                descriptor,
                {
                    DESCRIPTOR: {
                        "UUID": Variant("s", full_uuid(CONFIGURATION_UUID)),
                        "Characteristic": Variant("o", path),
                        "Value": Variant("ay", b""),
                    }
                },
            )
            handle += 1
        attribute = _Attribute(given, path, descriptor)
        self._by_path[path] = self._of[given.uuid] = attribute
        return handle

    def paths(self) -> Iterator[str]:
        """Yield the exported paths, children before parents."""
        yield from reversed([p for p in self._tree.below(self._device_path) if "/service" in p])

    def withdraw(self) -> None:
        """Take every attribute off the bus."""
        for path in list(self.paths()):
            self._tree.remove(path)
        self._by_path.clear()
        self._of.clear()
        self.exported = False

    def closed(self) -> None:
        """End every subscription: the link is gone."""
        for attribute in self._by_path.values():
            attribute.notifying.clear()
            self._release(attribute)
            self._notifying(attribute)

    def sender_gone(self, sender: str) -> None:
        """End the subscriptions of a client that left the bus."""
        for attribute in self._by_path.values():
            attribute.notifying.discard(sender)
            if attribute.acquired is not None and attribute.acquired[0] == sender:
                self._release(attribute)
            self._notifying(attribute)

    def deliver(self, characteristic: Characteristic, value: bytes) -> None:
        """Pass a notification or indication on to whoever subscribed."""
        attribute = self._of.get(characteristic.uuid)
        if attribute is None:
            return
        if attribute.acquired is not None:
            try:
                attribute.acquired[1].send(value)
            except OSError:  # the client closed its end, which is how it unsubscribes
                self._release(attribute)
                self._notifying(attribute)
            return
        if attribute.notifying:
            self._tree.change(attribute.path, CHARACTERISTIC, {"Value": Variant("ay", value)})

    def _attribute(self, path: str) -> _Attribute:
        try:
            return self._by_path[path]
        except KeyError:
            raise unknown_object(path) from None

    async def read(self, path: str) -> bytes:
        """Serve ReadValue. Raises BluezError."""
        attribute = self._attribute(path)
        if "read" not in attribute.characteristic.flags:
            raise not_permitted("Read not permitted")
        await self._exchange(attribute)
        value = attribute.characteristic.value
        self._tree.change(path, CHARACTERISTIC, {"Value": Variant("ay", value)})
        return value

    async def write(self, path: str, value: bytes) -> None:
        """Serve WriteValue. Raises BluezError."""
        attribute = self._attribute(path)
        if not {"write", "write-without-response"} & set(attribute.characteristic.flags):
            raise not_permitted("Write not permitted")
        await self._exchange(attribute)
        self._peripheral.write(attribute.characteristic, value)

    async def read_descriptor(self, path: str) -> bytes:
        """Serve ReadValue of a client's configuration. Raises BluezError."""
        attribute = next((each for each in self._by_path.values() if each.descriptor == path), None)
        if attribute is None:
            raise unknown_object(path)
        await self._link.round_trip(ATT_ROUND_TRIP_S)
        bit = 1 if "notify" in attribute.characteristic.flags else 2
        on = bool(attribute.notifying) or attribute.acquired is not None
        return (bit if on else 0).to_bytes(2, "little")

    async def _exchange(self, attribute: _Attribute) -> None:
        if not self._link.connected:
            raise failed("Not connected")
        if attribute.busy:
            raise in_progress()
        attribute.busy = True
        try:
            if self._peripheral.drop_on_read:
                self._peripheral.drop_on_read = False
                asyncio.get_running_loop().call_later(ATT_ROUND_TRIP_S / 2, self._peripheral.drop)
            await self._link.round_trip(ATT_ROUND_TRIP_S)
        finally:
            attribute.busy = False

    async def start_notify(self, path: str, sender: str) -> None:
        """Serve StartNotify. Raises BluezError."""
        attribute = self._subscribable(path)
        if sender in attribute.notifying:
            raise in_progress()
        await self._link.round_trip(ATT_ROUND_TRIP_S)
        attribute.notifying.add(sender)
        self._notifying(attribute)

    def stop_notify(self, path: str, sender: str) -> None:
        """Serve StopNotify. Raises BluezError."""
        attribute = self._attribute(path)
        if sender not in attribute.notifying:
            raise failed("No notify session started")
        attribute.notifying.discard(sender)
        self._notifying(attribute)

    async def acquire_notify(self, path: str, sender: str) -> int:
        """Serve AcquireNotify; the reply carries the client's end of a socket, one value a packet."""
        attribute = self._subscribable(path)
        if attribute.acquired is not None:
            raise not_permitted("Notify acquired")
        await self._link.round_trip(ATT_ROUND_TRIP_S)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        attribute.acquired = (sender, ours)
        self._notifying(attribute)
        return theirs.detach()

    def _subscribable(self, path: str) -> _Attribute:
        attribute = self._attribute(path)
        if not attribute.characteristic.notifies:
            raise not_supported()
        if not self._link.connected:
            raise failed("Not connected")
        return attribute

    def _release(self, attribute: _Attribute) -> None:
        if attribute.acquired is not None:
            attribute.acquired[1].close()
            attribute.acquired = None

    def _notifying(self, attribute: _Attribute) -> None:
        """Write the configuration on the device and tell what changed of the properties."""
        if not attribute.characteristic.notifies or attribute.path not in self._tree:
            return
        acquired = attribute.acquired is not None
        on = bool(attribute.notifying) or acquired
        changed = {
            name: Variant("b", value)
            for name, value in (("Notifying", bool(attribute.notifying)), ("NotifyAcquired", acquired))
            if self._tree.value(attribute.path, CHARACTERISTIC, name) != value
        }
        if changed:
            self._tree.change(attribute.path, CHARACTERISTIC, changed)
        if self._link.connected:
            self._peripheral.subscribe(attribute.characteristic, on=on)
