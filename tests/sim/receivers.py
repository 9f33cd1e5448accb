"""Who is told outside the page: pager and SMS gateway, by the real webhook over a simulated network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import orjson

from gateway.alerts.channels.base import Channel
from gateway.alerts.channels.configured import configured_channels
from gateway.alerts.channels.http import HttpFailed, Url
from gateway.alerts.channels.webhook import WebhookChannel
from gateway.settings.models import Settings
from sim.trace import Trace
from sim.wires import Leaving, Wires


@dataclass
class Receiver:
    """How one receiver is at present."""

    fails: bool = False
    hangs: bool = False
    takes_and_dies: float = 0.0
    slow_s: float = 0.05


@dataclass
class Receivers:
    """All of them, by channel. They outlive every life of the gateway."""

    trace: Trace
    leaving: Leaving
    random: Random
    each: dict[str, Receiver] = field(default_factory=dict)

    def channels(self, wires: Wires, settings: Settings, *given: Any, **more: Any) -> Mapping[str, Channel]:
        """Make the channels of a configuration, webhooks over this network."""
        made = configured_channels(settings, *given, **more)
        return {
            name: replace(channel, post=partial(self._post, wires, name))
            if isinstance(channel, WebhookChannel)
            else channel
            for name, channel in made.items()
        }

    async def _post(
        self, wires: Wires, name: str, url: Url, headers: Mapping[str, str], body: bytes, **_: object
    ) -> int:
        receiver = self.each.setdefault(name, Receiver())
        told = orjson.loads(body)
        if not wires.live:
            await wires.for_ever()
        telling = self.trace.note(
            "telling",
            channel=name,
            alert=told["alert"],
            about=told["about"],
            rev=told["rev"],
            key=headers["idempotency-key"],
            life=wires.number,
        )
        self.leaving.note(name, url.target.encode(), body, *(value.encode() for value in headers.values()))
        await wires.takes(0.0, receiver.slow_s)
        if not wires.live or receiver.hangs:
            await wires.for_ever()
        if receiver.fails:
            await asyncio.sleep(0)
            raise HttpFailed("no connection: Connection refused")
        self.trace.note("told", channel=name, alert=told["alert"], about=told["about"], key=telling["key"])
        if self.random.random() < receiver.takes_and_dies:
            self.trace.fault("receiver_died_after_taking", channel=name)
            raise HttpFailed("no answer: the connection was closed")
        return 204
