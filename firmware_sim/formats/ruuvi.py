"""Ruuvi data format 5 (RAWv2), manufacturer data of company 0x0499.

Source: "Data format 5 (RAWv2)", docs.ruuvi.com. Everything is big-endian; a value that was not measured is
sent as the largest unsigned or the smallest signed number of its field.
"""

from __future__ import annotations

import struct
from typing import Final

COMPANY: Final = 0x0499
_FORMAT: Final = 5
_NO_S16: Final = -0x8000
_NO_U16: Final = 0xFFFF
_NO_VOLTAGE: Final = 0x7FF
_NO_POWER: Final = 0x1F
_NO_MOVEMENTS: Final = 0xFF


def format_5(
    *,
    address: str,
    temperature_cel: float | None = None,
    humidity_percent: float | None = None,
    pressure_pa: float | None = None,
    acceleration_mg: tuple[int | None, int | None, int | None] = (None, None, None),
    voltage_mv: int | None = None,
    tx_power_dbm: int | None = None,
    movements: int | None = None,
    sequence: int | None = None,
) -> bytes:
    """Return the 24 octets after the company id. Raises struct.error or ValueError if a value does not fit.

    Steps: 0.005 °C, 0.0025 % of humidity, 1 Pa above 50 000 Pa, 1 mg, 1 mV above 1600 mV, 2 dBm above -40.
    """
    voltage = _NO_VOLTAGE if voltage_mv is None else voltage_mv - 1600
    power = _NO_POWER if tx_power_dbm is None else (tx_power_dbm + 40) // 2
    if not (0 <= voltage <= _NO_VOLTAGE and 0 <= power <= _NO_POWER):
        raise ValueError(f"voltage {voltage_mv} mV or power {tx_power_dbm} dBm does not fit")
    return struct.pack(
        ">BhHHhhhHBH6s",
        _FORMAT,
        _NO_S16 if temperature_cel is None else round(temperature_cel / 0.005),
        _NO_U16 if humidity_percent is None else round(humidity_percent / 0.0025),
        _NO_U16 if pressure_pa is None else round(pressure_pa) - 50_000,
        *(_NO_S16 if axis is None else axis for axis in acceleration_mg),
        voltage << 5 | power,
        _NO_MOVEMENTS if movements is None else movements % _NO_MOVEMENTS,
        _NO_U16 if sequence is None else sequence % _NO_U16,
        bytes.fromhex(address.replace(":", "")),
    )
