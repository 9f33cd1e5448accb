"""The air: what devices send and radios hear. Nothing here knows D-Bus.

A packet is one advertising event together with the answer to the scan request, as an actively scanning
controller sees it (Bluetooth Core Specification 5.3, Vol 6, Part B, 4.4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from firmware_sim.peripheral import Peripheral

LEGACY_MAX_B: Final = 31  # octets of advertising data in one legacy PDU (Core 5.3, Vol 6, Part B, 2.3.1)
_FLAGS_B: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One advertisement. UUIDs are 16-bit hex or full; addresses upper case with colons; rssi in dBm."""

    address: str
    rssi: int
    random_address: bool = False
    connectable: bool = False
    name: str | None = None
    service_uuids: tuple[str, ...] = ()
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    tx_power: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no device could send: more than one legacy PDU holds (the name goes apart)."""
        size = self.size_b()
        if size > LEGACY_MAX_B:
            raise ValueError(f"{self.address}: {size} octets of advertising data, at most {LEGACY_MAX_B} fit")

    def size_b(self) -> int:
        """Return the octets of advertising data, without the name (sent in the scan response)."""
        uuids = 2 + sum(2 if len(uuid) == 4 else 16 for uuid in self.service_uuids)
        services = sum(2 + (2 if len(u) == 4 else 16) + len(data) for u, data in self.service_data.items())
        companies = sum(4 + len(data) for data in self.manufacturer_data.values())
        power = 3 if self.tx_power is not None else 0
        return _FLAGS_B + (uuids if self.service_uuids else 0) + services + companies + power


Hearer = Callable[[Packet], None]


class Air:
    """Carries packets to every radio in reach, and knows which peripherals can be connected to."""

    def __init__(self) -> None:
        """Begin silent and empty."""
        self._hearers: list[Hearer] = []
        self.peripherals: dict[str, Peripheral] = {}
        self.sent = 0

    def listen(self, hearer: Hearer) -> Callable[[], None]:
        """Call `hearer` with each packet; the returned function ends that."""
        self._hearers.append(hearer)
        return lambda: self._hearers.remove(hearer)

    def send(self, packet: Packet) -> None:
        """Carry one packet to everybody who listens now."""
        self.sent += 1
        for hearer in self._hearers:
            hearer(packet)

    def place(self, peripheral: Peripheral) -> None:
        """Let radios connect to `peripheral` from now on."""
        self.peripherals[peripheral.address] = peripheral
