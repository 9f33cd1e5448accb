"""A RuuviTag: climate, movement and voltage in manufacturer data, a new measurement each time."""

from __future__ import annotations

from typing import Final

from firmware_sim.air import Packet
from firmware_sim.devices.base import Device, Place, Spec
from firmware_sim.devices.climate import CEL, PERCENT, Walk
from firmware_sim.formats import ruuvi

_PASCAL: Final = (99_000.0, 103_000.0)
_TX_POWER_DBM: Final = 4
_FULL_MV: Final = 3_050
_EMPTY_MV: Final = 2_000


class RuuviTag(Device):
    """Sends data format 5. It tells a voltage and no percentage."""

    driver = "ruuvi"
    profile: str | None = "ruuvi-tag"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Choose a room climate and the way the tag hangs."""
        super().__init__(spec, place)
        self.address = spec.radio_address
        self._rssi = self.random.randint(-82, -54)
        self.temperature = Walk(self.random, CEL, 0.04)
        self._humidity = Walk(self.random, PERCENT, 0.15)
        self._pressure = Walk(self.random, _PASCAL, 6.0)
        self._sequence = self.random.randrange(1_000)
        self._movements = self.random.randrange(200)
        self.actions["measure"] = self._measure
        self.actions["move"] = self._move

    def beat(self) -> None:
        """Measure and send."""
        self._sequence += 1
        data = ruuvi.format_5(
            address=self.address,
            temperature_cel=self.temperature.next(),
            humidity_percent=self._humidity.next(),
            pressure_pa=self._pressure.next(),
            acceleration_mg=(self.random.randint(-8, 8), self.random.randint(-8, 8), 1_000),
            voltage_mv=_EMPTY_MV + (_FULL_MV - _EMPTY_MV) * self.battery // 100,
            tx_power_dbm=_TX_POWER_DBM,
            movements=self._movements,
            sequence=self._sequence,
        )
        self.air.send(
            Packet(
                address=self.address,
                random_address=self.spec.random_address,
                rssi=self._rssi + self.random.randint(-4, 4),
                manufacturer_data={ruuvi.COMPANY: data},
            )
        )

    async def _measure(self, value: str | None) -> str:
        if value is not None:
            self.temperature.value = self.number(value, what="measure", low=-40, high=85)
        self.beat()
        return f"measured {self.temperature.value:.2f} °C"

    async def _move(self, _value: str | None) -> str:
        self._movements += 1
        self.beat()
        return "was moved"
