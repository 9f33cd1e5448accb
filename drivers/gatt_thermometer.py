"""Health Thermometer Service of the Bluetooth SIG: body temperature, once it has settled.

Source: Bluetooth SIG Health Thermometer Service 1.0 (0x1809), Temperature Measurement (0x2A1C, indicated).
The intermediate temperature (0x2A1E) is still rising and gives no reading: 31 degrees on the way to 37
would raise a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.driver import Fact, GattDriver, GattValue, Match, Reader
from gateway.driver import quantities as q

MEASUREMENT, INTERMEDIATE, SITE, INTERVAL = "2a1c", "2a1e", "2a1d", "2a21"
FAHRENHEIT, HAS_TIME, HAS_SITE = 0x01, 0x02, 0x04
TIME_LENGTH = 7  # year, month, day, hours, minutes, seconds: the thermometer's own clock, which may be wrong


def decode(value: GattValue) -> Iterator[Fact]:
    """Yield the temperature. A value that is cut says nothing; a special value (NaN, ...) neither."""
    if value.characteristic != MEASUREMENT:
        return
    reader = Reader(value.payload)
    flags = reader.u8()
    temperature = reader.float32()
    if flags & HAS_TIME:
        reader.take(TIME_LENGTH)
    if flags & HAS_SITE:
        reader.u8()
    if temperature is not None:
        yield q.body_temperature((temperature - 32) / 1.8 if flags & FAHRENHEIT else temperature)


driver = GattDriver(
    name="gatt-thermometer",
    version="1.0.0",
    models=("Health Thermometer Service 0x1809",),
    match=Match.service("1809"),
    listen=(MEASUREMENT,),
    also=(INTERMEDIATE, SITE, INTERVAL),
    heard_every=None,  # it speaks when somebody measures
    decode=decode,
    reports=(q.body_temperature,),
    brief=True,
)
