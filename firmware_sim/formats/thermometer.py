"""Temperature Measurement (0x2A1C) of the Health Thermometer Service (0x1809).

Source: Bluetooth SIG, Health Thermometer Service 1.0, 3.1; IEEE 11073-20601, FLOAT-Type: an 8-bit signed
power of ten in the highest octet, a 24-bit signed mantissa below, sent little-endian.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Final

SERVICE: Final = "1809"
MEASUREMENT: Final = "2a1c"
TYPE: Final = "2a1d"
EAR: Final = 3
NAN: Final = 0x007FFFFF
_FAHRENHEIT: Final = 1 << 0
_TIME: Final = 1 << 1
_TYPE: Final = 1 << 2


def float_32(value: float | None, *, decimals: int) -> bytes:
    """Return a FLOAT with so many decimals; None is "not a number". Raises OverflowError."""
    if value is None:
        return NAN.to_bytes(4, "little")
    mantissa: int = round(Fraction(str(value)) * 10**decimals)
    return mantissa.to_bytes(3, "little", signed=True) + (-decimals).to_bytes(1, "little", signed=True)


def date_time(moment: datetime) -> bytes:
    """Return a Date Time (7 octets): the meter's own local time, without a zone."""
    return moment.year.to_bytes(2, "little") + bytes(
        [moment.month, moment.day, moment.hour, moment.minute, moment.second]
    )


def measurement(
    value: float | None,
    *,
    fahrenheit: bool = False,
    taken: datetime | None = None,
    site: int | None = None,
    decimals: int = 1,
) -> bytes:
    """Return one measurement, optionally with its time and the site of the body."""
    flags = (
        (_FAHRENHEIT if fahrenheit else 0)
        | (_TIME if taken is not None else 0)
        | (_TYPE if site is not None else 0)
    )
    return (
        bytes([flags])
        + float_32(value, decimals=decimals)
        + (b"" if taken is None else date_time(taken))
        + (b"" if site is None else bytes([site]))
    )
