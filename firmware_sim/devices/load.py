"""Load for benchmarks: many BTHome climate sensors, each at a fixed rate, sent by one clock."""

from __future__ import annotations

import asyncio
from typing import Final

from firmware_sim.devices.base import Spec
from firmware_sim.devices.climate import Climate

KIND: Final = "climate"
TICK_S: Final = 0.01  # frames of one tick leave together
BURST_MAX: Final = 200  # frames in one tick; a machine that fell behind does not catch up more
LOAD_MAX: Final = 60_000


def load_specs(count: int) -> list[Spec]:
    """Describe `count` sensors, `last-001` upward, with addresses that no scenario uses."""
    if not 0 <= count <= LOAD_MAX:
        raise ValueError(f"{count} load devices; at most {LOAD_MAX}")
    return [
        Spec(
            name=f"last-{index:03d}",
            kind=KIND,
            interval_s=1.0,
            address=f"A4:C1:39:00:{index >> 8:02X}:{index & 0xFF:02X}",
            place="load",
        )
        for index in range(1, count + 1)
    ]


class Load:
    """Sends one frame of each sensor `rate_hz` times a second, spread evenly."""

    def __init__(self, sensors: list[Climate], rate_hz: float) -> None:
        """Take the sensors."""
        self._sensors = sensors
        self._frames_per_s = rate_hz * len(sensors)

    async def run(self) -> None:
        """Send for ever."""
        if not self._frames_per_s:
            return
        loop = asyncio.get_running_loop()
        owed, before, turn = 0.0, loop.time(), 0
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            owed = min(owed + (now - before) * self._frames_per_s, BURST_MAX)
            before = now
            while owed >= 1:
                sensor = self._sensors[turn % len(self._sensors)]
                if not sensor.silent:
                    sensor.transmit(sensor.measured(), copies=1, spacing_s=0)
                turn += 1
                owed -= 1
