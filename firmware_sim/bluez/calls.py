"""Method calls: which interface and member is served by what, and with which signature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from dbus_fast import Message, Variant

from firmware_sim.bluez.adapter import Adapter
from firmware_sim.bluez.device import RemoteDevice
from firmware_sim.bluez.gatt import MTU_B, GattTable
from firmware_sim.bluez.introspection import METHODS, describe
from firmware_sim.bluez.names import (
    ADAPTER,
    CHARACTERISTIC,
    DESCRIPTOR,
    DEVICE,
    INTROSPECTABLE,
    OBJECT_MANAGER,
    PEER,
    PROPERTIES,
    BluezError,
    does_not_exist,
    invalid_arguments,
    not_permitted,
    unknown_method,
    unknown_object,
)
from firmware_sim.bluez.tree import Tree
from firmware_sim.bluez.wire import Wire

_UNKNOWN_PROPERTY: Final = "org.freedesktop.DBus.Error.UnknownProperty"
_READ_ONLY: Final = "org.freedesktop.DBus.Error.PropertyReadOnly"


@dataclass(slots=True)
class Answer:
    """A reply's body, and the file descriptors it hands over."""

    signature: str = ""
    body: tuple[Any, ...] = ()
    fds: tuple[int, ...] = ()


Handler = Callable[[Message], Awaitable[Answer]]


