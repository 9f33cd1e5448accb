"""A short scan of its own, for `velgate scan`: beside a running gateway, in the command's own process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError

from gateway.model.clock import Clock
from gateway.model.frames import Advertisement
from gateway.model.problem import Exit, Problem
from gateway.radio.sightings import Sightings
from gateway.radio.silence import Patience

WAITING_MAX = 2000  # advertisements not yet shown; a terminal that hangs loses the rest
MEND = {
    "org.bluez.Error.NotReady": (
        "an adapter that is on",
        "it is off",
        "Run  bluetoothctl power on",
        Exit.FAILED,
    ),
    "org.freedesktop.DBus.Error.AccessDenied": (
        "the right to use Bluetooth",
        "the system bus refused it",
        "Run it as a member of the group bluetooth, or as root.",
        Exit.REFUSED,
    ),
    "org.freedesktop.DBus.Error.ServiceUnknown": (
        "bluetoothd to run",
        "none",
        "Run  systemctl start bluetooth",
        Exit.UNREACHABLE,
    ),
}


async def scan(adapter: str, *, seconds: float | None, clock: Clock) -> AsyncIterator[Advertisement]:
    """Give each advertisement that the adapter hears, for `seconds`, or until the caller stops.

    Raises Problem where the bus (exit 5), the adapter (exit 4) or the right (exit 6) is missing.
    """
    heard: asyncio.Queue[Advertisement] = asyncio.Queue(WAITING_MAX)
    sightings = Sightings(adapter, clock, None)

    def detected(device: BLEDevice, data: AdvertisementData) -> None:
        frame = sightings.take(device.address, data)
        if frame is not None:
            with suppress(asyncio.QueueFull):
                heard.put_nowait(frame)

    scanner = BleakScanner(
        detected,
        scanning_mode="active",
        bluez={"adapter": adapter, "filters": {"DuplicateData": True, "RSSI": -127}},
    )
    patience = Patience()
    try:
        async with asyncio.timeout(patience.start_within_s):
            await scanner.start()
    except (BleakError, OSError, EOFError, TimeoutError) as error:
        raise _problem(adapter, error) from None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    yield await heard.get()
    finally:
        with suppress(BleakError, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(patience.stop_within_s):
                await scanner.stop()


def _problem(adapter: str, error: Exception) -> Problem:
    if isinstance(error, BleakDBusError) and error.dbus_error in MEND:
        expected, found, do, code = MEND[error.dbus_error]
        return Problem(adapter, expected=expected, found=found, do=do, exit=code)
    if isinstance(error, BleakError) and "not found" in str(error):
        return Problem(
            adapter,
            expected="a Bluetooth adapter of that name",
            found="none",
            do="See  bluetoothctl list  and set  radio.adapter",
            exit=Exit.NOT_FOUND,
        )
    if isinstance(error, TimeoutError):
        return Problem(
            adapter,
            expected="an answer from bluetoothd",
            found="none in time",
            do="Run  systemctl restart bluetooth",
            exit=Exit.UNREACHABLE,
        )
    if isinstance(error, OSError | EOFError):
        return Problem(
            os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "the system bus"),
            expected="a D-Bus that answers",
            found=str(error) or "a closed connection",
            do="Run  systemctl status dbus bluetooth",
            exit=Exit.UNREACHABLE,
        )
    return Problem(
        adapter, expected="scanning to start", found=str(error), do="See  systemctl status bluetooth"
    )
