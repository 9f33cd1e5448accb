"""The home's MQTT broker: it retains, confirms late, takes and dies, refuses, hangs, and is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Self

import aiomqtt
import orjson
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.outlets.mqtt_link import Link, PublishRefused
from gateway.outlets.outcome import OutletDown
from gateway.settings.models import Mqtt
from sim.trace import Trace
from sim.wires import Leaving, Wires

KEEPALIVE_S = 25.0  # after so long a client notices that nobody answers


@dataclass
class Moods:
    """How the broker is at present."""

    away: bool = False
    hangs: bool = False
    late_s: float = 0.0
    dies_after_ack: float = 0.0
    """How likely it takes a message, and the connection breaks before its word reaches the gateway."""
    busy: float = 0.0
    """How likely it says that it cannot take a message now."""
    refuses: str = ""
    """Readings whose topic ends so are refused for good."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the broker took."""

    topic: str
    body: bytes
    retain: bool


@dataclass
class Broker:
    """One broker, which outlives every life of the gateway, and has a disk of its own."""

    trace: Trace
    leaving: Leaving
    random: Random
    moods: Moods = field(default_factory=Moods)
    retained: dict[str, bytes] = field(default_factory=dict)
    taken: list[Published] = field(default_factory=list)
    refused: list[Published] = field(default_factory=list)
    links: list[SimLink] = field(default_factory=list)

    def connect(
        self, wires: Wires, settings: Mqtt, *, identifier: str, will: aiomqtt.Will | None = None
    ) -> Link:
        """Make a link; `LinkTo` of one life."""
        del settings
        return SimLink(self, wires, identifier, will)  # type: ignore[return-value]

    def go_away(self) -> None:
        """Break every connection, and take none."""
        self.moods.away = True
        for link in list(self.links):
            link.lose()

    def life_ended(self, wires: Wires) -> None:
        """Send the wills of a gateway that is gone."""
        for link in list(self.links):
            if link.wires is wires:
                self.links.remove(link)
                if link.will is not None:
                    self.take(str(link.will.topic), _bytes(link.will.payload), retain=True)

    def take(self, topic: str, body: bytes, *, retain: bool) -> None:
        """Take one message."""
        self.taken.append(Published(topic, body, retain))
        if retain and body:
            self.retained[topic] = body
        elif retain:
            self.retained.pop(topic, None)
        for link in self.links:
            link.deliver(topic, body, retain=False)

    def command(self, topic: str, body: dict[str, Any], *, retain: bool = False) -> bool:
        """Have another system send a command; False where nobody hears it."""
        heard = [link for link in self.links if link.hears(topic)]
        for link in heard:
            link.deliver(topic, orjson.dumps(body), retain=retain)
        return bool(heard)


class SimLink:
    """One connection, with the face of `gateway.outlets.mqtt_link.Link`."""

    def __init__(self, broker: Broker, wires: Wires, identifier: str, will: aiomqtt.Will | None) -> None:
        """Not connected yet."""
        self._broker, self.wires, self.identifier, self.will = broker, wires, identifier, will
        self._lost = asyncio.Event()
        self._filters: list[str] = []
        self._inbox: deque[aiomqtt.Message] = deque()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Connect. Raises MqttError."""
        await self.wires.takes(0.001, 0.02)
        if self._broker.moods.hangs:
            await asyncio.sleep(10.0)
            raise aiomqtt.MqttError("Operation timed out")
        if self._broker.moods.away or not self.wires.live:
            raise aiomqtt.MqttError("[Errno 111] Connection refused")
        self._broker.leaving.note("mqtt", self.identifier.encode())
        self._broker.links.append(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect without a will."""
        if self in self._broker.links:
            self._broker.links.remove(self)
        self._lost.set()

    async def subscribe(
        self, topic: str, qos: int = 0, options: SubscribeOptions | None = None
    ) -> tuple[int, ...]:
        """Subscribe, and be sent what is retained."""
        del qos, options
        await self.wires.takes(0.001, 0.01)
        self._filters.append(topic)
        for each, body in sorted(self._broker.retained.items()):
            if _matches(each, topic):
                self.deliver(each, body, retain=True)
        return (1,)

    @property
    def messages(self) -> AsyncIterator[aiomqtt.Message]:
        """What comes in. Raises MqttError when the connection is lost."""
        return self._read()

    async def send(
        self, topic: str, payload: bytes, *, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Publish and wait for the broker's word."""
        broker, moods = self._broker, self._broker.moods
        if self.is_lost:
            raise OutletDown("the broker is not connected (code 4)")
        await self.wires.takes(0.0002, 0.004)
        if not self.wires.live:
            await self.wires.for_ever()
        if moods.hangs:
            await self._wait_for_loss(KEEPALIVE_S)
        if self.is_lost:
            raise OutletDown("the connection to the broker broke before it confirmed")
        about = b"" if properties is None else str(properties).encode()
        broker.leaving.note("mqtt", topic.encode(), payload, about)
        if moods.refuses and "/device/" in topic and topic.endswith(moods.refuses):
            broker.refused.append(Published(topic, payload, retain))
            broker.trace.note("mqtt_refused", topic=topic)
            raise PublishRefused("Not authorized")
        if broker.random.random() < moods.busy:
            broker.trace.fault("broker_busy")
            raise OutletDown("the broker answered: Quota exceeded")
        broker.take(topic, payload, retain=retain)
        if broker.random.random() < moods.dies_after_ack:
            broker.trace.fault("broker_died_after_taking")
            self.lose()
            raise OutletDown("the connection to the broker broke before it confirmed")
        if moods.late_s:
            await self._wait_for_loss(broker.random.uniform(0, moods.late_s), lose=False)
        await self.wires.takes(0.0002, 0.004)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._lost.is_set()

    async def lost(self) -> None:
        """Wait until it is."""
        await self._lost.wait()

    # The broker's side

    def lose(self) -> None:
        """Break: the broker sends the will."""
        if self in self._broker.links:
            self._broker.links.remove(self)
            self._lost.set()
            self._news.set()
            if self.will is not None:
                self._broker.take(str(self.will.topic), _bytes(self.will.payload), retain=True)

    def hears(self, topic: str) -> bool:
        """Whether it has subscribed to a topic."""
        return any(_matches(topic, each) for each in self._filters)

    def deliver(self, topic: str, body: bytes, *, retain: bool) -> None:
        """Hand a message to the gateway."""
        if self.hears(topic) and self.wires.live:
            self._inbox.append(aiomqtt.Message(topic, body, 1, retain, 1, None))
            self._news.set()

    async def _read(self) -> AsyncIterator[aiomqtt.Message]:
        while True:
            while self._inbox:
                yield self._inbox.popleft()
            if self.is_lost:
                raise aiomqtt.MqttError("Disconnected during message iteration")
            self._news.clear()
            await self._news.wait()

    async def _wait_for_loss(self, within_s: float, *, lose: bool = True) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._lost.wait()
        except TimeoutError:
            if lose:
                self.lose()


@cache
def _matches(topic: str, wanted: str) -> bool:
    return aiomqtt.Topic(topic).matches(wanted)


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else str(payload or "").encode()