class Calls:
    """Serves the calls on one daemon's objects. `adapter` is None while there is no controller."""

    def __init__(self, wire: Wire, tree: Tree) -> None:
        """Begin without an adapter."""
        self._wire = wire
        self._tree = tree
        self.adapter: Adapter | None = None
        self._handlers: dict[tuple[str, str], Handler] = {
            (OBJECT_MANAGER, "GetManagedObjects"): self._managed,
            (INTROSPECTABLE, "Introspect"): self._introspect,
            (PEER, "Ping"): self._ping,
            (PROPERTIES, "Get"): self._get,
            (PROPERTIES, "GetAll"): self._get_all,
            (PROPERTIES, "Set"): self._set,
            (ADAPTER, "SetDiscoveryFilter"): self._set_filter,
            (ADAPTER, "GetDiscoveryFilters"): self._filters,
            (ADAPTER, "StartDiscovery"): self._start_discovery,
            (ADAPTER, "StopDiscovery"): self._stop_discovery,
            (ADAPTER, "RemoveDevice"): self._remove_device,
            (DEVICE, "Connect"): self._connect,
            (DEVICE, "Disconnect"): self._disconnect,
            (DEVICE, "Pair"): self._pair,
            (DEVICE, "CancelPairing"): self._cancel_pairing,
            (CHARACTERISTIC, "ReadValue"): self._read,
            (CHARACTERISTIC, "WriteValue"): self._write,
            (CHARACTERISTIC, "StartNotify"): self._start_notify,
            (CHARACTERISTIC, "StopNotify"): self._stop_notify,
            (CHARACTERISTIC, "AcquireNotify"): self._acquire_notify,
            (DESCRIPTOR, "ReadValue"): self._read_descriptor,
            (DESCRIPTOR, "WriteValue"): self._write_descriptor,
        }

    async def serve(self, call: Message) -> None:
        """Answer one call, sooner or later, by a reply or an error."""
        try:
            answer = await self._dispatch(call)
        except BluezError as error:
            self._wire.refuse(call, error)
            return
        self._wire.reply(call, answer.signature, answer.body, answer.fds)

    async def _dispatch(self, call: Message) -> Answer:
        interface, member = call.interface or "", call.member or ""
        handler = self._handlers.get((interface, member))
        expected = next((m[1] for m in METHODS.get(interface, ()) if m[0] == member), None)
        if handler is None or (call.signature or "") != expected:
            raise unknown_method(interface, member)
        return await handler(call)

    # --- the bus's own interfaces ---

    async def _ping(self, call: Message) -> Answer:
        return Answer()

    async def _managed(self, call: Message) -> Answer:
        if call.path != "/":
            raise unknown_method(OBJECT_MANAGER, "GetManagedObjects")
        return Answer("a{oa{sa{sv}}}", (self._tree.managed(),))

    async def _introspect(self, call: Message) -> Answer:
        path = call.path or "/"
        children = sorted({p[len(path.rstrip("/")) + 1 :].split("/")[0] for p in self._tree.below(path)})
        if path == "/":
            own = [INTROSPECTABLE, OBJECT_MANAGER]
        elif path in self._tree:
            own = list(self._tree.interfaces(path))
        elif children:
            own = [INTROSPECTABLE]
        else:
            raise unknown_object(path)
        return Answer("s", (describe(own, children),))

    async def _get(self, call: Message) -> Answer:
        interface, name = call.body
        properties = self._tree.interfaces(call.path or "").get(interface)
        if properties is None or name not in properties:
            raise BluezError(_UNKNOWN_PROPERTY, f"No such property '{name}'")
        return Answer("v", (properties[name],))

    async def _get_all(self, call: Message) -> Answer:
        (interface,) = call.body
        properties = self._tree.interfaces(call.path or "").get(interface)
        if properties is None:
            raise invalid_arguments(f"No such interface '{interface}'")
        return Answer("a{sv}", (properties,))

    async def _set(self, call: Message) -> Answer:
        interface, name, value = call.body
        if name not in self._tree.interfaces(call.path or "").get(interface, {}):
            raise BluezError(_UNKNOWN_PROPERTY, f"No such property '{name}'")
        if (interface, name) == (ADAPTER, "Powered"):
            self._adapter(call).set_power(self._boolean(value))
        elif (interface, name) == (DEVICE, "Trusted"):
            self._device(call).set_trusted(self._boolean(value))
        else:
            raise BluezError(_READ_ONLY, f"Property '{name}' is not writable")
        return Answer()

    @staticmethod
    def _boolean(value: Variant) -> bool:
        if value.signature != "b":
            raise invalid_arguments()
        return cast("bool", value.value)

    # --- Adapter1 ---

    def _adapter(self, call: Message) -> Adapter:
        if self.adapter is None or call.path != self.adapter.path:
            raise unknown_object(call.path or "")
        return self.adapter

    async def _set_filter(self, call: Message) -> Answer:
        self._adapter(call).set_filter(call.sender or "", call.body[0])
        return Answer()

    async def _filters(self, call: Message) -> Answer:
        self._adapter(call)
        names = ["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"]
        return Answer("as", (names,))

    async def _start_discovery(self, call: Message) -> Answer:
        self._adapter(call).start_discovery(call.sender or "")
        return Answer()

    async def _stop_discovery(self, call: Message) -> Answer:
        self._adapter(call).stop_discovery(call.sender or "")
        return Answer()

    async def _remove_device(self, call: Message) -> Answer:
        self._adapter(call).remove_device(call.body[0])
        return Answer()

    # --- Device1 ---

    def _device(self, call: Message) -> RemoteDevice:
        path = call.path or ""
        for device in self.adapter.devices.values() if self.adapter is not None else ():
            if path == device.path:
                return device
        raise unknown_object(path)

    async def _connect(self, call: Message) -> Answer:
        await self._device(call).connect()
        return Answer()

    async def _disconnect(self, call: Message) -> Answer:
        self._device(call).disconnect()
        return Answer()

    async def _pair(self, call: Message) -> Answer:
        await self._device(call).pair()
        return Answer()

    async def _cancel_pairing(self, call: Message) -> Answer:
        self._device(call)
        raise does_not_exist()

    # --- GATT ---

    def _table(self, call: Message) -> GattTable:
        path = call.path or ""
        for device in self.adapter.devices.values() if self.adapter is not None else ():
            if path.startswith(f"{device.path}/") and device.gatt is not None:
                return device.gatt
        raise unknown_object(path)

    async def _read(self, call: Message) -> Answer:
        return Answer("ay", (await self._table(call).read(call.path or ""),))

    async def _write(self, call: Message) -> Answer:
        await self._table(call).write(call.path or "", bytes(call.body[0]))
        return Answer()

    async def _start_notify(self, call: Message) -> Answer:
        await self._table(call).start_notify(call.path or "", call.sender or "")
        return Answer()

    async def _stop_notify(self, call: Message) -> Answer:
        self._table(call).stop_notify(call.path or "", call.sender or "")
        return Answer()

    async def _acquire_notify(self, call: Message) -> Answer:
        descriptor = await self._table(call).acquire_notify(call.path or "", call.sender or "")
        return Answer("hq", (0, MTU_B), (descriptor,))

    async def _read_descriptor(self, call: Message) -> Answer:
        return Answer("ay", (await self._table(call).read_descriptor(call.path or ""),))

    async def _write_descriptor(self, call: Message) -> Answer:
        self._table(call)
        raise not_permitted("Write not permitted")  # BlueZ keeps 0x2902 for itself
