"""Names and errors of BlueZ's D-Bus interface.

Source: BlueZ 5.66, `doc/*-api.txt`, `src/error.c`, `src/adapter.c`, `src/device.c`, `src/gatt-client.c`.
"""

from __future__ import annotations

from typing import Final

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
DESCRIPTOR: Final = "org.bluez.GattDescriptor1"
OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
INTROSPECTABLE: Final = "org.freedesktop.DBus.Introspectable"
PEER: Final = "org.freedesktop.DBus.Peer"
DBUS: Final = "org.freedesktop.DBus"

_BASE: Final = "-0000-1000-8000-00805f9b34fb"  # Bluetooth base UUID (Core 5.3, Vol 3, Part B, 2.5.1)


def full_uuid(uuid: str) -> str:
    """Return a UUID as BlueZ writes it: lower case, 128 bits."""
    return f"0000{uuid.lower()}{_BASE}" if len(uuid) == 4 else uuid.lower()


class BluezError(Exception):
    """An error reply: its D-Bus name and its text, as bluetoothd sends them."""

    def __init__(self, name: str, text: str) -> None:
        """Keep both parts."""
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


def failed(text: str) -> BluezError:
    """Return `org.bluez.Error.Failed` with its reason."""
    return BluezError("org.bluez.Error.Failed", text)


def not_ready() -> BluezError:
    """Return the answer of an adapter that is off."""
    return BluezError("org.bluez.Error.NotReady", "Resource Not Ready")


def in_progress() -> BluezError:
    """Return the answer to a request that repeats one under way."""
    return BluezError("org.bluez.Error.InProgress", "Operation already in progress")


def not_connected() -> BluezError:
    """Return the answer to what needs a link."""
    return BluezError("org.bluez.Error.NotConnected", "Not Connected")


def does_not_exist() -> BluezError:
    """Return the answer about an object that BlueZ does not have."""
    return BluezError("org.bluez.Error.DoesNotExist", "Does Not Exist")


def already_exists() -> BluezError:
    """Return the answer to a pairing that is done."""
    return BluezError("org.bluez.Error.AlreadyExists", "Already Exists")


def not_supported() -> BluezError:
    """Return the answer to what a characteristic cannot do."""
    return BluezError("org.bluez.Error.NotSupported", "Operation is not supported")


def not_permitted(text: str) -> BluezError:
    """Return the answer of a characteristic whose permissions forbid it."""
    return BluezError("org.bluez.Error.NotPermitted", text)


def invalid_arguments(text: str = "Invalid arguments in method call") -> BluezError:
    """Return the answer to arguments of a wrong type or value."""
    return BluezError("org.bluez.Error.InvalidArguments", text)


def unknown_object(path: str) -> BluezError:
    """Return what libdbus answers for a path that nobody exports."""
    return BluezError("org.freedesktop.DBus.Error.UnknownObject", f"No such object path '{path}'")


def unknown_method(interface: str, member: str) -> BluezError:
    """Return what libdbus answers for a method that an object does not have."""
    return BluezError(
        "org.freedesktop.DBus.Error.UnknownMethod",
        f'Method "{member}" on interface "{interface}" doesn\'t exist',
    )
