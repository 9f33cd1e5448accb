"""Heart Rate Service of the Bluetooth SIG: chest straps and arm bands.

Source: Bluetooth SIG Heart Rate Service 1.0 (0x180D), Heart Rate Measurement (0x2A37). A strap notifies
about once a second, and only while it is worn.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.driver import Fact, GattDriver, GattValue, Match, Reader, Reading
from gateway.driver import quantities as q

MEASUREMENT, LOCATION, CONTROL_POINT = "2a37", "2a38", "2a39"
RATE_IS_U16, CONTACT_KNOWN, IN_CONTACT, HAS_ENERGY, HAS_INTERVALS = 0x01, 0x04, 0x02, 0x08, 0x10
INTERVAL_STEPS = 1024  # a second


def decode(value: GattValue) -> Iterator[Fact]:
    """Yield the rate, then the intervals between beats, oldest first. A value that is cut says nothing."""
    if value.characteristic != MEASUREMENT:
        return
    reader = Reader(value.payload)
    flags = reader.u8()
    rate = reader.u16() if flags & RATE_IS_U16 else reader.u8()
    if flags & HAS_ENERGY:
        reader.u16()  # kJ since it was reset: of no use here
    intervals: list[Reading] = []
    while flags & HAS_INTERVALS and reader.left:
        intervals.append(q.rr_interval(reader.u16() * 1000 / INTERVAL_STEPS))
    worn = not flags & CONTACT_KNOWN or flags & IN_CONTACT
    if worn and rate:
        yield q.heart_rate(rate)
        yield from intervals  # successive samples of one quantity, not channels


driver = GattDriver(
    name="gatt-heart-rate",
    version="1.0.0",
    models=("Heart Rate Service 0x180D",),
    match=Match.service("180d"),
    listen=(MEASUREMENT,),
    also=(LOCATION, CONTROL_POINT),
    heard_every=None,  # it is taken off: how long it may be silent is the care plan's to say
    decode=decode,
    reports=(q.heart_rate, q.rr_interval),
)
