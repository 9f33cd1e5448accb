"""Room climate over BTHome: temperature and humidity that drift slowly around what the room has."""

from __future__ import annotations

from random import Random
from typing import Final

from firmware_sim.devices.base import Place, Spec
from firmware_sim.devices.beacon import BEAT_COPIES, BEAT_SPACING_S, Beacon
from firmware_sim.formats import bthome

_DRIFT_CEL: Final = 0.04
_DRIFT_PERCENT: Final = 0.15
CEL: Final = (19.0, 25.0)  # a heated home
PERCENT: Final = (32.0, 58.0)


class Walk:
    """A value that wanders a little at each step and stays within its limits."""

    def __init__(self, random: Random, limits: tuple[float, float], step: float) -> None:
        """Begin somewhere in the middle."""
        self._random = random
        self._low, self._high = limits
        self._step = step
        third = (self._high - self._low) / 3
        self.value = self._random.uniform(self._low + third, self._high - third)

    def next(self) -> float:
        """Take a step."""
        wandered = self.value + self._random.uniform(-self._step, self._step)
        self.value = min(max(wandered, self._low), self._high)
        return self.value


class Climate(Beacon):
    """A BTHome climate sensor, plain or encrypted as its key decides."""

    profile: str | None = "climate"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Choose a room climate."""
        super().__init__(spec, place)
        self.temperature = Walk(self.random, CEL, _DRIFT_CEL)
        self.humidity = Walk(self.random, PERCENT, _DRIFT_PERCENT)
        self.actions["measure"] = self._measure

    def measured(self) -> list[bytes]:
        """Return the objects of one measurement."""
        return [
            bthome.TEMPERATURE.encode(round(self.temperature.next(), 2)),
            bthome.HUMIDITY.encode(round(self.humidity.next(), 2)),
        ]

    async def _measure(self, value: str | None) -> str:
        if value is not None:
            self.temperature.value = self.number(value, what="measure", low=-40, high=80)
        # Not a beat, which gives way to what is being repeated: each measurement asked for is sent.
        self.transmit(self.measured(), copies=BEAT_COPIES, spacing_s=BEAT_SPACING_S)
        return f"measured {self.temperature.value:.2f} °C"
