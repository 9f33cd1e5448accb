"""Heart Rate Measurement (0x2A37) of the Heart Rate Service (0x180D).

Source: Bluetooth SIG, Heart Rate Service 1.0, 3.1; GATT Specification Supplement, Heart Rate Measurement.
Little-endian; RR intervals in units of 1/1024 s, oldest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SERVICE: Final = "180d"
MEASUREMENT: Final = "2a37"
BODY_LOCATION: Final = "2a38"
CHEST: Final = b"\x01"
_RATE_U16: Final = 1 << 0
_CONTACT: Final = 1 << 1
_CONTACT_SUPPORTED: Final = 1 << 2
_ENERGY: Final = 1 << 3
_RR: Final = 1 << 4


def measurement(
    rate_per_min: int,
    *,
    contact: bool | None = None,
    energy_kj: int | None = None,
    rr_intervals_s: Sequence[float] = (),
) -> bytes:
    """Return one measurement. `contact` is None for a sensor that cannot tell whether it is worn."""
    flags = 0
    if contact is not None:
        flags |= _CONTACT_SUPPORTED | (_CONTACT if contact else 0)
    wide = rate_per_min > 0xFF
    if wide:
        flags |= _RATE_U16
    body = rate_per_min.to_bytes(2 if wide else 1, "little")
    if energy_kj is not None:
        flags |= _ENERGY
        body += energy_kj.to_bytes(2, "little")
    if rr_intervals_s:
        flags |= _RR
        body += b"".join(round(each * 1024).to_bytes(2, "little") for each in rr_intervals_s)
    return bytes([flags]) + body
