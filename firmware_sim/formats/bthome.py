"""BTHome v2, plain and encrypted.

Source: "BTHome Data format" and "BTHome encryption", version 2, bthome.io. Everything is little-endian.
An object is its id and a value of the length that the id fixes; objects stand in ascending order of id.
Encryption is AES-CCM (RFC 3610) with a 4-octet tag over the objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

SERVICE_UUID: Final = "fcd2"
TAG_B: Final = 4
_VERSION_2: Final = 0b010 << 5
_ENCRYPTED: Final = 1 << 0
_TRIGGER_BASED: Final = 1 << 2


@dataclass(frozen=True, slots=True)
class Number:
    """How one object id carries a number: octets, sign, and the size of one step."""

    object_id: int
    size_b: int
    signed: bool
    step: Fraction

    def encode(self, value: float) -> bytes:
        """Return id and value, rounded to the nearest step. Raises ValueError if it does not fit."""
        steps = round(Fraction(str(value)) / self.step)
        try:
            return bytes([self.object_id]) + steps.to_bytes(self.size_b, "little", signed=self.signed)
        except OverflowError:
            raise ValueError(f"{value} does not fit object {self.object_id:#04x}") from None


def _u(object_id: int, size_b: int, step: str = "1") -> Number:
    return Number(object_id, size_b, signed=False, step=Fraction(step))


def _s(object_id: int, size_b: int, step: str = "1") -> Number:
    return Number(object_id, size_b, signed=True, step=Fraction(step))


PACKET_ID: Final = _u(0x00, 1)
BATTERY: Final = _u(0x01, 1)  # %
TEMPERATURE: Final = _s(0x02, 2, "0.01")  # °C
HUMIDITY: Final = _u(0x03, 2, "0.01")  # %
PRESSURE: Final = _u(0x04, 3, "0.01")  # hPa
ILLUMINANCE: Final = _u(0x05, 3, "0.01")  # lx
MASS_KG: Final = _u(0x06, 2, "0.01")
MASS_LB: Final = _u(0x07, 2, "0.01")
DEWPOINT: Final = _s(0x08, 2, "0.01")  # °C
COUNT_U8: Final = _u(0x09, 1)
ENERGY_U24: Final = _u(0x0A, 3, "0.001")  # kWh
POWER_U24: Final = _u(0x0B, 3, "0.01")  # W
VOLTAGE: Final = _u(0x0C, 2, "0.001")  # V
PM2_5: Final = _u(0x0D, 2)  # µg/m³
PM10: Final = _u(0x0E, 2)
CO2: Final = _u(0x12, 2)  # ppm
TVOC: Final = _u(0x13, 2)  # µg/m³
MOISTURE: Final = _u(0x14, 2, "0.01")  # %
HUMIDITY_U8: Final = _u(0x2E, 1)
MOISTURE_U8: Final = _u(0x2F, 1)
COUNT_U16: Final = _u(0x3D, 2)
COUNT_U32: Final = _u(0x3E, 4)
ROTATION: Final = _s(0x3F, 2, "0.1")  # °
DISTANCE_MM: Final = _u(0x40, 2)
DISTANCE_M: Final = _u(0x41, 2, "0.1")
DURATION: Final = _u(0x42, 3, "0.001")  # s
CURRENT_U16: Final = _u(0x43, 2, "0.001")  # A
SPEED: Final = _u(0x44, 2, "0.01")  # m/s
TEMPERATURE_TENTHS: Final = _s(0x45, 2, "0.1")
UV_INDEX: Final = _u(0x46, 1, "0.1")
VOLUME_TENTHS: Final = _u(0x47, 2, "0.1")  # L
VOLUME_ML: Final = _u(0x48, 2)
VOLUME_FLOW_RATE: Final = _u(0x49, 2, "0.001")  # m³/h
VOLTAGE_TENTHS: Final = _u(0x4A, 2, "0.1")
GAS_U24: Final = _u(0x4B, 3, "0.001")  # m³
GAS_U32: Final = _u(0x4C, 4, "0.001")
ENERGY_U32: Final = _u(0x4D, 4, "0.001")
VOLUME_U32: Final = _u(0x4E, 4, "0.001")
WATER: Final = _u(0x4F, 4, "0.001")  # L
TIMESTAMP: Final = _u(0x50, 4)  # s since 1970
ACCELERATION: Final = _u(0x51, 2, "0.001")  # m/s²
GYROSCOPE: Final = _u(0x52, 2, "0.001")  # °/s
VOLUME_STORAGE: Final = _u(0x55, 4, "0.001")
CONDUCTIVITY: Final = _u(0x56, 2)  # µS/cm
TEMPERATURE_S8: Final = _s(0x57, 1)
TEMPERATURE_S8_COARSE: Final = _s(0x58, 1, "0.35")
COUNT_S8: Final = _s(0x59, 1)
COUNT_S16: Final = _s(0x5A, 2)
COUNT_S32: Final = _s(0x5B, 4)
POWER_S32: Final = _s(0x5C, 4, "0.01")
CURRENT_S16: Final = _s(0x5D, 2, "0.001")
DIRECTION: Final = _u(0x5E, 2, "0.01")  # °
PRECIPITATION: Final = _u(0x5F, 2, "0.1")  # mm

GENERIC_BOOLEAN: Final = 0x0F
POWER_ON: Final = 0x10
OPENING: Final = 0x11  # 1 = open
BATTERY_LOW: Final = 0x15
DOOR: Final = 0x1A
MOTION: Final = 0x21
OCCUPANCY: Final = 0x23  # 1 = detected
TAMPER: Final = 0x2B
WINDOW: Final = 0x2D

_BUTTON: Final = 0x3A
PRESSES: Final = {
    None: 0x00,
    "press": 0x01,
    "double_press": 0x02,
    "triple_press": 0x03,
    "long_press": 0x04,
    "long_double_press": 0x05,
    "long_triple_press": 0x06,
    "hold_press": 0x80,
}
_DIMMER: Final = 0x3C
_TEXT: Final = 0x53
_RAW: Final = 0x54


def boolean(object_id: int, value: bool) -> bytes:
    """Return a binary sensor's object."""
    return bytes([object_id, int(value)])


