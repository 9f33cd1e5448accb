"""A thermometer: it indicates a measurement when one is taken, and keeps it while nobody is connected."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from firmware_sim.devices.base import Place, Spec
from firmware_sim.devices.gatt import GattDevice
from firmware_sim.formats import thermometer
from firmware_sim.peripheral import Characteristic

KEPT_MAX: Final = 25  # measurements; the oldest is lost beyond, as in the meters on the market
_NORMAL_CEL: Final = (36.2, 37.2)


class Thermometer(GattDevice):
    """Health Thermometer Service: `measure` takes a temperature, `measure 38.9` that one."""

    driver = "gatt-thermometer"
    profile: str | None = "thermometer"
    model: ClassVar[str] = "Ear-Thermometer"
    service_uuid: ClassVar[str] = thermometer.SERVICE

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin with nothing measured."""
        self._kept: list[bytes] = []
        super().__init__(spec, place)
        self.actions["measure"] = self._measure

    def characteristics(self) -> tuple[Characteristic, ...]:
        """Return measurement and type."""
        self._measurement = Characteristic(
            uuid=thermometer.MEASUREMENT, flags=("indicate",), on_subscribe=self._send_kept
        )
        site = Characteristic(uuid=thermometer.TYPE, flags=("read",), value=bytes([thermometer.EAR]))
        return self._measurement, site

    async def _measure(self, value: str | None) -> str:
        if value is None:
            temperature = round(self.random.uniform(*_NORMAL_CEL), 1)
        else:
            temperature = round(self.number(value, what="measure", low=20, high=45), 1)
        taken = datetime.now().replace(microsecond=0)  # noqa: DTZ005  (a meter knows local time and no zone)
        data = thermometer.measurement(temperature, taken=taken, site=thermometer.EAR)
        if self.peripheral.notify(self._measurement, data):
            return f"measured {temperature} °C"
        self._kept = [*self._kept, data][-KEPT_MAX:]
        self.beat()
        return f"measured {temperature} °C; kept until somebody connects and subscribes"

    def _send_kept(self) -> None:
        kept, self._kept = self._kept, []
        for data in kept:
            self.peripheral.notify(self._measurement, data)
