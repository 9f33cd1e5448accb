"""Devices that are connected to: they advertise while they have no link, and are silent on the air then."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Final

from firmware_sim.air import Packet
from firmware_sim.devices.base import Device, Place, Spec
from firmware_sim.formats import battery
from firmware_sim.peripheral import Characteristic, Peripheral, Service

MAKER: Final = b"Velgate simulator"


class GattDevice(Device):
    """A connectable device with battery and device information; subclasses add what they measure."""

    model: ClassVar[str]
    service_uuid: ClassVar[str]

    def __init__(self, spec: Spec, place: Place) -> None:
        """Lay out the table of services and stand on the air."""
        super().__init__(spec, place)
        self.address = spec.radio_address
        self._rssi = self.random.randint(-78, -52)
        self._level = Characteristic(
            uuid=battery.LEVEL, flags=("read", "notify"), value=battery.level(self.battery)
        )
        self.peripheral = Peripheral(
            address=self.address,
            services=(
                Service(uuid=self.service_uuid, characteristics=self.characteristics()),
                Service(uuid=battery.SERVICE, characteristics=(self._level,)),
                Service(
                    uuid=battery.INFORMATION_SERVICE,
                    characteristics=(
                        Characteristic(uuid=battery.MANUFACTURER_NAME, flags=("read",), value=MAKER),
                        Characteristic(uuid=battery.MODEL_NUMBER, flags=("read",), value=self.model.encode()),
                    ),
                ),
            ),
        )
        self.air.place(self.peripheral)
        self.actions["drop"] = self._drop
        self.actions["drop_on_read"] = self._drop_on_read

    @abstractmethod
    def characteristics(self) -> tuple[Characteristic, ...]:
        """Return the characteristics of the device's own service; called once."""

    def beat(self) -> None:
        """Advertise, unless somebody is connected."""
        if self.peripheral.link is not None:
            return
        self.air.send(
            Packet(
                address=self.address,
                random_address=self.spec.random_address,
                connectable=True,
                rssi=self._rssi + self.random.randint(-4, 4),
                name=self.model,
                service_uuids=(self.service_uuid, battery.SERVICE),
            )
        )

    async def _battery(self, value: str | None) -> str:
        self.set_battery(value)
        self._level.value = battery.level(self.battery)
        heard = self.peripheral.notify(self._level, self._level.value)
        return f"its battery is at {self.battery} %{'' if heard else '; nobody has subscribed to it'}"

    async def _drop(self, _value: str | None) -> str:
        return "lost its connection" if self.peripheral.drop() else "had no connection to lose"

    async def _drop_on_read(self, _value: str | None) -> str:
        self.peripheral.drop_on_read = True
        return "will lose its connection at the next read"

    def hush(self) -> None:
        """Fall silent: the link breaks as well."""
        self.peripheral.awake = False
        self.peripheral.drop()

    def roused(self) -> None:
        """Be connectable again."""
        self.peripheral.awake = True
