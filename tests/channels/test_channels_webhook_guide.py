"""The receiver of the guide, as it stands there, against what the webhook really sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from gateway.alerts.channels.http import Url
from gateway.alerts.channels.trial import trial_message, try_channel
from gateway.alerts.channels.webhook import WebhookChannel
from gateway.health.clock import SystemClock
from gateway.model.catalogue import shipped
from support.doc_pages import DOCS, blocks
from support.services import Got, web_service
from support.telling import FULL, telling

SECRET = b"en god hemmelighed"


def receiver() -> Callable[..., Any]:
    """Take the function out of the guide."""
    (block,) = [each for each in blocks("python") if each.page == DOCS / "how-to" / "webhook.md"]
    names: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), names)  # noqa: S102  (our own guide)
    found: Callable[..., Any] = names["received"]
    return found


async def posted(*, secret: bytes | None = SECRET, times: int = 1) -> list[Got]:
    """Let the channel post, and give what came."""
    async with web_service() as web:
        url = Url.parse(f"http://127.0.0.1:{web.port}/velgate")
        channel = WebhookChannel(
            name="hook", url=url, secret=secret, clock=SystemClock(), timeout=timedelta(seconds=30)
        )
        for _ in range(times):
            assert await channel.send(telling()) == "delivered"
        return web.got


def test_what_the_gateway_sends_is_believed_once() -> None:
    """And its repeat, under the same id, is known as one."""
    first, again = asyncio.run(posted(times=2))
    received, seen = receiver(), dict[str, float]()
    notification = received(first.headers, first.body, SECRET, seen)
    assert notification["text"]["da"] == FULL
    assert notification["id"] == first.headers["idempotency-key"]
    assert received(again.headers, again.body, SECRET, seen) is None
    assert received(again.headers, again.body, SECRET, {}) == notification | {
        "time": orjson.loads(again.body)["time"]
    }


def test_whatever_was_changed_is_not_believed() -> None:
    """Body, timestamp, signature, secret; and nothing of it is remembered."""
    (got,) = asyncio.run(posted())
    received, seen = receiver(), dict[str, float]()
    stamp = got.headers["velgate-timestamp"]
    changed = [
        (got.headers, got.body.replace(b"Bolig", b"Kontor"), SECRET),
        (got.headers | {"velgate-timestamp": str(int(stamp) + 1)}, got.body, SECRET),
        (got.headers | {"velgate-signature": "v1=" + "0" * 64}, got.body, SECRET),
        (got.headers | {"velgate-signature": "æ"}, got.body, SECRET),
        (got.headers, got.body, b"en anden"),
        ({}, got.body, SECRET),
    ]
    for headers, body, secret in changed:
        with pytest.raises(ValueError, match="signature"):
            received(headers, body, secret, seen)
    assert seen == {}


def test_what_was_recorded_and_is_played_back_is_not_believed() -> None:
    """Neither old nor ahead; and within five minutes its id is known."""
    (got,) = asyncio.run(posted())
    received, seen = receiver(), dict[str, float]()
    at = int(got.headers["velgate-timestamp"])
    for now in (at + 301, at - 301):
        with pytest.raises(ValueError, match="too old"):
            received(got.headers, got.body, SECRET, seen, now=now)
    assert received(got.headers, got.body, SECRET, seen, now=at + 200) is not None
    assert received(got.headers, got.body, SECRET, seen, now=at + 299) is None
    with pytest.raises(ValueError, match="too old"):
        received(got.headers, got.body, SECRET, seen, now=at + 900)


def test_without_a_secret_nothing_is_signed_and_nothing_believed() -> None:
    """A receiver that checks refuses it."""
    (got,) = asyncio.run(posted(secret=None))
    assert "velgate-signature" not in got.headers
    with pytest.raises(ValueError, match="signature"):
        receiver()(got.headers, got.body, SECRET, {})


def test_a_trial_is_signed_like_any_other_and_says_that_it_is_one() -> None:
    """No alert hangs on it."""

    async def tried() -> Got:
        async with web_service() as web:
            url = Url.parse(f"http://127.0.0.1:{web.port}/velgate")
            clock = SystemClock()
            channel = WebhookChannel(
                name="hook", url=url, secret=SECRET, clock=clock, timeout=timedelta(seconds=30)
            )
            message = trial_message(clock.now(), house="Solhjem", language="da", words=shipped())
            assert (await try_channel(channel, message, clock)).document()["state"] == "delivered"
            return web.got[0]

    got = asyncio.run(tried())
    trial = receiver()(got.headers, got.body, SECRET, {})
    assert (trial["schema"], trial["test"]) == ("velgate/trial/1", True)
    assert trial["text"]["da"] == "PRØVE – besked fra Solhjem. Der skal ikke gøres noget."
    assert "alert" not in trial
