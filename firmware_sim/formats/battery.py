"""Battery Level (0x2A19) of the Battery Service (0x180F), and the Device Information Service (0x180A).

Source: Bluetooth SIG, Battery Service 1.0, 3.1; Device Information Service 1.1.
"""

from __future__ import annotations

from typing import Final

SERVICE: Final = "180f"
LEVEL: Final = "2a19"
INFORMATION_SERVICE: Final = "180a"
MANUFACTURER_NAME: Final = "2a29"
MODEL_NUMBER: Final = "2a24"


def level(percent: int) -> bytes:
    """Return a level of 0 to 100 %. Raises ValueError for the reserved values above."""
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} %: a battery level goes from 0 to 100")
    return bytes([percent])
