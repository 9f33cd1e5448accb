"""What bleak does not say: whether bluetoothd lives, and whether the adapter is there, on and discovering.

A D-Bus connection of our own that hears nothing but these few signals. Source: BlueZ `doc/` (org.bluez
Adapter1, Device1), D-Bus specification ("Match Rules", NameOwnerChanged).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from gateway.radio.backoff import Backoff

log = logging.getLogger(__name__)

BLUEZ, ADAPTER, DEVICE = "org.bluez", "org.bluez.Adapter1", "org.bluez.Device1"
OBJECTS, PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
DBUS = "org.freedesktop.DBus"
CALL_WITHIN_S = 5.0
PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 30.0


class BusError(Exception):
    """The bus or bluetoothd did not do what was asked. The text says what, for the technician."""


@dataclass(slots=True)
class Look:
    """One adapter as last seen. `epoch` is raised whenever a scanner begun before is worth nothing."""

    name: str
    present: bool = False
    powered: bool = False
    discovering: bool = False
    epoch: int = 0
    wake: list[Callable[[], None]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Its D-Bus object."""
        return f"/org/bluez/{self.name}"

    def changed(self, *, renew: bool = True) -> None:
        """Count a change and wake whoever waits for one."""
        self.epoch += renew
        for callback in self.wake:
            callback()


