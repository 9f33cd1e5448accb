"""Messages of other systems over MQTT, such as Zigbee2MQTT: at least once where the sender uses QoS 1.

A message is acknowledged when it has been taken: an event after its commit (where the disk refuses, or has
not answered in seconds, when its alarm has gone out from memory: held back for longer, it would keep the
broker from handing over the next call), a measurement at once, all in the order received (MQTT 5, 4.6).
Taking overlaps: a commit that hangs delays no other message. What was not acknowledged comes again after a
crash; intake drops what it had already. Senders at QoS 0 can lose a message while the link is down, whatever
is done here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import Literal

import aiomqtt

from gateway.model.clock import Clock
from gateway.model.frames import Message
from gateway.model.together import together
from gateway.model.trouble import TellTrouble, Trouble
from gateway.radio.backoff import Backoff
from gateway.radio.bridges import STATE, Bridges, bridge_topics
from gateway.radio.expects import OnFrame
from gateway.radio.in_hand import IN_HAND_MAX
from gateway.radio.mqtt_client import UNACKNOWLEDGED_MAX, Listener, tls_context
from gateway.radio.mqtt_topics import is_own, wanted
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

NAME = "mqtt-in"
PAUSE_FIRST_S, PAUSE_MAX_S = 0.2, 30.0
TELL_AFTER_S = 20.0  # a broker that restarts is no trouble
REFUSED_KEPT_MAX = 16  # of how many messages it is remembered how often they were refused
REFUSED_MAX = 3  # a message that could not be taken so often is acknowledged and set aside, or it blocks all;
# one of QoS 0 at once, for it never comes again

State = Literal["up", "down", "off"]
Line = asyncio.Queue[tuple[aiomqtt.Message, asyncio.Task[Exception | None]] | Exception | None]
"""Messages to be acknowledged, in order, each with its take; then what ends it."""


class MqttIn:
    """Listens to the broker of the settings for ever."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        on_frame: OnFrame,
        tell: TellTrouble,
        instance: str,
        calls: Callable[[], bool] = lambda: False,
        random: Random | None = None,
        tell_after_s: float = TELL_AFTER_S,
    ) -> None:
        """`instance` is the id of the state folder: the broker keeps a session of that name for us.

        It is not the gateway's name: two gateways with one name would throw each other off for ever.
        `calls` says whether help calls or falls come this way.
        """
        self._clock, self._on_frame, self._tell, self._calls = clock, on_frame, tell, calls
        self._identifier = f"velgate-in-{instance}"
        self._backoff = Backoff(PAUSE_FIRST_S, PAUSE_MAX_S, random or Random())  # noqa: S311  (jitter)
        self._tell_after_s = tell_after_s
        self._down_since: float | None = None
        self._told = False
        self._refused: dict[tuple[str, int], int] = {}
        self._changed = asyncio.Event()
        self._settings = settings
        self._bridges = Bridges(tell, tell_after_s=tell_after_s)
        self.state: State = "off"
        self.reason = ""
        """Why it is down, for the technician; without any secret."""
        self.set_aside = 0
        """Messages that could not be taken and were acknowledged all the same."""

    def reload(self, settings: Settings) -> None:
        """Take new settings: the connection is made anew where they change what it needs."""
        if (settings.mqtt, self._filters(settings)) != (self._settings.mqtt, self._filters(self._settings)):
            self._changed.set()
        self._settings = settings
        self._bridges.keep(bridge_topics(each.topic for each in settings.device.values() if each.topic))

    @staticmethod
    def _filters(settings: Settings) -> list[str]:
        topics = [device.topic for device in settings.device.values() if device.topic]
        return wanted(topics, (*settings.mqtt.subscribe, *bridge_topics(topics)))

    async def run(self) -> None:
        """Connect, listen, and again after each failure. Ends by cancellation, or by an error of `on_frame`.

        After that the same message comes again; the third time it is set aside.
        """
        while True:
            self._changed.clear()
            if not self._settings.mqtt.host or not self._filters(self._settings):
                self.state, self.reason = "off", ""
                self._well()
                await self._changed.wait()
                continue
            try:
                await self._connection()
            except (aiomqtt.MqttError, OSError) as error:
                self._failed(str(error) or type(error).__name__)
                await self._pause(self._backoff.next_s())
            finally:
                self.state = "down" if self.state == "up" else self.state

    async def _connection(self) -> None:
        """Listen over one connection until the settings change. Raises what ended it."""
        settings = self._settings
        tls = await asyncio.to_thread(tls_context, settings.mqtt) if settings.mqtt.tls else None
        client = Listener(settings.mqtt, identifier=self._identifier, tls=tls)
        async with client:
            refused = await client.listen_to(self._filters(settings))
            beside = [topic for topic, _ in refused if topic.endswith(STATE)]
            if beside:  # a broker that lets us hear the devices alone: a bridge's word is no call
                log.warning("MQTT in: the broker lets nobody hear of a bridge on %s", ", ".join(beside))
            refused = [each for each in refused if each[0] not in beside]
            if refused:
                raise aiomqtt.MqttError(
                    "the broker refused " + ", ".join(f"{topic} ({why})" for topic, why in refused)
                )
            self.state, self.reason = "up", ""
            self._backoff.reset()
            self._well()
            await together(self._hear(client))  # a task of its own, for the group in it may fail

    async def _hear(self, client: Listener) -> None:
        """Take what comes, and acknowledge in order what has been taken, until the settings change.

        Raises what ended it. What is in hand then was heard, and is taken all the same.
        """
        line: Line = asyncio.Queue(UNACKNOWLEDGED_MAX)
        ended: Exception | None = None
        async with asyncio.TaskGroup() as takes:
            reading = [
                takes.create_task(self._read(client, takes, line)),
                takes.create_task(self._until_changed(line)),
            ]
            ended = await self._acknowledge(client, line)
            for task in reading:
                task.cancel()
        if ended is not None:
            raise ended

    async def _read(self, client: Listener, takes: asyncio.TaskGroup, line: Line) -> None:
        """Begin to take each message. Only those that are acknowledged stand in line for it.

        So one whose commit hangs keeps no other from being taken, as long as there are hands: those of QoS 0
        never, the others within the broker's window.
        """
        hands = asyncio.Semaphore(IN_HAND_MAX)
        try:
            async for message in client.messages:
                await hands.acquire()
                take = takes.create_task(self._take(message))
                take.add_done_callback(lambda _: hands.release())
                if message.qos:
                    await line.put((message, take))
        except aiomqtt.MqttError as error:
            await line.put(error)

    async def _until_changed(self, line: Line) -> None:
        await self._changed.wait()
        await line.put(None)

    @staticmethod
    async def _acknowledge(client: Listener, line: Line) -> Exception | None:
        """Acknowledge in order; gives what ended it: an error, or None where the settings have changed."""
        while True:
            next_one = await line.get()
            if not isinstance(next_one, tuple):
                return next_one
            message, take = next_one
            refused = await take
            if refused is not None:
                return refused
            client.acknowledge(message)

    async def _take(self, message: aiomqtt.Message) -> Exception | None:
        """Take one message; gives the error of one that is not to be acknowledged, and so comes again."""
        if is_own(str(message.topic)) or self._bridges.hear(str(message.topic), _payload(message.payload)):
            return None
        frame = Message(
            topic=str(message.topic),
            payload=_payload(message.payload),
            retained=bool(message.retain),
            heard=self._clock.now(),
            source=NAME,
        )
        fingerprint = (frame.topic, hash(frame.payload))
        try:
            await self._on_frame(frame)
        except Exception as error:  # given back, but for the third time: it must not block all that follow
            times = self._refused.pop(fingerprint, 0) + 1
            if message.qos and times < REFUSED_MAX:
                self._refused[fingerprint] = times
                while len(self._refused) > REFUSED_KEPT_MAX:
                    del self._refused[next(iter(self._refused))]
                return error
            self.set_aside += 1
            log.exception("a message on %s could not be taken, and is set aside", frame.topic)
        else:
            self._refused.pop(fingerprint, None)
        return None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _failed(self, reason: str) -> None:
        now = asyncio.get_running_loop().time()
        if self.state != "down" or self.reason != reason:
            log.warning("MQTT in: %s", reason)
        self.state, self.reason = "down", reason
        if self._down_since is None:
            self._down_since = now
        if not self._told and now - self._down_since >= self._tell_after_s:
            self._told = True
            self._bridges.forget()  # the broker's word about them is retained: it comes again
            mqtt = self._settings.mqtt
            self._tell(
                Trouble(
                    kind="source.down",
                    subject=NAME,
                    present=True,
                    calls_unheard=self._calls(),
                    detail=f"No messages from the broker {mqtt.host}:{mqtt.port}: {reason}.",
                )
            )

    def _well(self) -> None:
        self._down_since = None
        if self._told:
            self._told = False
            self._tell(Trouble(kind="source.down", subject=NAME, present=False))


def _payload(payload: object) -> bytes:
    if isinstance(payload, bytes | bytearray):
        return bytes(payload)
    return str(payload or "").encode()
