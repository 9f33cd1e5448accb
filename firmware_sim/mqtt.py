"""The way of Zigbee devices: what Zigbee2MQTT would publish goes to the broker given with `--mqtt`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from firmware_sim.problem import Exit, SimProblem

PASSWORD_VARIABLE: Final = "VELGATE_SIM_MQTT_PASSWORD"  # noqa: S105  (a name, no secret)
QUEUE_MAX: Final = 1_000  # beyond it regular messages are dropped: Zigbee2MQTT sends them at QoS 0 too
PUBLISH_WITHIN_S: Final = 5.0
ANSWER_WITHIN_S: Final = 2.0  # also bounds how long a broker that hangs can delay our end
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
_BRIDGE: Final = "zigbee2mqtt/bridge/state"
_ONLINE: Final = b'{"state":"online"}'
_OFFLINE: Final = b'{"state":"offline"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where to publish. The password never appears in an argument or a log."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, given: str, username: str | None) -> Broker:
        """Read HOST:PORT; the password comes from the environment. Raises SimProblem."""
        host, _, port = given.rpartition(":")
        if not host or not port.isdigit():
            raise SimProblem(
                "--mqtt",
                expected="HOST:PORT",
                found=repr(given),
                do="For example  --mqtt 127.0.0.1:1883",
                exit_code=Exit.USAGE,
            )
        password = os.environ.get(PASSWORD_VARIABLE)
        return cls(host=host.strip("[]"), port=int(port), username=username, password=password)

    @property
    def name(self) -> str:
        """The address as an error names it."""
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class _Message:
    topic: str
    payload: bytes
    retain: bool
    sent: asyncio.Future[None] | None


class MqttPublisher:
    """Publishes in order, and connects again by itself for ever."""

    def __init__(self, broker: Broker) -> None:
        """Know the broker; `run` connects."""
        self._broker = broker
        self._queue: asyncio.Queue[_Message] = asyncio.Queue(QUEUE_MAX)
        self._connected = False

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish and return when it was sent. Raises SimProblem if that takes too long."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PUBLISH_WITHIN_S):
                await self._queue.put(_Message(topic, payload, retain, sent))
                await sent
        except TimeoutError:
            raise SimProblem(
                f"the broker {self._broker.name}",
                expected=f"that it takes a message within {PUBLISH_WITHIN_S:.0f} s",
                found="no connection" if not self._connected else "no answer",
                do="Start the broker; the simulator connects again by itself.",
                exit_code=Exit.UNREACHABLE,
            ) from None

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish if there is a connection; otherwise the message is lost, as it is in reality."""
        if self._connected and not self._queue.full():
            self._queue.put_nowait(_Message(topic, payload, retain, None))

    async def run(self) -> None:
        """Keep a connection and publish what is queued; for ever."""
        pause = RETRY_FIRST_S
        while True:
            try:
                async with aiomqtt.Client(
                    self._broker.host,
                    self._broker.port,
                    username=self._broker.username,
                    password=self._broker.password,
                    will=aiomqtt.Will(_BRIDGE, _OFFLINE, qos=1, retain=True),
                    protocol=aiomqtt.ProtocolVersion.V5,  # the demo's second broker knows no other
                    timeout=ANSWER_WITHIN_S,
                ) as client:
                    await client.publish(_BRIDGE, _ONLINE, qos=1, retain=True)
                    pause = RETRY_FIRST_S
                    self._connected = True
                    await self._serve(client)
            except* aiomqtt.MqttError:
                pass
            finally:
                self._connected = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MAX_S)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Publish until the connection ends; without the reading side that would show at the next message."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drain(client))
            async for _ in client.messages:
                pass  # nothing was subscribed to

    async def _drain(self, client: aiomqtt.Client) -> None:
        while True:
            message = await self._queue.get()
            if message.sent is not None and message.sent.done():
                continue  # whoever asked for it gave up
            await client.publish(message.topic, message.payload, qos=0, retain=message.retain)
            if message.sent is not None and not message.sent.done():
                message.sent.set_result(None)


class NoBroker:
    """Stands where no broker was given: what devices say is not heard, what somebody does is refused."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Refuse."""
        raise SimProblem(
            topic,
            expected="a broker to publish to",
            found="none: the simulator was started without --mqtt",
            do="Start it with  --mqtt HOST:PORT",
            exit_code=Exit.UNREACHABLE,
        )

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Say nothing to nobody."""
