"""From bleak's callbacks to frames: what a packet brought, apart from what BlueZ remembered.

BlueZ reports the merged state of a device, and bleak calls back on every signal, whatever it held: a press
can come again with a mere change of signal strength, or because somebody connected. What the signal
carried shows all the same: bleak puts the values of each signal into the device's properties as new
objects and hands out a shallow copy (`AdvertisementData.platform_data`). The same object again was not in
this signal. Should bleak ever copy deeply, all would look new: presses might count twice, none would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bleak.backends.scanner import AdvertisementData

from gateway.model.clock import NS, Clock
from gateway.model.frames import Advertisement, short_uuid

RSSI_NONE = -127  # bleak's word for "BlueZ has withdrawn the signal strength": the data are old
KNOWN_MAX = 4096  # devices remembered; phones with changing addresses would fill the memory otherwise
FORGOTTEN_AFTER_NS = 60 * NS  # BlueZ forgets a stranger after 30 s (`TemporaryTimeout` in main.conf)
LINK_PROPERTIES = ("Connected", "ServicesResolved", "Paired", "Bonded", "Trusted", "Blocked")
KEPT_PROPERTIES = (
    "Connected",
    "Paired",
    "Bonded",
    "Trusted",
)  # BlueZ never forgets a device with one of these

NOTHING: frozenset[str] = frozenset()
SERVICE = frozenset({"service_data"})
MANUFACTURER = frozenset({"manufacturer_data"})
BOTH = SERVICE | MANUFACTURER

_short = lru_cache(maxsize=1024)(short_uuid)


@dataclass(slots=True)
class _Known:
    """What was last seen of a device: bleak's own objects, to tell old from new, and their frame form."""

    uuids: Any
    service: Any
    manufacturer: Any
    link: tuple[Any, ...]
    rssi: int
    mono_ns: int
    service_uuids: tuple[str, ...]
    service_data: Mapping[str, bytes]
    manufacturer_data: Mapping[int, bytes]


class Sightings:
    """The devices that one scanner has heard. A new scanner begins a new one."""

    def __init__(self, adapter: str, clock: Clock, present: Mapping[str, bool] | None) -> None:
        """`present` are the addresses that BlueZ knew when the scanner began; None: it did not say.

        True stands for a device that it keeps, False for one that it forgets. The first callback of any
        other device announces the device, so all its data are of that packet.
        """
        self._adapter, self._clock, self._present = adapter, clock, present
        self._began_ns = clock.now().mono_ns
        self._known: dict[str, _Known] = {}

    def take(self, address: str, data: AdvertisementData) -> Advertisement | None:
        """Make a frame of one callback; None where it was no packet."""
        props: Mapping[str, Any] = data.platform_data[1]
        service, manufacturer = props.get("ServiceData"), props.get("ManufacturerData")
        uuids = props.get("UUIDs")
        link = tuple(props.get(name) for name in LINK_PROPERTIES)
        heard = self._clock.now()
        known = self._known.get(address)
        brought: frozenset[str] | None
        about_link = False
        if known is None:
            brought = self._of_first(address, service, manufacturer, heard.mono_ns)
            known = self._remember(address, data, heard.mono_ns)
        else:
            brought = _words(
                service is not None and service is not known.service,
                manufacturer is not None and manufacturer is not known.manufacturer,
            )
            about_link = link != known.link and data.rssi == known.rssi and not brought
            if service is not known.service:
                known.service, known.service_data = service, _service_data(data)
            if manufacturer is not known.manufacturer:
                known.manufacturer, known.manufacturer_data = manufacturer, dict(data.manufacturer_data)
            if uuids is not known.uuids:
                known.uuids, known.service_uuids = uuids, _service_uuids(data)
            known.link, known.rssi = link, data.rssi
        if about_link or data.rssi == RSSI_NONE:
            return None
        known.mono_ns = heard.mono_ns
        return Advertisement(
            address=address,
            rssi=data.rssi,
            name=data.local_name,
            tx_power=data.tx_power,
            service_uuids=known.service_uuids,
            service_data=known.service_data,
            manufacturer_data=known.manufacturer_data,
            brought=brought,
            heard=heard,
            source=self._adapter,
        )

    def _of_first(self, address: str, service: Any, manufacturer: Any, now_ns: int) -> frozenset[str] | None:
        if self._present is None:
            return None
        kept = self._present.get(address)
        if kept or (kept is False and now_ns - self._began_ns < FORGOTTEN_AFTER_NS):
            return None
        return _words(service is not None, manufacturer is not None)

    def _remember(self, address: str, data: AdvertisementData, now_ns: int) -> _Known:
        if len(self._known) >= KNOWN_MAX:
            self._forget(now_ns)
        props: Mapping[str, Any] = data.platform_data[1]
        known = self._known[address] = _Known(
            uuids=props.get("UUIDs"),
            service=props.get("ServiceData"),
            manufacturer=props.get("ManufacturerData"),
            link=tuple(props.get(name) for name in LINK_PROPERTIES),
            rssi=data.rssi,
            mono_ns=now_ns,
            service_uuids=_service_uuids(data),
            service_data=_service_data(data),
            manufacturer_data=dict(data.manufacturer_data),
        )
        return known

    def _forget(self, now_ns: int) -> None:
        """Forget the half that has been silent longest."""
        oldest = sorted(self._known, key=lambda address: self._known[address].mono_ns)[: KNOWN_MAX // 2]
        if now_ns - self._known[oldest[-1]].mono_ns < FORGOTTEN_AFTER_NS:
            self._present = None  # BlueZ may still know it: its next callback announces nothing
        for address in oldest:
            del self._known[address]


def present_at(devices: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """Give the addresses among BlueZ's devices (path to properties), and whether it keeps each."""
    return {
        str(props["Address"]): any(props.get(name) for name in KEPT_PROPERTIES)
        for props in devices.values()
        if "Address" in props
    }


def _words(service: bool, manufacturer: bool) -> frozenset[str]:
    if service:
        return BOTH if manufacturer else SERVICE
    return MANUFACTURER if manufacturer else NOTHING


def _service_data(data: AdvertisementData) -> dict[str, bytes]:
    return {_short(uuid): value for uuid, value in data.service_data.items()}


def _service_uuids(data: AdvertisementData) -> tuple[str, ...]:
    return tuple(map(_short, data.service_uuids))
