"""The signed webhook against a real server that takes, refuses, hangs, drips, redirects or is not there."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.alerts.channels.base import ChannelDown, Message
from gateway.alerts.channels.configured import configured_channels
from gateway.alerts.channels.http import Url
from gateway.alerts.channels.mqtt import MqttChannel
from gateway.alerts.channels.webhook import WebhookChannel
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.alerts.wording import message
from gateway.model.catalogue import shipped
from support.alarm_cases import after, at, call
from support.alarm_house import VirtualClock
from support.rule_house import home_settings

SECRET = b"en god hemmelighed"


@dataclass
class Receiver:
    """A server that does as it is told, and keeps what came."""

    port: int = 0
    does: str = "200"
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        self.got.append(
            ({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        match self.does:
            case "hang":
                await self.leave.wait()
                return web.Response()
            case "redirect":
                return web.Response(
                    status=302, headers={"location": f"http://127.0.0.1:{self.port}/elsewhere"}
                )
            case "large":
                return web.Response(headers={"x-filler": "x" * 7000}, body=b"x" * 200_000)
            case status:
                return web.Response(status=int(status), text="tak")


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Run a server on a free port."""
    here = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", here.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    here.port = runner.addresses[0][1]
    try:
        yield here
    finally:
        here.leave.set()
        await runner.cleanup()


def channel(port: int, **changes: Any) -> WebhookChannel:
    """Make the channel to a port."""
    url = Url.parse(f"http://127.0.0.1:{port}/velgate?home=solhjem")
    usual: dict[str, Any] = {
        "name": "nurse-call",
        "url": url,
        "secret": SECRET,
        "clock": VirtualClock(),
        "timeout": timedelta(seconds=2),
    }
    return WebhookChannel(**usual | changes)


def telling(*, short: bool = False) -> Message:
    """Make a message about a press."""
    alert = after(None, call())
    row = row_for(alert, Address("channel:nurse-call", "nurse-call"), at(0))
    return message(row, alert, at(1), short=short, language="da", words=shipped())


async def test_what_is_posted_can_be_checked_and_told_from_a_repeat() -> None:
    """Signature over timestamp and body; the key is that of the notification."""
    async with receiver() as server:
        assert await channel(server.port).send(telling()) == "delivered"
        ((headers, body),) = server.got
        assert headers["content-type"] == "application/json"
        assert headers["idempotency-key"] == telling().key
        assert headers["host"] == f"127.0.0.1:{server.port}"
        stamp = headers["velgate-timestamp"]
        wanted = hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["velgate-signature"] == f"v1={wanted}"
        document = orjson.loads(body)
        assert document["schema"] == "velgate/notification/1"
        assert document["text"]["da"] == "Kald – Bolig 12. Gå til boligen."
        assert document["id"] == telling().key
        assert document["to"] == "channel:nurse-call"


async def test_a_channel_out_of_the_home_says_place_and_urgency_only() -> None:
    """No kind, no rule, no device, no person."""
    async with receiver() as server:
        await channel(server.port, short=True).send(telling(short=True))
        document = orjson.loads(server.got[0][1])
        assert document["text"] == {"da": "Bolig 12: Haster", "en": "Bolig 12: Urgent"}
        assert set(document) == {
            *("schema", "id", "about", "time", "clock", "alert", "rev", "priority", "label"),
            *("test", "text", "language", "repeated"),
        }


@pytest.mark.parametrize("status", ["201", "204", "299"])
async def test_any_status_of_the_200s_is_taken_as_received(status: str) -> None:
    """The receiver has it."""
    async with receiver() as server:
        server.does = status
        assert await channel(server.port).send(telling()) == "delivered"


@pytest.mark.parametrize("status", ["400", "401", "404", "413", "429", "500", "503"])
async def test_any_other_status_is_tried_again(status: str) -> None:
    """With its number as the reason."""
    async with receiver() as server:
        server.does = status
        with pytest.raises(ChannelDown, match=f"status {status}"):
            await channel(server.port).send(telling())


async def test_a_redirect_is_not_followed() -> None:
    """Whoever answers there is not who was configured."""
    async with receiver() as server:
        server.does = "redirect"
        with pytest.raises(ChannelDown, match="302"):
            await channel(server.port).send(telling())
        assert len(server.got) == 1


async def test_a_receiver_that_hangs_is_left_when_the_time_is_up() -> None:
    """Cancelling closes the connection; nothing stays behind."""
    async with receiver() as server:
        server.does = "hang"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await channel(server.port).send(telling())
        assert len(asyncio.all_tasks()) <= 3


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    """Its status is enough."""
    async with receiver() as server:
        server.does = "large"
        assert await channel(server.port).send(telling()) == "delivered"


async def test_a_server_that_talks_nonsense_or_hangs_up_is_down() -> None:
    """Not HTTP, half an answer, none at all."""
    answers = [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 9\r\n\r\n", b"\x00" * 100]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[0])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    visited = 0
    while answers:
        with pytest.raises(ChannelDown):
            await channel(port).send(telling())
        answers.pop(0)
        visited += 1
    server.close()
    assert visited == 5


async def test_nobody_there() -> None:
    """Refused connection, unknown name: down, with a reason and without the secret."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ChannelDown, match="refused"):
        await channel(port).send(telling())
    nowhere = Url.parse("http://no-such-host.invalid/")
    with pytest.raises(ChannelDown, match="no connection"):
        await channel(1, url=nowhere).send(telling())
    assert "hemmelighed" not in repr(channel(1))


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "https://user:secret@host/", "mailto:a@b"])
async def test_a_channel_that_is_configured_wrong_says_so_at_each_attempt(url: str) -> None:
    """It must be heard of, and stop nothing else."""
    settings = home_settings({"channel": {"wrong": {"kind": "webhook", "url": url}}})
    made = configured_channels(settings, VirtualClock(), None)["wrong"]
    with pytest.raises(ChannelDown, match="its url is not"):
        await made.send(telling())


async def test_the_channels_of_a_configuration() -> None:
    """Webhook with its secret; MQTT by the home's own broker, if there is one."""
    settings = home_settings(
        {
            "channel": {
                "nurse": {
                    "kind": "webhook",
                    "url": "https://nurse.example/x",
                    "secret": "s3cret",
                    "detail": "short",
                },
                "pager": {"kind": "mqtt"},
                "other": {"kind": "mqtt", "options": {"topic": "house/pager"}},
            }
        }
    )
    published: list[tuple[str, bytes]] = []

    async def publish(topic: str, payload: bytes) -> None:
        published.append((topic, payload))
        if topic == "house/pager":
            raise ConnectionError

    made = configured_channels(settings, VirtualClock(), publish)
    nurse, pager = made["nurse"], made["pager"]
    assert isinstance(nurse, WebhookChannel)
    assert (nurse.url.host, nurse.url.port, nurse.short, nurse.secret) == (
        "nurse.example",
        443,
        True,
        b"s3cret",
    )
    assert isinstance(pager, MqttChannel)
    assert await pager.send(telling()) == "sent"
    assert published[0][0] == "velgate/v1/kommune-a/solhjem/notice/pager"
    assert orjson.loads(published[0][1])["alert"] == "0190-alert-1"
    with pytest.raises(ChannelDown, match="ConnectionError"):
        await made["other"].send(telling())
    with pytest.raises(ChannelDown, match="no broker"):
        await configured_channels(settings, VirtualClock(), None)["pager"].send(telling())
