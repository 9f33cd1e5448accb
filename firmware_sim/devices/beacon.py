"""Devices that speak BTHome: a frame is sent several times in a row, each frame with a number of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from firmware_sim.agenda import Entry
from firmware_sim.air import Packet
from firmware_sim.devices.base import Device, Place, Spec
from firmware_sim.formats import bthome

EVENT_COPIES: Final = 12  # equal advertisements of one press
EVENT_SPACING_S: Final = 0.17  # so that they last about 2 s
BEAT_COPIES: Final = 2
BEAT_SPACING_S: Final = 0.12


class Beacon(Device):
    """A BTHome device. Subclasses say what they measure; this sends it."""

    driver = "bthome"
    trigger_based = False

    def __init__(self, spec: Spec, place: Place) -> None:
        """Take an address and, where the scenario gives one, a key."""
        super().__init__(spec, place)
        self.address = spec.radio_address
        self._rssi = self.random.randint(-82, -54)
        self._first_id = self.random.randrange(256)
        self._copy: Entry | None = None

    def measured(self) -> list[bytes]:
        """Return the objects of a regular frame, apart from packet id and battery."""
        return []

    def beat(self) -> None:
        """Send a regular frame, unless an event is still being repeated."""
        if self._copy is None or self._copy.work is None:
            self.transmit(self.measured(), copies=BEAT_COPIES, spacing_s=BEAT_SPACING_S)

    def event(self, objects: Sequence[bytes]) -> None:
        """Send an event's frame: at once, then its copies."""
        self.transmit(objects, copies=EVENT_COPIES, spacing_s=EVENT_SPACING_S)

    def transmit(self, objects: Sequence[bytes], *, copies: int, spacing_s: float) -> None:
        """Send one frame `copies` times; what was being repeated before is given up."""
        self.hush()
        self._send_copy(self._frame(objects), copies, spacing_s)

    def _send_copy(self, data: bytes, left: int, spacing_s: float) -> None:
        self.air.send(
            Packet(
                address=self.address,
                random_address=self.spec.random_address,
                rssi=self._rssi + self.random.randint(-4, 4),
                service_data={bthome.SERVICE_UUID: data},
            )
        )
        self._copy = None
        if left > 1:
            pause = spacing_s * self.random.uniform(0.8, 1.2)
            self._copy = self.agenda.after(pause, lambda: self._send_copy(data, left - 1, spacing_s))

    def _frame(self, objects: Sequence[bytes]) -> bytes:
        content = [bthome.BATTERY.encode(self.battery), *objects]
        if self.spec.key is not None:
            return bthome.encrypted(
                content,
                key=self.spec.key,
                address=self.address,
                counter=self.memory.counter(self.name),
                trigger_based=self.trigger_based,
            )
        packet_id = bthome.PACKET_ID.encode(self.memory.rolling(self.name, self._first_id))
        return bthome.plain([packet_id, *content], trigger_based=self.trigger_based)

    def hush(self) -> None:
        """Stop repeating."""
        if self._copy is not None:
            self._copy.cancel()
            self._copy = None