def button(word: str | None) -> bytes:
    """Return a button object; None says that this button of several was not pressed."""
    return bytes([_BUTTON, PRESSES[word]])


def dimmer(steps: int) -> bytes:
    """Return a dimmer object: steps to the right, or to the left where negative; 0 is none."""
    direction = 0x00 if steps == 0 else 0x01 if steps < 0 else 0x02
    return bytes([_DIMMER, direction, abs(steps)])


def text(value: str) -> bytes:
    """Return a text object: id, length, UTF-8."""
    encoded = value.encode()
    return bytes([_TEXT, len(encoded)]) + encoded


def raw(value: bytes) -> bytes:
    """Return a raw object: id, length, octets."""
    return bytes([_RAW, len(value)]) + value


def plain(objects: Iterable[bytes], *, trigger_based: bool = False) -> bytes:
    """Return service data without encryption: device information, then the objects."""
    return bytes([_information(encrypted=False, trigger_based=trigger_based)]) + _ordered(objects)


def encrypted(
    objects: Iterable[bytes], *, key: bytes, address: str, counter: int, trigger_based: bool = False
) -> bytes:
    """Return encrypted service data: device information, ciphertext, counter, tag.

    The nonce is the address as printed, the UUID as on air (d2 fc), the device information, the counter.
    """
    information = bytes([_information(encrypted=True, trigger_based=trigger_based)])
    count = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(address.replace(":", "")) + b"\xd2\xfc" + information + count
    sealed: bytes = AESCCM(key, tag_length=TAG_B).encrypt(nonce, _ordered(objects), None)
    return information + sealed[:-TAG_B] + count + sealed[-TAG_B:]


def _information(*, encrypted: bool, trigger_based: bool) -> int:
    return _VERSION_2 | (_ENCRYPTED if encrypted else 0) | (_TRIGGER_BASED if trigger_based else 0)


def _ordered(objects: Iterable[bytes]) -> bytes:
    ascending: list[bytes] = sorted(objects, key=lambda each: each[0])  # stable: equal ids keep their place
    return b"".join(ascending)
