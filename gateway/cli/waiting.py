"""Waiting for a device to speak, as the running gateway hears it."""

from __future__ import annotations

import time
from typing import Any

from gateway.cli.client import Gateway
from gateway.cli.say import progress

ASK_EVERY_S = 0.25


def until_heard(
    house: Gateway, name: str, before: dict[str, Any], seconds: float
) -> tuple[bool, dict[str, Any], float]:
    """Wait until a device is heard anew. Gives whether, its row, and after how many seconds."""
    began, row = time.monotonic(), before
    with progress(f"Waiting for {name}", seconds) as shown:
        while (took_s := time.monotonic() - began) < seconds:
            rows = house.get("/api/v1/devices")["devices"]
            row = next((each for each in rows if each["device"] == name), row)
            if row.get("last_seen") is not None and row["last_seen"] != before.get("last_seen"):
                return True, row, took_s
            shown.at(took_s)
            time.sleep(ASK_EVERY_S)
    return False, row, time.monotonic() - began
