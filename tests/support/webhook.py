"""A receiver of webhooks: it records what comes, and answers, refuses or hangs as the test says.

The signature is checked as the documentation says, apart from the code that makes it: HMAC-SHA256 with the
shared secret over the timestamp, a full stop and the body as sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

SECRET = "a-shared-secret-of-the-tests"
FRESH_S = 300.0
"""A timestamp further off than this is refused."""


@dataclass(frozen=True, slots=True)
class Received:
    """One POST."""

    key: str
    document: dict[str, Any]
    body: bytes
    headers: dict[str, str]
    at_s: float


@dataclass
class Receiver:
    """Where webhooks go. `mood` may be changed at any time."""

    url: str = ""
    mood: Literal["answers", "refuses", "hangs"] = "answers"
    received: list[Received] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    """Keys of those that it has confirmed."""
    forged: list[str] = field(default_factory=list)
    """What was wrong with requests that a careful receiver would refuse."""
    hanging: int = 0
    """Requests that wait for an answer now."""
    clock_is_right: bool = True

    def about(self, alert: str) -> list[Received]:
        """Give what came about an alert."""
        return [each for each in self.received if each.document["alert"] == alert]

    async def take(self, request: web.Request) -> web.Response:
        """Take one POST."""
        body = await request.read()
        stamp, sent = request.headers["velgate-timestamp"], request.headers["velgate-signature"]
        wanted = "v1=" + hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, sent):
            self.forged.append("signature")
        if self.clock_is_right and abs(time.time() - int(stamp)) > FRESH_S:
            self.forged.append("timestamp")
        self.received.append(
            Received(
                request.headers["idempotency-key"],
                json.loads(body),
                body,
                dict(request.headers),
                time.monotonic(),
            )
        )
        while self.mood == "hangs":
            self.hanging += 1
            try:
                await asyncio.sleep(0.02)
            finally:
                self.hanging -= 1
        if self.mood != "answers":
            return web.Response(status=500)
        self.answered.add(request.headers["idempotency-key"])
        return web.Response(status=204)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver on a free loopback port."""
    takes = Receiver()
    app = web.Application()
    app.router.add_post("/hook", takes.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    takes.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield takes
    finally:
        takes.mood = "answers"
        await runner.cleanup()


def channel(takes: Receiver, **more: Any) -> dict[str, Any]:
    """Write the settings of a channel `hook` that leads there."""
    return {
        "channel": {"hook": {"kind": "webhook", "url": takes.url, **more}},
        "secrets": {"channel": {"hook": {"secret": SECRET}}},
    }
