"""The objects of BTHome: id, quantity, length, sign and factor; and what one frame says with them.

Source: the BTHome format description, bthome.io, tables "sensor data", "binary sensor data" and "events".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.driver import DecodeError, Fact, Malformed, Quantity, Sequence, Value, known, numbered
from gateway.driver import quantities as q

PACKET_ID, TEXT, RAW = 0x00, 0x53, 0x54


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """An object whose value is `raw * times / per`."""

    quantity: Quantity
    width: int
    signed: bool = False
    per: int = 1
    times: int = 1
    unit: str | None = None

    def value(self, raw: int) -> Value:
        return raw if self.per == 1 else raw * self.times / self.per


@dataclass(frozen=True, slots=True, eq=False)
class Boolean:
    """An object that is true unless it is 0."""

    quantity: Quantity
    width: int = 1
    signed: bool = False
    unit: str | None = None

    def value(self, raw: int) -> Value:
        return raw != 0


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """An object that says what happened; None where nothing did. Only the first byte counts."""

    quantity: Quantity
    width: int
    words: dict[int, str | None]
    signed: bool = False
    unit: str | None = None

    def value(self, raw: int) -> Value | None:
        return known(self.words, raw & 0xFF, self.quantity.name)


@dataclass(frozen=True, slots=True, eq=False)
class Skipped:
    """An object that is no reading: device type, firmware, and the packet id, which is a sequence."""

    width: int


Object = Number | Boolean | Event | Skipped

BUTTON = {
    0x00: None, 0x01: "press", 0x02: "double_press", 0x03: "triple_press", 0x04: "long_press",
    0x05: "long_double_press", 0x06: "long_triple_press", 0x80: "hold_press",
    0xFE: "hold_press",  # older Shelly firmware
}  # fmt: skip
DIMMER = {0x00: None, 0x01: "rotate_left", 0x02: "rotate_right"}  # the second byte: how many steps

# fmt: off
OBJECTS: dict[int, Object] = {
    PACKET_ID: Skipped(1),
    0x01: Number(q.battery, 1), 0x02: Number(q.temperature, 2, True, 100),
    0x03: Number(q.humidity, 2, per=100), 0x04: Number(q.pressure, 3, per=100),
    0x05: Number(q.illuminance, 3, per=100),
    0x06: Number(q.mass, 2, per=100), 0x07: Number(q.mass, 2, per=100, unit="[lb_av]"),
    0x08: Number(q.dewpoint, 2, True, 100), 0x09: Number(q.count, 1), 0x0A: Number(q.energy, 3, per=1000),
    0x0B: Number(q.power, 3, per=100), 0x0C: Number(q.voltage, 2, per=1000), 0x0D: Number(q.pm2_5, 2),
    0x0E: Number(q.pm10, 2), 0x12: Number(q.co2, 2), 0x13: Number(q.tvoc, 2),
    0x14: Number(q.moisture, 2, per=100), 0x2E: Number(q.humidity, 1), 0x2F: Number(q.moisture, 1),
    0x3D: Number(q.count, 2), 0x3E: Number(q.count, 4), 0x3F: Number(q.rotation, 2, True, 10),
    0x40: Number(q.distance, 2, unit="mm"), 0x41: Number(q.distance, 2, per=10),
    0x42: Number(q.duration, 3, per=1000), 0x43: Number(q.current, 2, per=1000),
    0x44: Number(q.speed, 2, per=100), 0x45: Number(q.temperature, 2, True, 10),
    0x46: Number(q.uv_index, 1, per=10), 0x47: Number(q.volume, 2, per=10),
    0x48: Number(q.volume, 2, unit="mL"), 0x49: Number(q.volume_flow_rate, 2, per=1000),
    0x4A: Number(q.voltage, 2, per=10), 0x4B: Number(q.gas, 3, per=1000), 0x4C: Number(q.gas, 4, per=1000),
    0x4D: Number(q.energy, 4, per=1000), 0x4E: Number(q.volume, 4, per=1000),
    0x4F: Number(q.water, 4, per=1000), 0x50: Number(q.timestamp, 4),
    0x51: Number(q.acceleration, 2, per=1000), 0x52: Number(q.gyroscope, 2, per=1000),
    0x55: Number(q.volume_storage, 4, per=1000), 0x56: Number(q.conductivity, 2),
    0x57: Number(q.temperature, 1, True), 0x58: Number(q.temperature, 1, True, 100, 35),
    0x59: Number(q.count, 1, True), 0x5A: Number(q.count, 2, True), 0x5B: Number(q.count, 4, True),
    0x5C: Number(q.power, 4, True, 100), 0x5D: Number(q.current, 2, True, 1000),
    0x5E: Number(q.direction, 2, per=100), 0x5F: Number(q.precipitation, 2, per=10),
    0x60: Number(q.channel, 1), 0x61: Number(q.rotational_speed, 2),
    0x62: Number(q.speed, 4, True, 1_000_000), 0x63: Number(q.acceleration, 4, True, 1_000_000),
    0x64: Number(q.light_level, 1),
    0x0F: Boolean(q.generic_boolean), 0x10: Boolean(q.power_state), 0x11: Boolean(q.opening),
    0x15: Boolean(q.battery_low), 0x16: Boolean(q.battery_charging), 0x17: Boolean(q.carbon_monoxide),
    0x18: Boolean(q.cold), 0x19: Boolean(q.connectivity), 0x1A: Boolean(q.door), 0x1B: Boolean(q.garage_door),
    0x1C: Boolean(q.gas_state), 0x1D: Boolean(q.heat), 0x1E: Boolean(q.light), 0x1F: Boolean(q.lock),
    0x20: Boolean(q.moisture_state), 0x21: Boolean(q.motion), 0x22: Boolean(q.moving),
    0x23: Boolean(q.occupancy), 0x24: Boolean(q.plug), 0x25: Boolean(q.presence), 0x26: Boolean(q.problem),
    0x27: Boolean(q.running), 0x28: Boolean(q.safety), 0x29: Boolean(q.smoke), 0x2A: Boolean(q.sound),
    0x2B: Boolean(q.tamper), 0x2C: Boolean(q.vibration), 0x2D: Boolean(q.window),
    0x3A: Event(q.button, 1, BUTTON), 0x3C: Event(q.dimmer, 2, DIMMER),
    0xF0: Skipped(2), 0xF1: Skipped(4), 0xF2: Skipped(3),
}  # fmt: skip
# fmt: on


class Said:
    """Gathers what the objects of one frame say, so that equal quantities can be numbered at its end."""

    __slots__ = ("fault", "packet_id", "readings")

    def __init__(self) -> None:
        self.readings: list[tuple[Quantity, Value | None, str | None]] = []
        self.packet_id: int | None = None
        self.fault: DecodeError | None = None

    def add(self, known_object: Number | Boolean | Event, raw: int) -> None:
        """Add one object. A word that is not known is a fault, but what follows it may be a call."""
        value: Value | None = None
        try:
            value = known_object.value(raw)
        except DecodeError as fault:
            self.mark(fault)
        self.readings.append((known_object.quantity, value, known_object.unit))

    def text(self, object_id: int, data: bytes) -> None:
        """Add free text, or raw bytes as hex."""
        try:
            value = data.decode() if object_id == TEXT else data.hex()
        except UnicodeDecodeError:
            self.mark(Malformed("the text is no UTF-8"))
            return
        if value:
            self.readings.append((q.text if object_id == TEXT else q.raw, value, None))

    def mark(self, fault: DecodeError) -> None:
        """Keep the first fault."""
        self.fault = self.fault or fault

    def facts(self) -> Iterator[Fact]:
        """Yield everything, and raise the fault, if there was one."""
        if self.packet_id is not None:
            yield Sequence(self.packet_id)
        yield from numbered(self.readings)
        if self.fault is not None:
            raise self.fault
