"""The air between devices and the radio: it drops, doubles, reorders and corrupts, and is silent at times.

A device repeats each transmission some times. What BlueZ does is played too: a bare sighting brings a
device's last data again without a packet having carried it, and a gateway that has just begun to scan is
handed what BlueZ remembers, as if it had come just now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from firmware_sim.formats import bthome
from gateway.model.clock import Instant
from gateway.model.frames import Advertisement
from sim.home import NAMES, Thing
from sim.trace import Trace

CARRIED = frozenset({"service_data"})
NOTHING: frozenset[str] = frozenset()


@dataclass
class Weather:
    """What the air does to copies, each as a likelihood."""

    drops: float = 0.0
    doubles: float = 0.0
    delays: float = 0.0
    corrupts: float = 0.0
    bare: float = 0.0
    """How likely a copy is followed by a sighting that carries nothing."""
    silent: bool = False


@dataclass
class Voice:
    """A device's transmitter: what it counts, and what BlueZ has heard of it last."""

    thing: Thing
    packet: int
    counter: int
    last: bytes | None = None
    last_number: int | None = None
    counters: dict[int, int] = field(default_factory=dict)
    """The counter of each transmission that was sealed."""

    def frame(self, objects: list[bytes]) -> bytes:
        """Write the next transmission."""
        self.packet = (self.packet + 1) % 256
        every = [bthome.PACKET_ID.encode(self.packet), *objects]
        if self.thing.key is None:
            return bthome.plain(every, trigger_based=self.thing.beats_s is None)
        self.counter += 1
        return bthome.encrypted(
            every,
            key=self.thing.key,
            address=self.thing.address,
            counter=self.counter,
            trigger_based=self.thing.beats_s is None,
        )


class Air:
    """Carries frames to whichever life of the gateway listens."""

    def __init__(
        self,
        trace: Trace,
        random: Random,
        now: Callable[[], Instant],
        hear: Callable[[Advertisement, int | None, int | None, bool], bool],
    ) -> None:
        """`hear(frame, transmission, counter, whole)` hands a frame to the radio; False: nobody listens."""
        self._trace, self._random, self._now, self._hear = trace, random, now, hear
        self.weather = Weather()
        self.voices: dict[str, Voice] = {}
        self._transmissions = 0
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, thing: Thing) -> None:
        """Let a device be there."""
        self.voices[thing.name] = Voice(thing, self._random.randrange(256), self._random.randrange(1, 10_000))

    def change_battery(self, device: str) -> None:
        """Let a device begin its counters anew, as after a change of its battery."""
        voice = self.voices[device]
        voice.counter, voice.packet = 0, self._random.randrange(256)

    def send(self, device: str, objects: list[bytes], *, copies: int, press: str | None = None) -> int:
        """Begin a transmission; gives its number. `press` says which press it is, if it is one."""
        voice = self.voices[device]
        data = voice.frame(objects)
        self._transmissions += 1
        number = self._transmissions
        if voice.thing.key is not None:
            voice.counters[number] = voice.counter
        if press is not None:
            self._trace.note(
                "press",
                device=device,
                word=press,
                number=number,
                packet=voice.packet,
                counter=voice.counter if voice.thing.key else None,
            )
        task = asyncio.create_task(self._carry(voice, data, number, copies), name=f"air-{number}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return number

    async def end(self) -> None:
        """Let nothing be in the air any more."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def remembered(self) -> None:
        """Hand a scanner that has just begun what BlueZ remembers of each device."""
        for voice in self.voices.values():
            if voice.last is not None and self._random.random() < 0.7:
                self._deliver(voice, voice.last, voice.last_number, None, whole=True)

    async def _carry(self, voice: Voice, data: bytes, number: int, copies: int) -> None:
        random, weather = self._random, self.weather
        for _ in range(copies):
            await asyncio.sleep(random.uniform(0.02, 0.12))
            if weather.silent or random.random() < weather.drops:
                if weather.silent:
                    continue
                self._trace.faults["air_dropped"] += 1
                continue
            if random.random() < weather.delays:
                self._trace.faults["air_reordered"] += 1
                await asyncio.sleep(random.uniform(0.05, 1.2))
            self._copy(voice, data, number)
            if random.random() < weather.doubles:
                self._trace.faults["air_doubled"] += 1
                await asyncio.sleep(random.uniform(0.0001, 0.01))
                self._copy(voice, data, number)
            if random.random() < weather.bare and voice.last is not None:
                self._trace.faults["air_bare_sighting"] += 1
                await asyncio.sleep(random.uniform(0.01, 0.5))
                self._deliver(voice, voice.last, voice.last_number, NOTHING, whole=True)

    def _copy(self, voice: Voice, data: bytes, number: int) -> None:
        whole = True
        if self._random.random() < self.weather.corrupts:
            self._trace.faults["air_corrupted"] += 1
            data, whole = self._corrupted(voice, data), False
        else:
            voice.last, voice.last_number = data, number
        self._deliver(voice, data, number, CARRIED, whole=whole)

    def _corrupted(self, voice: Voice, data: bytes) -> bytes:
        """Break a frame so that it can be told: a sealed one anywhere, a plain one by cutting it."""
        if voice.thing.key is None:
            return data[: self._random.randint(0, len(data) - 1)]
        at = self._random.randrange(1, len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._random.randrange(8))]) + data[at + 1 :]

    def _deliver(
        self, voice: Voice, data: bytes, number: int | None, brought: frozenset[str] | None, *, whole: bool
    ) -> None:
        frame = Advertisement(
            address=voice.thing.address,
            rssi=self._random.randint(-95, -50),
            name=self._random.choice(NAMES),
            service_data={bthome.SERVICE_UUID: data},
            brought=brought,
            heard=self._now(),
            source="hci0",
        )
        self._hear(frame, number, voice.counters.get(number or 0), whole)
