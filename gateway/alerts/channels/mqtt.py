"""MQTT as a way to tell: a message a topic, for a nurse-call system or a pager on the home's own broker.

The alert itself is published by the outlet (contract: `alert/{alert}`); this is the telling, which stops
when somebody has taken it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import orjson

from gateway.alerts.channels.base import ChannelDown, Message, Taken

Publish: TypeAlias = Callable[[str, bytes], Awaitable[None]]
"""Publishes at QoS 1, not retained, and returns when the broker has it. Raises OSError where it cannot."""


@dataclass(frozen=True, kw_only=True)
class MqttChannel:
    """A topic of the broker."""

    name: str
    topic: str
    publish: Publish
    timeout: timedelta
    short: bool = False
    knows_key: bool = True

    async def send(self, message: Message) -> Taken:
        """Publish it; whether anybody listens no broker tells."""
        try:
            await self.publish(self.topic, orjson.dumps(dict(message.document)))
        except OSError as error:
            raise ChannelDown(f"the broker did not take it: {type(error).__name__}") from error
        return "sent"
