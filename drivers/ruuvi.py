"""RuuviTag and Ruuvi Air: climate, movement and air quality; unencrypted, data formats 3, 5, 6 and E1.

Source: docs.ruuvi.com, "Bluetooth advertisements", data formats 3 (RAWv1), 5 (RAWv2), 6 and E1. Numbers are
big-endian; the first byte is the format. A tag repeats a measurement about every 1.3 s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from struct import Struct

from gateway.driver import (
    Advertisement,
    AdvertisementDriver,
    Fact,
    Malformed,
    Match,
    Quantity,
    Reading,
    Sequence,
    Truncated,
    Unsupported,
)
from gateway.driver import quantities as q

FORMAT_3 = Struct(">x B B B H 3h H")
FORMAT_5 = Struct(">x h H H 3h H B H")
FORMAT_6 = Struct(">x h H H H H B B B x B B")
FORMAT_E1 = Struct(">x h H H 4H H B B 3s 3x 3s B")
NONE_U8, NONE_U16, NONE_I16 = 0xFF, 0xFFFF, -0x8000
NONE_INDEX, NONE_VOLTAGE, NONE_POWER = 0x1FF, 0x7FF, 0x1F
PER_DEGREE, PER_PERCENT = 200, 400  # steps of 0.005 Cel and of 0.0025 %
PRESSURE_BASE = 50_000  # Pa
BRIGHTNESS_STEPS = 254  # of format 6: logarithmic, from 0 to 65535 lx


def decode(frame: Advertisement) -> Iterator[Fact]:
    """Yield what one frame says. A frame that is cut says nothing: its fields have fixed places."""
    data = frame.payload
    if not data:
        raise Truncated(0, 1, 0)
    try:
        layout, least, read = FORMATS[data[0]]
    except KeyError:
        raise Unsupported(f"data format {data[0]:#04x}; known: 0x03, 0x05, 0x06, 0xe1") from None
    if len(data) < least:
        raise Truncated(len(data), least - len(data), 0)
    return read(*layout.unpack_from(data))


def format_3(
    humidity: int, degrees: int, hundredths: int, pressure: int, x: int, y: int, z: int, voltage: int
) -> Iterator[Fact]:
    if hundredths > 99:
        raise Malformed(f"{hundredths} hundredths of a degree")
    yield q.humidity(humidity / 2)
    magnitude = ((degrees & 0x7F) * 100 + hundredths) / 100  # sign and magnitude, no two's complement
    yield q.temperature(-magnitude if degrees & 0x80 else magnitude)
    yield q.pressure((pressure + PRESSURE_BASE) / 100)
    yield from acceleration(x, y, z)
    yield q.voltage(voltage / 1000)


def format_5(
    temperature: int,
    humidity: int,
    pressure: int,
    x: int,
    y: int,
    z: int,
    power: int,
    count: int,
    number: int,
) -> Iterator[Fact]:
    if number != NONE_U16:
        yield Sequence(number, 1 << 16)
    yield from climate(temperature, humidity, pressure)
    yield from acceleration(x, y, z)
    if power >> 5 != NONE_VOLTAGE:
        yield q.voltage(((power >> 5) + 1600) / 1000)
    if power & 0x1F != NONE_POWER:
        yield q.tx_power((power & 0x1F) * 2 - 40)
    if count != NONE_U8:
        yield q.count(count)  # of movements


def format_6(
    temperature: int,
    humidity: int,
    pressure: int,
    pm2_5: int,
    co2: int,
    voc: int,
    nox: int,
    brightness: int,
    number: int,
    flags: int,
) -> Iterator[Fact]:
    yield Sequence(number, 1 << 8)
    yield from climate(temperature, humidity, pressure)
    yield from particles(q.pm2_5, pm2_5)
    yield from gases(co2, voc, nox, flags)
    if brightness != NONE_U8:
        yield q.illuminance(round(math.exp(brightness * math.log(65536) / BRIGHTNESS_STEPS) - 1, 2))


def format_e1(
    temperature: int,
    humidity: int,
    pressure: int,
    pm1: int,
    pm2_5: int,
    pm4: int,
    pm10: int,
    co2: int,
    voc: int,
    nox: int,
    brightness: bytes,
    number: bytes,
    flags: int,
) -> Iterator[Fact]:
    if number != b"\xff\xff\xff":
        yield Sequence(int.from_bytes(number, "big"), 1 << 24)
    yield from climate(temperature, humidity, pressure)
    for quantity, raw in ((q.pm1, pm1), (q.pm2_5, pm2_5), (q.pm4, pm4), (q.pm10, pm10)):
        yield from particles(quantity, raw)
    yield from gases(co2, voc, nox, flags)
    if brightness != b"\xff\xff\xff":
        yield q.illuminance(int.from_bytes(brightness, "big") / 100)


def climate(temperature: int, humidity: int, pressure: int) -> Iterator[Reading]:
    if temperature != NONE_I16:
        yield q.temperature(temperature / PER_DEGREE)
    if humidity != NONE_U16:
        yield q.humidity(humidity / PER_PERCENT)
    if pressure != NONE_U16:
        yield q.pressure((pressure + PRESSURE_BASE) / 100)


def acceleration(*axes: int) -> Iterator[Reading]:
    """Yield x, y, z as channels 1, 2, 3, from thousandths of standard gravity (9.80665 m/s2)."""
    for channel, raw in enumerate(axes, start=1):
        if raw != NONE_I16:
            yield q.acceleration(raw * 980_665 / 100_000_000, channel=channel)


def particles(quantity: Quantity, raw: int) -> Iterator[Reading]:
    if raw != NONE_U16:
        yield quantity(raw / 10)


def gases(co2: int, voc: int, nox: int, flags: int) -> Iterator[Reading]:
    """Yield CO2 and the indices: 9 bits each, whose lowest bit stands among the flags (bits 6 and 7)."""
    if co2 != NONE_U16:
        yield q.co2(co2)
    for quantity, high, bit in ((q.voc_index, voc, 6), (q.nox_index, nox, 7)):
        index = high << 1 | flags >> bit & 1
        if index != NONE_INDEX:
            yield quantity(index)


FORMATS: dict[int, tuple[Struct, int, Callable[..., Iterator[Fact]]]] = {
    0x03: (FORMAT_3, 14, format_3),
    0x05: (FORMAT_5, 18, format_5),  # the address that follows is left out by some
    0x06: (FORMAT_6, 20, format_6),
    0xE1: (FORMAT_E1, 40, format_e1),
}
"""By first byte: the layout, how long a frame is at least, and what reads it."""

driver = AdvertisementDriver(
    name="ruuvi",
    version="1.0.0",
    models=("RuuviTag", "Ruuvi Air"),
    match=Match.company(0x0499),
    heard_every=timedelta(seconds=30),  # it sends every 1.3 s, Ruuvi Air every 2 s: most may be lost
    decode=decode,
    reports=(
        q.temperature,
        q.humidity,
        q.pressure,
        q.acceleration,
        q.voltage,
        q.tx_power,
        q.count,
        q.pm1,
        q.pm2_5,
        q.pm4,
        q.pm10,
        q.co2,
        q.voc_index,
        q.nox_index,
        q.illuminance,
    ),
)
