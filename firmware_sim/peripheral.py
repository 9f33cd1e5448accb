"""The GATT side of a device's firmware: its table of services, and the one link it may have.

Source: Bluetooth Core Specification 5.3, Vol 3, Part G (Generic Attribute Profile).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True, kw_only=True)
class Characteristic:
    """One characteristic: `flags` in BlueZ's words (`read`, `notify`, `indicate`, `write`)."""

    uuid: str
    flags: tuple[str, ...]
    value: bytes = b""
    on_subscribe: Callable[[], None] | None = None
    on_write: Callable[[bytes], None] | None = None

    @property
    def notifies(self) -> bool:
        """Whether a client can subscribe to it."""
        return "notify" in self.flags or "indicate" in self.flags


@dataclass(slots=True, kw_only=True)
class Service:
    """One primary service with its characteristics, in the order of their handles."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


class Link(Protocol):
    """The radio's end of a connection."""

    def value(self, characteristic: Characteristic, value: bytes) -> None:
        """Take a notification or indication."""

    def lost(self) -> None:
        """Take notice that the link broke (out of range, battery out, supervision timeout)."""


@dataclass(slots=True, kw_only=True)
class Peripheral:
    """A connectable device. It holds one link, as nearly all small devices do, and is silent meanwhile."""

    address: str
    services: tuple[Service, ...]
    awake: bool = True
    drop_on_read: bool = False
    link: Link | None = None
    subscribed: set[str] = field(default_factory=set)

    def accept(self, link: Link) -> bool:
        """Take a connection if there is none yet and the device is awake."""
        if not self.awake or self.link is not None:
            return False
        self.link = link
        return True

    def closed(self) -> None:
        """Forget the link; the other side has ended it."""
        self.link = None
        self.subscribed.clear()

    def drop(self) -> bool:
        """Break the link from the device's side. False where there is none."""
        link, self.link = self.link, None
        self.subscribed.clear()
        if link is None:
            return False
        link.lost()
        return True

    def subscribe(self, characteristic: Characteristic, *, on: bool) -> None:
        """Write the client's configuration of one characteristic (0x2902)."""
        if not on:
            self.subscribed.discard(characteristic.uuid)
            return
        fresh = characteristic.uuid not in self.subscribed
        self.subscribed.add(characteristic.uuid)
        if fresh and characteristic.on_subscribe is not None:
            characteristic.on_subscribe()

    def notify(self, characteristic: Characteristic, value: bytes) -> bool:
        """Send a value to the client that subscribed. False where nobody did: then nothing is sent."""
        if self.link is None or characteristic.uuid not in self.subscribed:
            return False
        self.link.value(characteristic, value)
        return True

    def write(self, characteristic: Characteristic, value: bytes) -> None:
        """Take what a client wrote."""
        characteristic.value = value
        if characteristic.on_write is not None:
            characteristic.on_write(value)
