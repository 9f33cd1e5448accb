"""A chest strap: one heart-rate notification a second, with RR intervals."""

from __future__ import annotations

from typing import ClassVar, Final

from firmware_sim.devices.base import Place, Spec
from firmware_sim.devices.gatt import GattDevice
from firmware_sim.formats import heart_rate
from firmware_sim.peripheral import Characteristic

NOTIFY_S: Final = 1.0
_RESTING_PER_MIN: Final = (58, 82)
_VARIABILITY: Final = 0.03


class HeartRateStrap(GattDevice):
    """Heart Rate Service; `measure 140` sets the heart rate, `take_off` and `put_on` the skin contact."""

    driver = "gatt-heart-rate"
    profile: str | None = "heart-rate-strap"
    model: ClassVar[str] = "HR-Strap"
    service_uuid: ClassVar[str] = heart_rate.SERVICE

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin at rest, worn."""
        super().__init__(spec, place)
        self.rate_per_min = self.random.randint(*_RESTING_PER_MIN)
        self.worn = True
        self.actions["measure"] = self._measure
        self.actions["take_off"] = self._take_off
        self.actions["put_on"] = self._put_on

    def characteristics(self) -> tuple[Characteristic, ...]:
        """Return measurement and location."""
        self._measurement = Characteristic(uuid=heart_rate.MEASUREMENT, flags=("notify",))
        location = Characteristic(uuid=heart_rate.BODY_LOCATION, flags=("read",), value=heart_rate.CHEST)
        return self._measurement, location

    def start(self) -> None:
        """Advertise, and measure."""
        super().start()
        self.agenda.after(NOTIFY_S, self._tick)

    def _tick(self) -> None:
        if not self.silent:
            self.rate_per_min = max(30, self.rate_per_min + self.random.randint(-1, 1))
            self._notify()
        self.agenda.after(NOTIFY_S, self._tick)

    def _notify(self) -> bool:
        beat_s = 60 / self.rate_per_min
        intervals = [
            beat_s * self.random.uniform(1 - _VARIABILITY, 1 + _VARIABILITY)
            for _ in range(max(1, round(NOTIFY_S / beat_s)))
        ]
        data = heart_rate.measurement(
            self.rate_per_min if self.worn else 0,
            contact=self.worn,
            rr_intervals_s=intervals if self.worn else (),
        )
        return self.peripheral.notify(self._measurement, data)

    async def _measure(self, value: str | None) -> str:
        if value is not None:
            self.rate_per_min = round(self.number(value, what="measure", low=30, high=240))
        return self._told(f"measured {self.rate_per_min} beats a minute")

    async def _take_off(self, _value: str | None) -> str:
        self.worn = False
        return self._told("has no skin contact")

    async def _put_on(self, _value: str | None) -> str:
        self.worn = True
        return self._told("is worn again")

    def _told(self, what: str) -> str:
        return what if self._notify() else f"{what}; nobody has subscribed to it"
