"""What was heard, before anybody says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.clock import Instant

BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"
"""The Bluetooth base UUID: `0000xxxx` in front makes the long form of a 16-bit UUID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertisement:
    """One BLE advertisement (with its scan response, as BlueZ merges them).

    `service_data` is keyed by UUID in the short form where there is one (`fcd2`), else the long
    lower-case form; `manufacturer_data` by company id. Bytes are without the id.
    """

    address: str
    """Upper case with colons."""
    rssi: int | None = None
    """dBm."""
    name: str | None = None
    tx_power: int | None = None
    """dBm."""
    service_uuids: tuple[str, ...] = ()
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    brought: frozenset[str] | None = None
    """Which of `service_data` and `manufacturer_data` the packet itself carried, so far as that is known.

    BlueZ reports the merged state of a device, so bytes may be old: empty means that a packet came (the
    device lives, `rssi` is new) and all data here is of earlier ones, a named one that a packet with these
    bytes was received just now, None that it cannot be told (a first sighting, another source).
    """
    heard: Instant | None = None
    source: str = ""
    """The adapter or file it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GattValue:
    """One value of a characteristic, read or notified. UUIDs as in `Advertisement.service_data`."""

    address: str
    service: str
    characteristic: str
    value: bytes
    heard: Instant | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MQTT message of another system."""

    topic: str
    payload: bytes
    retained: bool = False
    """Delivered because it was retained: it may be old, and is never an event of now."""
    heard: Instant | None = None
    source: str = ""


Frame = Advertisement | GattValue | Message


def short_uuid(uuid: str) -> str:
    """Write a UUID in its short form where it has one: `0000fcd2-0000-1000-…` becomes `fcd2`."""
    text = uuid.lower()
    if len(text) == 36 and text.endswith(BASE_UUID_TAIL):
        text = text[4:8] if text.startswith("0000") else text[:8]
    return text
