"""What is on the air: the devices heard lately, known or not, for `velgate scan` and for adding one."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.intake.directory import Known
from gateway.intake.host import DriverHost
from gateway.model.clock import Instant
from gateway.model.frames import Advertisement, GattValue

SENDERS_MAX = 512  # past it the one not heard for longest is forgotten: phones change their address for ever


@dataclass(slots=True)
class OnAir:
    """One sender."""

    address: str
    name: str | None
    signal: int | None
    """dBm, of the last frame."""
    driver: str | None
    """Which driver would take it."""
    device: str | None
    """Its slug, if it is configured."""
    last: Instant
    frames: int


class Air:
    """The last senders heard."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._by_address: dict[str, OnAir] = {}

    def note(
        self, frame: Advertisement | GattValue, at: Instant, known: Known | None, host: DriverHost
    ) -> None:
        """Note one frame."""
        entry = self._by_address.pop(frame.address, None)
        if entry is None:
            if len(self._by_address) >= SENDERS_MAX:
                del self._by_address[next(iter(self._by_address))]
            entry = OnAir(frame.address, None, None, None, None, at, 0)
        self._by_address[frame.address] = entry
        entry.last, entry.device = at, known.slug if known else None
        entry.frames += 1
        if isinstance(frame, Advertisement):
            entry.signal = frame.rssi if frame.rssi is not None else entry.signal
            entry.name = frame.name or entry.name
        if entry.driver is None and (routes := host.routes(frame)):
            entry.driver = routes[0].loaded.name

    def list(self) -> list[OnAir]:
        """Give all, strongest first."""
        return sorted(self._by_address.values(), key=lambda entry: -(entry.signal or -999))
