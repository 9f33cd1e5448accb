"""What a driver sees of a frame: the frame itself, the payload its match points at, and the device's key.

A view is made for one call and holds no state of the device. The key is in no repr and no attribute
that is printed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.model import frames
from gateway.model.decoding import KeyMissing, KeyWrong, Malformed
from gateway.model.matching import Match, topic_parts

KeyOf = Callable[[str], bytes | None]
"""Gives the key recorded for an address."""


def no_key(address: str) -> bytes | None:
    """Know no key at all."""
    return None


class _Keyed(ABC):
    """A frame of a device that may have a key."""

    __slots__ = ("_key_of", "key_owner", "match", "payload")

    def __init__(self, payload: bytes, match: Match, key_of: KeyOf) -> None:
        self.payload = payload
        """The bytes that the match points at, after its `starts`."""
        self.match = match
        """Which of the driver's matches took the frame."""
        self.key_owner: str | None = None
        """The address whose key was asked for: the one whose counter is meant."""
        self._key_of = key_of

    @property
    @abstractmethod
    def address(self) -> str:
        """The sender's address."""

    @property
    def address_bytes(self) -> bytes:
        """The sender's six bytes, as printed. Raises Malformed for an address of another form."""
        return address_bytes(self.address)

    def has_key(self, address: str | None = None) -> bool:
        """Tell whether a key is recorded: then a frame in clear is not the device's."""
        return self._key_of(address or self.address) is not None

    def key(self, length: int, address: str | None = None) -> bytes:
        """Give the device's key. Raises KeyMissing, and KeyWrong where it has not `length` bytes.

        `address` where the frame names its sender inside.
        """
        owner = address or self.address
        key = self._key_of(owner)
        self.key_owner = owner
        if key is None:
            raise KeyMissing
        if len(key) != length:
            raise KeyWrong(f"the recorded key has {len(key)} bytes, this format needs {length}")
        return key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address}, {self.match}, {self.payload.hex()})"


class Advertisement(_Keyed):
    """An advertisement."""

    __slots__ = ("frame",)

    def __init__(
        self, frame: frames.Advertisement, payload: bytes, match: Match, key_of: KeyOf = no_key
    ) -> None:
        """Show `frame` to a driver."""
        _Keyed.__init__(self, payload, match, key_of)
        self.frame = frame

    @property
    def address(self) -> str:
        """The sender's address, upper case with colons."""
        return self.frame.address

    @property
    def name(self) -> str | None:
        """The local name, if one was heard. For display: never a proof of what it is."""
        return self.frame.name

    @property
    def service_data(self) -> Mapping[str, bytes]:
        """All service data, by short UUID."""
        return self.frame.service_data

    @property
    def manufacturer_data(self) -> Mapping[int, bytes]:
        """All manufacturer data, by company id."""
        return self.frame.manufacturer_data


class GattValue(_Keyed):
    """One value of a characteristic, read or notified; `payload` is the value."""

    __slots__ = ("frame",)

    def __init__(self, frame: frames.GattValue, payload: bytes, match: Match, key_of: KeyOf = no_key) -> None:
        """Show `frame` to a driver."""
        _Keyed.__init__(self, payload, match, key_of)
        self.frame = frame

    @property
    def address(self) -> str:
        """The device's address, upper case with colons."""
        return self.frame.address

    @property
    def service(self) -> str:
        """The service's UUID, short where there is a short form."""
        return self.frame.service

    @property
    def characteristic(self) -> str:
        """The characteristic's UUID, short where there is a short form."""
        return self.frame.characteristic


class Message:
    """An MQTT message of another system."""

    __slots__ = ("frame", "match", "payload")

    key_owner: str | None = None

    def __init__(self, frame: frames.Message, payload: bytes, match: Match) -> None:
        """Show `frame` to a driver."""
        self.frame, self.payload, self.match = frame, payload, match

    @property
    def topic(self) -> str:
        """The whole topic."""
        return self.frame.topic

    def part(self, name: str) -> str | None:
        """Give the level that `{name}` of the match stands for; None where the topic is another form."""
        return (topic_parts(str(self.match.what), self.frame.topic) or {}).get(name)

    def json(self) -> Any:
        """Give the payload as JSON. Raises Malformed."""
        try:
            return orjson.loads(self.payload)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"no JSON: {error}") from None

    def __repr__(self) -> str:
        return f"Message({self.topic}, {len(self.payload)} bytes)"


View = Advertisement | GattValue | Message


def address_bytes(address: str) -> bytes:
    """Read an address into its six bytes, in the order they are printed. Raises Malformed."""
    try:
        raw = bytes.fromhex(address.replace(":", ""))
    except ValueError:
        raw = b""
    if len(raw) != 6:
        raise Malformed("the sender's address is no Bluetooth address")
    return raw


def address_text(raw: bytes) -> str:
    """Write six bytes as an address: `A4:C1:38:00:00:01`."""
    return raw.hex(":").upper()
