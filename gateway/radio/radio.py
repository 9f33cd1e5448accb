"""All sources of frames of one gateway, each supervised apart: a crash in one is silence in none other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from gateway.model.clock import Clock
from gateway.model.frames import Frame
from gateway.model.gatt import GattPlan
from gateway.model.trouble import TellTrouble
from gateway.radio.bleak_bus import BleakBus
from gateway.radio.bluez_watch import BluezWatch
from gateway.radio.capture import CaptureFile
from gateway.radio.ear import Ear
from gateway.radio.expects import Expects, OnFrame, Supervise
from gateway.radio.gatt import Gatt, GattPatience
from gateway.radio.in_hand import Waiting
from gateway.radio.silence import Patience
from gateway.settings.models import Settings

if TYPE_CHECKING:  # loaded when messages are first listened to: the scanner does not wait for it
    from gateway.radio.mqtt_in import MqttIn

log = logging.getLogger(__name__)


class Radio:
    """Hears what the house says. It listens before anybody takes its frames, and keeps them so long."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        tell: TellTrouble,
        supervise: Supervise,
        instance: Callable[[], str],
        on_frame: OnFrame | None = None,
        expects: Callable[[], Expects] = Expects,
        plans: Callable[[], Iterable[GattPlan]] = tuple,
        patience: Patience | None = None,
        gatt_patience: GattPatience | None = None,
        random: Random | None = None,
    ) -> None:
        """Prepare all sources of the settings; needs a running loop, starts nothing.

        `supervise` keeps each source running; `instance` gives the id of the state folder, and is asked when
        frames are first wanted; `on_frame` may be given later (`deliver_to`). `plans` is asked anew on
        `reload`, `expects` at any time.
        """
        self._settings, self._plans, self._supervise, self._expects = settings, plans, supervise, expects
        self._on_frame: OnFrame | None = None
        self._wanted = asyncio.Event()
        self._waiting = Waiting(tell)
        self._addresses = _addresses(settings)
        self._ears: list[Ear] = []
        self._watch: BluezWatch | None = None
        self._gatt: Gatt | None = None
        if settings.radio.enabled:
            self._prepare_bluetooth(settings, clock, tell, patience, gatt_patience, random)
        self._clock, self._tell, self._instance, self._random = clock, tell, instance, random
        self._mqtt: MqttIn | None = None
        path = settings.radio.capture
        self._capture = CaptureFile(Path(path) if path else None, clock=clock, on_frame=self._take, tell=tell)
        if on_frame is not None:
            self.deliver_to(on_frame)

    def _prepare_bluetooth(
        self,
        settings: Settings,
        clock: Clock,
        tell: TellTrouble,
        patience: Patience | None,
        gatt_patience: GattPatience | None,
        random: Random | None,
    ) -> None:
        adapter = settings.radio.adapter
        watch, bleak_bus = BluezWatch((adapter,), random=random), BleakBus()
        gatt = Gatt(
            adapter,
            slots=settings.radio.connections,
            clock=clock,
            put=self._waiting.put,
            patience=gatt_patience,
            random=random,
        )
        ear = Ear(
            adapter,
            watch=watch,
            bleak_bus=bleak_bus,
            clock=clock,
            put=self._waiting.put,
            on_device=gatt.on_device,
            on_present=gatt.on_present,
            is_ours=lambda address: address in self._addresses,
            expects=self._expects,
            tell=tell,
            patience=patience or Patience(silence_s=settings.radio.silence.total_seconds()),
            random=random,
        )
        watch.on_owner_change.append(gatt.links_lost)
        gatt.plan(self._plans())
        self._watch, self._gatt, self._ears = watch, gatt, [ear]

    def deliver_to(self, on_frame: OnFrame) -> None:
        """Begin to hand out frames, those kept so far first."""
        self._on_frame = on_frame
        self._wanted.set()

    async def _take(self, frame: Frame) -> None:
        if self._on_frame is None:
            await self._wanted.wait()
        assert self._on_frame is not None
        await self._on_frame(frame)

    async def _hand_over(self) -> None:
        await self._wanted.wait()
        await self._waiting.run(self._take)

    async def run(self) -> None:
        """Run all sources for ever. Ends by cancellation only: scanners stopped, connections let go."""
        async with asyncio.TaskGroup() as sources:

            def start(name: str, work: Callable[[], Awaitable[None]], *, calls: bool = False) -> None:
                sources.create_task(self._supervise(name, work, calls=calls), name=name)

            for ear in self._ears:
                start(f"radio-{ear.name}", ear.run, calls=True)
            if self._watch is not None:
                start("radio-watch", self._watch.run, calls=True)
            if self._gatt is not None:
                start("radio-gatt", self._gatt.run)
            start("radio-hand-over", self._hand_over, calls=True)
            await self._wanted.wait()  # messages wait at their broker until somebody takes them
            start("radio-mqtt", self._listen_for_messages)
            start("radio-capture", self._capture.run)

    async def _listen_for_messages(self) -> None:
        if self._mqtt is None:
            from gateway.radio.mqtt_in import MqttIn

            self._mqtt = MqttIn(
                self._settings,
                clock=self._clock,
                on_frame=self._take,
                tell=self._tell,
                instance=self._instance(),
                calls=lambda: self._expects().message_calls,
                random=self._random,
            )
        await self._mqtt.run()

    def reload(self, settings: Settings) -> None:
        """Take new settings. What needs a new adapter or capture file needs a new start."""
        fixed = ("adapter", "enabled", "capture", "silence")
        if any(getattr(settings.radio, key) != getattr(self._settings.radio, key) for key in fixed):
            log.warning("radio: %s are taken over at the next start", ", ".join(fixed))
        self._settings, self._addresses = settings, _addresses(settings)
        if self._mqtt is not None:
            self._mqtt.reload(settings)
        if self._gatt is not None:
            self._gatt.limit(settings.radio.connections)
            self._gatt.plan(self._plans())

    def health(self) -> list[dict[str, object]]:
        """Give the adapters' part of the health document."""
        return [ear.health() for ear in self._ears]

    def sources(self) -> list[dict[str, object]]:
        """Tell how the sources are that are no adapter: name, state, and why it is so."""
        mqtt = self._mqtt
        rows: list[dict[str, object]] = [
            {
                "name": "mqtt-in",
                "state": mqtt.state if mqtt else "off",
                "reason": mqtt.reason if mqtt else "",
            },
            {"name": "capture", "state": self._capture.state, "reason": "; ".join(self._capture.problems)},
        ]
        return rows

    def links(self) -> dict[str, bool]:
        """Tell by device whether it is connected, of those that are connected to."""
        return self._gatt.standing() if self._gatt is not None else {}

    async def through(self) -> None:
        """Return when a mark has gone the way of a frame, from the scanner's callback into a hand."""
        await self._waiting.through()

    @property
    def queue(self) -> int:
        """How many frames wait to be taken."""
        return len(self._waiting)

    @property
    def dropped(self) -> int:
        """How many frames were dropped because too many waited."""
        return self._waiting.dropped


def _addresses(settings: Settings) -> frozenset[str]:
    return frozenset(device.address for device in settings.device.values() if device.address)
