"""An MQTT client for listening: nothing is acknowledged before it is kept.

aiomqtt acknowledges a message when it is read from the socket. The paho client inside it can leave that
to us (`manual_ack_set`, `ack`); this file is the only one that reaches for it.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.settings.models import Mqtt

KEEPALIVE_S = 15  # a broker that hangs is noticed after at most twice this
SESSION_S = 86_400  # the broker keeps what came meanwhile for a gateway that was away this long
UNACKNOWLEDGED_MAX = 64  # QoS 1 messages on their way at once (MQTT 5 "Receive Maximum")
ANSWER_WITHIN_S = 3.0  # connecting, and each answer of the broker; twice this bounds a stop while connecting
WAITING_MAX = 10_000  # QoS 0 messages read and not yet taken; what comes beyond is counted and dropped


class Incoming(asyncio.Queue[aiomqtt.Message]):
    """Messages read and not yet taken. Bounded for QoS 0; QoS 1 is bounded by the broker's window.

    A message of QoS 1 is always let in: dropped here, it would be lost until the next connection.
    """

    dropped = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Take one message. Raises QueueFull for one of QoS 0 where too many wait."""
        if item.qos == 0 and self.qsize() >= WAITING_MAX:
            self.dropped += 1
            raise asyncio.QueueFull
        super().put_nowait(item)


class Listener(aiomqtt.Client):
    """One connection: MQTT 5, a session that the broker keeps, acknowledgements by hand."""

    def __init__(self, mqtt: Mqtt, *, identifier: str, tls: ssl.SSLContext | None) -> None:
        """Prepare a connection with the broker of the settings; `identifier` names the kept session."""
        connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connect.SessionExpiryInterval = SESSION_S
        connect.ReceiveMaximum = UNACKNOWLEDGED_MAX
        super().__init__(
            mqtt.host or "",
            mqtt.port,
            username=mqtt.username,
            password=mqtt.password.get_secret_value() if mqtt.password else None,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=connect,
            queue_type=Incoming,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_WITHIN_S,
            tls_context=tls,
        )
        self._client.connect_timeout = ANSWER_WITHIN_S
        self._client.manual_ack_set(True)

    async def __aenter__(self) -> Self:
        """Connect. Raises MqttError. Leaves no half-open connection behind, also when cancelled.

        aiomqtt connects in a thread, which cannot be cancelled: a cancellation waits for it.
        """
        entering = asyncio.ensure_future(super().__aenter__())
        try:
            await asyncio.shield(entering)
        except BaseException:
            await asyncio.wait((entering,))
            self._client.disconnect()
            if not entering.cancelled():
                entering.exception()  # seen: it is raised already, or a cancellation goes before it
            raise
        return self

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Tell the broker that a message is kept. Where the link is gone it will come again."""
        if message.qos:
            self._client.ack(message.mid, message.qos)

    async def listen_to(self, filters: list[str]) -> list[tuple[str, str]]:
        """Subscribe at QoS 1; give the filters that the broker refused, with its reason."""
        if not filters:
            return []
        answers: list[Any] = list(await self.subscribe([(one, 1) for one in filters]))
        return [
            (one, str(answer))
            for one, answer in zip(filters, answers, strict=True)
            if isinstance(answer, ReasonCode) and answer.is_failure
        ]

    @property
    def dropped(self) -> int:
        """How many messages of QoS 0 were dropped because too many waited."""
        queue = self._queue
        return queue.dropped if isinstance(queue, Incoming) else 0


def tls_context(mqtt: Mqtt) -> ssl.SSLContext | None:
    """Make the TLS context that the settings ask for; reads files, so not on the loop.

    Raises OSError (ssl.SSLError among them) where the file of authorities cannot be used.
    """
    if not mqtt.tls:
        return None
    return ssl.create_default_context(cafile=mqtt.ca_file)
