"""The controller under bluetoothd, and what bluetoothd keeps on disk: both outlive its restart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from firmware_sim.air import Packet
from firmware_sim.bluez.discovery import Release

TEMPORARY_TIMEOUT_S: Final = 30.0  # main.conf TemporaryTimeout: a device unheard for so long is forgotten
SCAN_ROUND_S: Final = 10.24  # the kernel restarts an active scan so often; the controller forgets then


@dataclass(slots=True)
class Stored:
    """One device as bluetoothd finds it again after a restart: no advertising data, no signal."""

    name: str | None
    uuids: list[str]
    random_address: bool
    paired: bool
    trusted: bool


@dataclass(slots=True)
class Failure:
    """An error that the next `times` calls of a method are answered with."""

    error: str
    text: str
    times: int


@dataclass(slots=True, kw_only=True)
class Controller:
    """A radio: how it is, and how it behaves.

    `repeats`: `every` reports each packet, `changes` drops what an address repeats within a scan round, as
    controllers do whose duplicate filter the kernel has switched on. `gatt_cache` is bluetoothd's
    `[GATT] Cache`; with `always`, its default, a device's attributes stay on the bus after a disconnect.
    """

    name: str = "hci0"
    address: str = "B8:27:EB:00:00:01"
    present: bool = True
    powered: bool = True
    deaf: bool = False
    slots: int = 7
    release: Release = "5.66"
    repeats: Literal["every", "changes"] = "every"
    gatt_cache: Literal["always", "no"] = "always"
    temporary_timeout_s: float = TEMPORARY_TIMEOUT_S
    known: dict[str, Stored] = field(default_factory=dict)
    hung_methods: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)
    _round: int = -1
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def failure_of(self, method: str) -> tuple[str, str] | None:
        """Return the error that a call must be answered with, and count it."""
        failure = self.failures.get(method)
        if failure is None:
            return None
        failure.times -= 1
        if failure.times <= 0:
            del self.failures[method]
        return failure.error, failure.text

    def hears(self, packet: Packet, now_s: float) -> bool:
        """Whether the controller passes a packet up to the host."""
        if not (self.present and self.powered) or self.deaf:
            return False
        if self.repeats == "every":
            return True
        scan_round = int(now_s / SCAN_ROUND_S)
        if scan_round != self._round:
            self._round = scan_round
            self._seen.clear()
        content = (
            packet.address,
            packet.name,
            packet.service_uuids,
            tuple(packet.service_data.items()),
            tuple(packet.manufacturer_data.items()),
        )
        if content in self._seen:
            return False
        self._seen.add(content)
        return True
