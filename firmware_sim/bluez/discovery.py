"""What a client asks discovery to report, and which changes one packet makes visible. No I/O.

Source: BlueZ 5.66 `src/adapter.c` (`parse_discovery_filter_dict`, `is_filter_match`,
`btd_adapter_device_found`), `src/device.c` (`device_set_rssi_with_delta`), `src/shared/ad.c`; for the rule
from 5.88 on, commit e004414a1 of July 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from dbus_fast import Variant

from firmware_sim.air import Packet
from firmware_sim.bluez.names import full_uuid, invalid_arguments

Release = Literal["5.66", "5.88"]
RSSI_DELTA_DB: Final = 8  # a smaller change is not worth a signal, unless a filter asks for each
_TYPES: Final = {
    "UUIDs": "as",
    "RSSI": "n",
    "Pathloss": "q",
    "Transport": "s",
    "DuplicateData": "b",
    "Discoverable": "b",
    "Pattern": "s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryFilter:
    """One client's filter; an absent part is None or empty."""

    uuids: frozenset[str] = frozenset()
    rssi: int | None = None
    pathloss: int | None = None
    transport: str = "auto"
    duplicate_data: bool = False
    pattern: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, Variant]) -> DiscoveryFilter:
        """Read the argument of SetDiscoveryFilter. Raises BluezError (InvalidArguments)."""
        for name, value in given.items():
            allowed = {"Pathloss": {"q", "n"}}.get(name, {_TYPES.get(name)})
            if value.signature not in allowed:
                raise invalid_arguments()
        value_of = {name: variant.value for name, variant in given.items()}
        if "RSSI" in value_of and "Pathloss" in value_of:
            raise invalid_arguments()
        if value_of.get("Transport", "auto") not in {"auto", "le", "bredr"}:
            raise invalid_arguments()
        return cls(
            uuids=frozenset(full_uuid(uuid) for uuid in value_of.get("UUIDs", [])),
            rssi=value_of.get("RSSI"),
            pathloss=value_of.get("Pathloss"),
            transport=value_of.get("Transport", "auto"),
            duplicate_data=value_of.get("DuplicateData", False),
            pattern=value_of.get("Pattern") or None,
        )

    def takes(self, packet: Packet) -> bool:
        """Whether this client wants to hear of the packet's device."""
        if self.transport == "bredr":
            return False
        if self.pattern is not None and not (
            packet.address.startswith(self.pattern) or (packet.name or "").startswith(self.pattern)
        ):
            return False
        if self.rssi is not None and packet.rssi < self.rssi:
            return False
        if self.pathloss is not None and (
            packet.tx_power is None or packet.tx_power - packet.rssi > self.pathloss
        ):
            return False
        return not self.uuids or any(full_uuid(uuid) in self.uuids for uuid in packet.service_uuids)


@dataclass(frozen=True, slots=True)
class Reporting:
    """The rule that all clients' filters together make: any one's wish for every packet counts for all."""

    duplicates: bool
    rssi_delta_db: int

    @classmethod
    def of(cls, filters: Iterable[DiscoveryFilter], release: Release) -> Reporting:
        """Merge the filters of everybody who scans (a dual-mode adapter: `le` alone is "filtered")."""
        everybody = list(filters)
        asked = any(each.rssi is not None or each.pathloss is not None for each in everybody)
        filtered = asked or any(each.transport != "auto" or each.duplicate_data for each in everybody)
        every_rssi = filtered if release == "5.66" else asked
        return cls(any(each.duplicate_data for each in everybody), 0 if every_rssi else RSSI_DELTA_DB)


@dataclass(slots=True)
class Heard:
    """What bluetoothd remembers of a device's advertising: merged over packets, never one packet."""

    name: str | None = None
    rssi: int | None = None
    tx_power: int | None = None
    uuids: list[str] = field(default_factory=list)
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)

    def take(self, packet: Packet, reporting: Reporting) -> dict[str, Variant]:
        """Merge one packet; return the Device1 properties of which bluetoothd would tell."""
        changed: dict[str, Variant] = {}
        if packet.name is not None and packet.name != self.name:
            self.name = packet.name
            changed["Name"] = changed["Alias"] = Variant("s", packet.name)
        if self._merge_manufacturers(packet, reporting):
            changed["ManufacturerData"] = self.manufacturer_variant()
        if self._merge_services(packet, reporting):
            changed["ServiceData"] = self.service_variant()
        fresh = [u for u in map(full_uuid, packet.service_uuids) if u not in self.uuids]
        if fresh:
            self.uuids = sorted([*self.uuids, *fresh])
            changed["UUIDs"] = Variant("as", self.uuids)
        if self.rssi is None or abs(packet.rssi - self.rssi) >= reporting.rssi_delta_db:
            self.rssi = packet.rssi
            changed["RSSI"] = Variant("n", packet.rssi)
        if packet.tx_power is not None and packet.tx_power != self.tx_power:
            self.tx_power = packet.tx_power
            changed["TxPower"] = Variant("n", packet.tx_power)
        return changed

    def _merge_services(self, packet: Packet, reporting: Reporting) -> bool:
        given = {full_uuid(uuid): data for uuid, data in packet.service_data.items()}
        if not given:
            return False
        if reporting.duplicates:
            self.service_data = given
            return True
        news = {uuid: data for uuid, data in given.items() if self.service_data.get(uuid) != data}
        self.service_data.update(news)
        return bool(news)

    def _merge_manufacturers(self, packet: Packet, reporting: Reporting) -> bool:
        given = dict(packet.manufacturer_data)
        if not given:
            return False
        if reporting.duplicates:
            self.manufacturer_data = given
            return True
        news = {
            company: data for company, data in given.items() if self.manufacturer_data.get(company) != data
        }
        self.manufacturer_data.update(news)
        return bool(news)

    def service_variant(self) -> Variant:
        """Return the ServiceData property."""
        return Variant("a{sv}", {uuid: Variant("ay", data) for uuid, data in self.service_data.items()})

    def manufacturer_variant(self) -> Variant:
        """Return the ManufacturerData property."""
        return Variant("a{qv}", {c: Variant("ay", data) for c, data in self.manufacturer_data.items()})

    def forget_signal(self) -> list[str]:
        """Drop what belongs to one discovery; return the invalidated properties."""
        gone = [
            name for name, value in (("RSSI", self.rssi), ("TxPower", self.tx_power)) if value is not None
        ]
        self.rssi = self.tx_power = None
        return gone
