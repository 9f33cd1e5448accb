"""What Zigbee2MQTT publishes of a device: one JSON object a message, with its whole cached state.

Source: zigbee2mqtt.io, "MQTT Topics and Messages" and the "Exposes" of the device pages. An `action` is
not cached: it stands only in the message of its press (2.x). Battery voltage is in mV; `contact` is true
while closed; `linkquality` is no signal strength.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

ACTIONS: Final = {
    "press": "single",
    "double_press": "double",
    "triple_press": "triple",
    "long_press": "hold",
}
SOS: Final = "emergency"  # of an IAS warning-device remote or panic button
_FULL_MV: Final = 3_000
_EMPTY_MV: Final = 2_500


def battery(percent: int) -> dict[str, Any]:
    """Return the battery's part of the state."""
    return {
        "battery": percent,
        "voltage": _EMPTY_MV + (_FULL_MV - _EMPTY_MV) * percent // 100,
        "battery_low": percent <= 10,
    }


def message(state: Mapping[str, Any], *, action: str | None = None, linkquality: int = 120) -> bytes:
    """Return a message: the cached state, and an action if one has just been done."""
    momentary = {} if action is None else {"action": action}
    return json.dumps({**momentary, **state, "linkquality": linkquality}, separators=(",", ":")).encode()
