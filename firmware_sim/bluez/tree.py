"""The objects that bluetoothd shows, and the signals that tell of their changes.

Only what changed is sent: clients keep the rest themselves (`gdbus/object.c`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dbus_fast import Variant

from firmware_sim.bluez.names import INTROSPECTABLE, OBJECT_MANAGER, PROPERTIES, unknown_object
from firmware_sim.bluez.wire import Wire

Properties = dict[str, Variant]
Interfaces = dict[str, Properties]


class Tree:
    """Object path → interface → properties. Every change goes out as a signal at once, in order."""

    def __init__(self, wire: Wire) -> None:
        """Begin with no objects."""
        self._wire = wire
        self._objects: dict[str, Interfaces] = {}

    def __contains__(self, path: str) -> bool:
        """Whether an object is exported at `path`."""
        return path in self._objects

    def add(self, path: str, interfaces: Interfaces) -> None:
        """Export an object and tell of it, with the interfaces that every BlueZ object has."""
        everything: Interfaces = {INTROSPECTABLE: {}, **interfaces, PROPERTIES: {}}
        self._objects[path] = everything
        self._wire.signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, everything])

    def remove(self, path: str) -> None:
        """Take an object away and tell of it. One that is not there is no error."""
        interfaces = self._objects.pop(path, None)
        if interfaces is not None:
            self._wire.signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def change(
        self, path: str, interface: str, changed: Mapping[str, Variant], invalidated: Iterable[str] = ()
    ) -> None:
        """Set properties (and drop others), and tell of exactly these."""
        properties = self._objects[path][interface]
        properties.update(changed)
        gone = list(invalidated)
        for name in gone:
            properties.pop(name, None)
        body = [interface, dict(changed), gone]
        self._wire.signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def remember(self, path: str, interface: str, changed: Mapping[str, Variant]) -> None:
        """Set properties without telling."""
        self._objects[path][interface].update(changed)

    def interfaces(self, path: str) -> Interfaces:
        """Return what one object offers. Raises BluezError (UnknownObject)."""
        try:
            return self._objects[path]
        except KeyError:
            raise unknown_object(path) from None

    def value(self, path: str, interface: str, name: str) -> Any:
        """Return one property's plain value."""
        return self._objects[path][interface][name].value

    def managed(self) -> dict[str, Interfaces]:
        """Return everything, as GetManagedObjects answers."""
        return self._objects

    def below(self, path: str) -> list[str]:
        """Return the paths under `path`, parents first."""
        prefix = path.rstrip("/") + "/"
        return sorted(other for other in self._objects if other.startswith(prefix))
