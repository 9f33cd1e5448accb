"""One Bluetooth adapter, listened to for ever through bleak.

bleak never says that scanning died: an adapter that was switched off and on, a bluetoothd that was
restarted, a discovery that died inside it all look like silence. So this room watches the bus itself
(`bluez_watch`), throws the scanner away at every change, and takes silence for a fault where devices should
speak: a new scanner, a new bus connection, the adapter off and on, and meanwhile somebody is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.model.clock import Clock
from gateway.model.frames import Advertisement
from gateway.model.trouble import TellTrouble
from gateway.radio.adapter_report import Facts, Report, State
from gateway.radio.backoff import Backoff
from gateway.radio.bleak_bus import BleakBus
from gateway.radio.bluez_watch import BluezWatch, BusError
from gateway.radio.expects import Expects
from gateway.radio.habit import Habit
from gateway.radio.saying import said
from gateway.radio.sightings import Sightings, present_at
from gateway.radio.silence import Patience, Silence, Step

log = logging.getLogger(__name__)

FAILURES_BEFORE_POWER = 3  # starts that fail in a row; then, and at every third more, off and on
RSSI_FLOOR = -127  # dBm: lets all through; that a value is set makes BlueZ report every packet


class Ear:
    """Listens at one adapter."""

    def __init__(
        self,
        adapter: str,
        *,
        watch: BluezWatch,
        bleak_bus: BleakBus,
        clock: Clock,
        put: Callable[[Advertisement], None],
        on_device: Callable[[BLEDevice], None],
        on_present: Callable[[Mapping[str, Mapping[str, Any]]], None],
        is_ours: Callable[[str], bool],
        expects: Callable[[], Expects],
        tell: TellTrouble,
        patience: Patience,
        random: Random | None = None,
    ) -> None:
        """`put` takes each frame, `on_device` its device, `on_present` what BlueZ knew at each start.

        All three are called on the loop and return at once. `is_ours` says whether an address is that of a
        configured device; `expects` is asked about once a second.
        """
        self.name = adapter
        self._watch, self._bleak_bus, self._clock = watch, bleak_bus, clock
        self._put, self._on_device, self._on_present = put, on_device, on_present
        self._is_ours, self._expects = is_ours, expects
        self._patience = patience
        self._look = watch.looks[adapter]
        self._backoff = Backoff(patience.pause_first_s, patience.pause_most_s, random or Random())  # noqa: S311
        self._wake = asyncio.Event()
        self._look.wake.append(self._wake.set)
        bleak_bus.watch(self._wake.set)
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._silence = Silence(patience.silence_s, now)
        self._habit = Habit()
        self._expected = Expects()
        self._sightings: Sightings | None = None
        self._scanning = False
        self._proved = False
        self._ever_heard = False
        self._idle_since = now
        self._report = Report(adapter, patience, tell)
        self._powered_on_once = False
        self.problem = ""
        """Why scanning could not be started the last time."""

    @property
    def state(self) -> State | None:
        """How the adapter is; None while it scans and nothing has proved yet that it hears."""
        if not self._watch.owned or not self._look.present:
            return "gone"
        if not self._look.powered:
            return "off"
        now = self._loop.time()
        span_s = self._span_s()
        silent = span_s is not None and self._silence.for_s(now) > span_s
        stuck = not self._scanning and now - self._idle_since > self._patience.tell_down_after_s
        if silent or stuck:
            return "deaf"
        return "up" if self._proved and self._scanning else None

    def _span_s(self) -> float | None:
        """Tell after how much silence something is wrong; None where that cannot be said of this house."""
        shortest = self._patience.silence_s
        return shortest if self._expected.speaking else self._habit.unusual_s(at_least=shortest)

    def health(self) -> dict[str, object]:
        """Give its part of the health document."""
        silent_s = round(self._silence.for_s(self._loop.time()), 1) if self._ever_heard else None
        return {"name": self.name, "state": self.state, "silent_s": silent_s}

    async def run(self) -> None:
        """Listen for ever. Ends by cancellation only; the scanner is stopped then."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._judge_for_ever())
            while True:
                await self._adapter_ready()
                begun = self._marks()
                scanner = await self._started()
                if scanner is None:
                    await self._pause()
                    continue
                step: Step | None = None
                try:
                    step = await self._until_worthless(begun)
                finally:
                    self._idle()
                    await self._stop(scanner)
                if step is not None:
                    await self._try(step)

    def _marks(self) -> tuple[int, int]:
        return self._look.epoch, self._bleak_bus.drops

    async def _adapter_ready(self) -> None:
        """Wait until the adapter is there and on; switch it on where it was off when the gateway began."""
        waited = False
        while not (self._look.present and self._look.powered):
            waited = True
            self._wake.clear()
            if self._look.present and not self._powered_on_once:
                self._powered_on_once = True
                try:
                    await self._watch.power(self.name, on=True)
                except BusError as error:
                    self.problem = str(error)
                    log.warning("%s is off and could not be switched on: %s", self.name, error)
                continue
            await self._wake.wait()
        self._powered_on_once = True
        if waited:  # what it could not hear is no silence
            self._silence.heard(self._loop.time())
            self._habit.interrupted()

    async def _started(self) -> BleakScanner | None:
        present: dict[str, bool] | None = None
        try:
            devices = await self._watch.devices(self.name)
        except BusError as error:
            log.info("%s: what BlueZ knows could not be asked: %s", self.name, error)
        else:
            present = present_at(devices)
            self._on_present(devices)
        self._sightings = Sightings(self.name, self._clock, present)
        self._proved = False
        scanner = BleakScanner(
            self._detected,
            scanning_mode="active",
            bluez={"adapter": self.name, "filters": {"DuplicateData": True, "RSSI": RSSI_FLOOR}},
        )
        try:
            async with asyncio.timeout(self._patience.start_within_s):
                await scanner.start()
        except Exception as error:  # noqa: BLE001  bleak's errors are no closed set; the answer is always another try
            self.problem = said(error)
            log.warning("%s: scanning could not be started: %s", self.name, self.problem)
            self._bleak_bus.drop()
            return None
        self.problem = ""
        self._scanning = True
        self._silence.began(self._loop.time())
        self._backoff.reset()
        log.info("%s: scanning", self.name)
        return scanner

    def _detected(self, device: BLEDevice, data: AdvertisementData) -> None:
        if self._sightings is None:
            return
        frame = self._sightings.take(device.address, data)
        if frame is None:
            return
        if frame.service_data or frame.manufacturer_data or frame.service_uuids or frame.name:
            self._proved = self._ever_heard = True
            now = self._loop.time()
            if self._is_ours(device.address):
                if self._silence.cured(now):
                    self._habit.interrupted()
                self._habit.heard(now)
            self._silence.heard(now)
        self._put(frame)
        self._on_device(device)

    async def _until_worthless(self, begun: tuple[int, int]) -> Step | None:
        """Wait until the scanner must go: None where the adapter or the bus changed, a step after silence."""
        undiscovered_since: float | None = None
        while True:
            now = self._loop.time()
            if self._marks() != begun or not self._bleak_bus.alive():
                return None
            if self._look.discovering:
                undiscovered_since = None
            elif undiscovered_since is None:
                undiscovered_since = now
            elif now - undiscovered_since >= self._patience.discovering_grace_s:
                log.warning("%s: discovery ended by itself", self.name)
                return None
            step = self._silence.due(now, self._span_s())
            if step is not None:
                self._silence.tried(now)
                return step
            self._wake.clear()
            await self._woken(self._patience.tick_s)

    async def _stop(self, scanner: BleakScanner) -> None:
        try:
            async with asyncio.timeout(self._patience.stop_within_s):
                await scanner.stop()
        except Exception as error:  # noqa: BLE001  every error of a stop is normal here, and this scanner is done with
            log.info("%s: stopping failed (%s); dropping the bus", self.name, said(error))
            self._bleak_bus.drop()

    async def _try(self, step: Step) -> None:
        log.warning(
            "%s: silent for %.0f s; trying %s", self.name, self._silence.for_s(self._loop.time()), step.value
        )
        if step is Step.BUS:
            self._bleak_bus.drop()
        elif step is Step.POWER:
            await self._power_cycle()

    async def _power_cycle(self) -> None:
        """Switch the adapter off and on: it clears a discovery that is stuck inside bluetoothd."""
        try:
            try:
                await self._watch.power(self.name, on=False)
                await self._powered(on=False)
            finally:
                await self._watch.power(self.name, on=True)
            await self._powered(on=True)
        except BusError as error:
            log.warning("%s: off and on failed: %s", self.name, error)

    async def _powered(self, *, on: bool) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.power_within_s):
                while self._look.powered is not on:
                    self._wake.clear()
                    await self._wake.wait()

    def _idle(self) -> None:
        if self._scanning:
            self._scanning = False
            self._idle_since = self._loop.time()

    async def _pause(self) -> None:
        """Wait after a failed start: less and less often, but at once when the bus says something new."""
        self._wake.clear()
        pause_s = self._backoff.next_s()
        if self._backoff.failures % FAILURES_BEFORE_POWER == 0 and self._look.powered:
            await self._power_cycle()
        await self._woken(pause_s)

    async def _woken(self, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._wake.wait()

    async def _judge_for_ever(self) -> None:
        """A task of its own, so that nothing that hangs holds the telling up."""
        while True:
            now = self._loop.time()
            self._expected = self._expects()
            self._report.judge(
                self.state,
                now,
                Facts(
                    scanning=self._scanning,
                    idle_s=now - self._idle_since,
                    silent_s=self._silence.for_s(now),
                    span_s=self._span_s(),
                    radio_calls=self._expected.radio_calls,
                    bus_reached=self._watch.reached,
                    bus_problem=self._watch.problem,
                    bluetoothd=self._watch.owned,
                    problem=self.problem,
                ),
            )
            await asyncio.sleep(self._patience.tick_s)
