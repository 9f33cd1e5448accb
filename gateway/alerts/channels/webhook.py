"""A signed webhook: the receiver can tell that it comes from this gateway, is fresh, and is no repeat.

Headers of each POST (the body is JSON, schema `velgate/notification/1`, UTF-8):

- `Velgate-Timestamp`: Unix seconds at which it was sent.
- `Velgate-Signature`: `v1=` and HMAC-SHA256 in hexadecimal, with the shared secret as key, over the
  timestamp, a full stop, and the body as sent. Only where a secret is configured.
- `Idempotency-Key`: the same for each attempt at the same message; one that was seen before is a repeat.

A receiver should refuse a timestamp more than five minutes off; a gateway whose clock is not right says
`"clock": "unsynced"` in the body. A status from 200 to 299 is taken as received; all others are tried again.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from gateway.alerts.channels.base import ChannelDown, Message, Taken, lasting
from gateway.alerts.channels.http import HttpFailed, Names, Url, post
from gateway.model.clock import NS, Clock


@dataclass(frozen=True, kw_only=True)
class WebhookChannel:
    """One receiver."""

    name: str
    url: Url
    secret: bytes | None = field(repr=False)
    clock: Clock
    timeout: timedelta
    short: bool = False
    knows_key: bool = True
    tls: Callable[[], ssl.SSLContext | None] = lambda: None
    names: Names = field(default_factory=Names, repr=False)
    post: Callable[..., Awaitable[int]] = field(default=post, repr=False)
    """Sends one request; it is called as `http.post` is."""

    async def send(self, message: Message) -> Taken:
        """Post it once."""
        body = orjson.dumps(dict(message.document))
        stamp = str(self.clock.now().wall_ns // NS)
        headers = {
            "content-type": "application/json",
            "user-agent": "velgate",
            "velgate-timestamp": stamp,
            "idempotency-key": message.key,
        }
        if self.secret is not None:
            headers["velgate-signature"] = signature(self.secret, stamp, body)
        try:
            status = await self.post(self.url, headers, body, names=self.names, tls=self.tls())
        except HttpFailed as failed:
            raise ChannelDown(str(failed)) from failed
        if not 200 <= status < 300:
            raise ChannelDown(f"answered with status {status}", lasting=lasting(status))
        return "delivered"


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """Sign a body: `v1=` and HMAC-SHA256 (RFC 2104) over `stamp.body`."""
    return "v1=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