class BluezWatch:
    """Watches bluetoothd and some adapters for ever."""

    def __init__(self, adapters: tuple[str, ...], *, random: Random | None = None) -> None:
        """Watch the adapters of these names, such as `hci0`."""
        self.looks = {name: Look(name) for name in adapters}
        self.reached = False
        """Whether the bus answers."""
        self.owned = False
        """Whether bluetoothd is there."""
        self.owner_epoch = 0
        """Raised whenever bluetoothd went or came: all links are lost, whatever bleak says."""
        self.on_owner_change: list[Callable[[], None]] = []
        self.problem = ""
        """Why the bus is not reached."""
        self._bus: MessageBus | None = None
        self._backoff = Backoff(PAUSE_FIRST_S, PAUSE_MAX_S, random or Random())  # noqa: S311  (jitter)

    async def run(self) -> None:
        """Connect, watch, and again whenever the bus is lost. Ends by cancellation only."""
        while True:
            try:
                await self._connection()
            except (BusError, DBusError, OSError, EOFError, TimeoutError) as error:
                self.problem = str(error) or type(error).__name__
            self._lost()
            pause = self._backoff.next_s()
            log.warning("system bus: %s; again in %.1f s", self.problem or "closed", pause)
            await asyncio.sleep(pause)

    async def _connection(self) -> None:
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            async with asyncio.timeout(CALL_WITHIN_S):
                await bus.connect()
            bus.add_message_handler(self._heard)
            self._bus = bus
            for rule in self._rules():
                await self.call(DBUS, "/org/freedesktop/DBus", DBUS, "AddMatch", "s", rule)
            (owned,) = await self.call(DBUS, "/org/freedesktop/DBus", DBUS, "NameHasOwner", "s", BLUEZ)
            self.reached, self.problem = True, ""
            self._backoff.reset()
            self.owned = bool(owned)
            await self._look()
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        finally:
            self._bus = None
            bus.disconnect()

    def _rules(self) -> list[str]:
        rules = [f"type='signal',sender='{DBUS}',interface='{DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'"]
        for look in self.looks.values():
            bluez = f"type='signal',sender='{BLUEZ}'"
            rules += [
                f"{bluez},interface='{PROPERTIES}',member='PropertiesChanged',path='{look.path}',arg0='{ADAPTER}'",
                f"{bluez},interface='{OBJECTS}',member='InterfacesAdded',arg0path='{look.path}'",
                f"{bluez},interface='{OBJECTS}',member='InterfacesRemoved',arg0path='{look.path}'",
            ]
        return rules

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member:
            case "NameOwnerChanged" if message.body[0] == BLUEZ:
                self._owner(present=bool(message.body[2]))
            case "InterfacesAdded" if (look := self._by_path(message.body[0])) and ADAPTER in message.body[1]:
                self._update(look, unpack_variants(message.body[1][ADAPTER]), there=True)
            case "InterfacesRemoved" if (look := self._by_path(message.body[0])) and ADAPTER in message.body[
                1
            ]:
                self._gone(look)
            case "PropertiesChanged" if look := self._by_path(message.path or ""):
                self._update(look, unpack_variants(message.body[1]))
            case _:
                pass

    def _by_path(self, path: str) -> Look | None:
        return self.looks.get(path.rpartition("/")[2]) if path.startswith("/org/bluez/") else None

    def _owner(self, *, present: bool) -> None:
        log.warning("bluetoothd %s", "is there" if present else "is gone")
        self.owned = present
        self.owner_epoch += 1
        for look in self.looks.values():
            self._gone(look)  # a new one announces its adapters as they come up
        for callback in self.on_owner_change:
            callback()

    def _lost(self) -> None:
        self.reached = False
        if self.owned:
            self._owner(present=False)

    @staticmethod
    def _gone(look: Look) -> None:
        look.present = look.powered = look.discovering = False
        look.changed()

    @staticmethod
    def _update(look: Look, changed: Mapping[str, Any], *, there: bool = False) -> None:
        before = (look.present, look.powered)
        look.present = look.present or there
        look.powered = bool(changed.get("Powered", look.powered))
        look.discovering = bool(changed.get("Discovering", look.discovering))
        look.changed(renew=there or before != (look.present, look.powered))

    async def _look(self) -> None:
        """Ask how the adapters are now. One that has just come up announces itself."""
        if not self.owned:
            return
        objects = await self._objects()
        for look in self.looks.values():
            properties = objects.get(look.path, {}).get(ADAPTER)
            if properties is None:
                self._gone(look)
            else:
                self._update(look, properties, there=True)

    async def _objects(self) -> dict[str, dict[str, dict[str, Any]]]:
        (objects,) = await self.call(BLUEZ, "/", OBJECTS, "GetManagedObjects")
        out: dict[str, dict[str, dict[str, Any]]] = unpack_variants(objects)
        return out

    async def devices(self, adapter: str) -> dict[str, dict[str, Any]]:
        """Give the devices that BlueZ knows at an adapter: D-Bus path to properties. Raises BusError."""
        below = f"/org/bluez/{adapter}/"
        return {
            path: interfaces[DEVICE]
            for path, interfaces in (await self._objects()).items()
            if path.startswith(below) and DEVICE in interfaces
        }

    async def power(self, adapter: str, *, on: bool) -> None:
        """Switch an adapter on or off. Raises BusError, e.g. where rfkill blocks it or it is not allowed."""
        path = f"/org/bluez/{adapter}"
        await self.call(BLUEZ, path, PROPERTIES, "Set", "ssv", ADAPTER, "Powered", Variant("b", on))

    async def call(
        self, to: str, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        """Make one D-Bus call and give the body of its answer. Raises BusError."""
        bus = self._bus
        if bus is None or not bus.connected:
            raise BusError("no connection to the system bus")
        message = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            async with asyncio.timeout(CALL_WITHIN_S):
                answer = await bus.call(message)
        except TimeoutError:
            raise BusError(f"{member} was not answered within {CALL_WITHIN_S:g} s") from None
        except (OSError, EOFError, DBusError) as error:
            raise BusError(f"{member}: {error or type(error).__name__}") from None
        if answer is None or answer.message_type is MessageType.ERROR:
            text = answer.body[0] if answer is not None and answer.body else ""
            raise BusError(f"{member}: {answer.error_name if answer else 'no answer'} {text}".rstrip())
        out: list[Any] = answer.body
        return out
