"""A connection to the broker that tells a refused publish from a taken one.

aiomqtt 2.5 returns from `publish` as if it had worked when the broker's PUBACK says *not authorized*. An
outlet that moves its cursor on that loses data in silence, so the reason code is looked at here. This is
the one file that reaches into aiomqtt's client.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Protocol

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.outlets.outcome import OutletDown
from gateway.settings.models import Mqtt

KEEPALIVE_S = 15
CONNECT_TIMEOUT_S = 10.0
WILL_DELAY_S = 1
REFUSED_FOR_GOOD = frozenset({0x87, 0x90, 0x95, 0x99})
"""Not authorized, topic name invalid, packet too large, payload format invalid (MQTT 5, section 3.4.2.1)."""


class PublishRefused(Exception):
    """The broker will not take this message; `reason` is its word."""

    def __init__(self, reason: str) -> None:
        """Keep the broker's word."""
        super().__init__(reason)
        self.reason = reason


class Link(aiomqtt.Client):
    """aiomqtt's client with publishes that are confirmed by their reason code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what aiomqtt takes."""
        self._unconfirmed: dict[int, asyncio.Future[ReasonCode]] = {}
        super().__init__(*args, **kwargs)

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """Publish at QoS 1 and wait for the PUBACK.

        Raises PublishRefused where the broker refuses for good, OutletDown where it cannot now.
        """
        info = self._client.publish(topic, payload, 1, retain, properties)
        if info.rc != MQTT_ERR_SUCCESS:
            raise OutletDown(f"the broker is not connected (code {info.rc})")
        confirmed: asyncio.Future[ReasonCode] = asyncio.get_running_loop().create_future()
        self._unconfirmed[info.mid] = confirmed
        try:
            await asyncio.wait((confirmed, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._unconfirmed.pop(info.mid, None)
        if not confirmed.done():
            confirmed.cancel()
            raise OutletDown("the connection to the broker broke before it confirmed")
        reason = confirmed.result()
        if reason.is_failure:
            if reason.value in REFUSED_FOR_GOOD:
                raise PublishRefused(str(reason))
            raise OutletDown(f"the broker answered: {reason}")

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        confirmed = self._unconfirmed.get(mid)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._disconnected.done()

    async def lost(self) -> None:
        """Wait until the connection is gone."""
        await asyncio.wait((self._disconnected,))


class LinkTo(Protocol):
    """Makes a link; `link_to` is one."""

    def __call__(self, settings: Mqtt, *, identifier: str, will: aiomqtt.Will | None = None) -> Link:
        """Make it, not yet connected."""
        ...


def link_to(settings: Mqtt, *, identifier: str, will: aiomqtt.Will | None = None) -> Link:
    """Make the (not yet connected) link that the configuration asks for."""
    context = None
    if settings.tls:
        context = ssl.create_default_context(cafile=settings.ca_file)
    connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    connect.SessionExpiryInterval = 0
    link = Link(
        settings.host or "localhost",
        settings.port,
        identifier=identifier,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        protocol=aiomqtt.ProtocolVersion.V5,
        will=will,
        keepalive=KEEPALIVE_S,
        timeout=CONNECT_TIMEOUT_S,
        tls_context=context,
        max_inflight_messages=20,
        properties=connect,
        clean_start=True,
    )
    link.pending_calls_threshold = 1000
    return link


def will_of(topic: str, payload: bytes, schema: str) -> aiomqtt.Will:
    """Make the retained will that tells subscribers that this gateway is gone."""
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.WillDelayInterval = WILL_DELAY_S
    properties.ContentType = "application/json"
    properties.UserProperty = [("schema", schema)]
    return aiomqtt.Will(topic, payload, qos=1, retain=True, properties=properties)


def properties_of(schema: str | None, *, expiry_s: int | None = None) -> Properties:
    """Make the properties every message of ours carries."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    if schema:
        properties.UserProperty = [("schema", schema)]
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    return properties
