"""What is to be written, read and listened to on each device that is connected to."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.driver import Driver, GattDriver
from gateway.intake.directory import Known
from gateway.intake.index import Loaded
from gateway.model.gatt import GattPlan, GattWrite


def gatt_plans(devices: Iterable[Known], drivers: Iterable[Loaded]) -> list[GattPlan]:
    """Give the plans of all devices: one of their own driver, and one of each companion (the battery)."""
    companions = [loaded.driver for loaded in drivers if is_companion(loaded.driver)]
    return [
        _plan(known, known.address, driver)
        for known in devices
        if known.address is not None
        and known.driver is not None
        and isinstance(known.driver.driver, GattDriver)
        for driver in dict.fromkeys([known.driver.driver, *companions])
        if isinstance(driver, GattDriver)
    ]


def is_companion(driver: Driver) -> bool:
    """Tell whether a driver goes along with any device that is connected to."""
    return isinstance(driver, GattDriver) and driver.companion


def _plan(known: Known, address: str, driver: GattDriver) -> GattPlan:
    return GattPlan(
        address=address,
        device=known.slug,
        listen=driver.listen,
        read=driver.read,
        setup=tuple(GattWrite(write.characteristic, write.value) for write in driver.setup),
        poll_every=driver.poll_every,
        keep=known.calls,
        brief=driver.brief,
    )
