"""What the tests of the contract have in common: one demo, asked by every door it has."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import aiomqtt
import orjson
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from support.eventually import WITHIN_S, eventually
from support.mosquitto import until_marker
from support.simulator import Simulator
from support.whole_house import Demo, velgate

ROOT = "velgate/v1/demo/home"
ANSWERS = "answers/of-the-tests"


def now(offset_s: float = 0) -> str:
    """Write the time, some seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=offset_s)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The command line


def cli(demo: Demo, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command as a script beside the demo would: nothing is a terminal, `typed` comes by a pipe."""
    own = {
        "VELGATE_STATE": demo.state,
        "VELGATE_CONFIG": demo.ready["config"],
        "DBUS_SYSTEM_BUS_ADDRESS": demo.ready["bus"],
    }
    done = velgate(*words, input=typed, env=os.environ | own)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def data(demo: Demo, *words: str) -> Any:
    """Run a command with `--json`, which must succeed, and give its one document."""
    done = cli(demo, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, done.stdout
    return json.loads(done.stdout)


def sim(demo: Demo, device: str, action: str = "press", value: str | None = None) -> None:
    """Act on a simulated device, as `velgate-sim do` does and without the time a program takes to start."""
    Simulator(demo.process, demo.ready).do(device, action, value)


# HTTP


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.text)

    def problem(self) -> str:
        """Give the code of a refusal, after looking at its form (RFC 9457)."""
        found = self.json
        assert self.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= found.keys()
        assert (found["type"], found["status"]) == ("about:blank", self.status)
        assert found["title"]
        assert found["detail"]
        code: str = found["code"]
        return code


class Door:
    """One way in: the socket, or TCP with whatever cookies and headers it has come to have."""

    def __init__(self, demo: Demo, client: aiohttp.ClientSession, base: str) -> None:
        """Use `socket`, `browser` or `bearer`."""
        self.demo, self.client, self.base = demo, client, base

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask once; nothing is followed."""
        given = None if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.client.request(
            method, f"{self.base}{path}", data=given, headers=headers, allow_redirects=False
        ) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.text())

    async def get(self, path: str, **headers: str) -> Answer:
        """Look."""
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """Do."""
        return await self.ask("POST", path, {} if body is None else body, **headers)

    async def act(self, alert: str, action: str, **fields: object) -> Answer:
        """Do something about an alert."""
        return await self.post(f"/api/v1/alerts/{alert}/{action}", fields)

    @asynccontextmanager
    async def stream(self, path: str = "/api/v1/stream", **headers: str) -> AsyncIterator[Stream]:
        """Listen to the event stream for the length of the block."""
        async with self.client.get(f"{self.base}{path}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            yield Stream(answer)


class Stream:
    """Server-sent events as they come."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        """Read what follows."""
        self._content = answer.content

    async def next(
        self, *names: str, within_s: float = WITHIN_S, **wanted: object
    ) -> tuple[str, int | None, Any]:
        """Give the next event of these names whose data has these values: name, id, data."""
        async with asyncio.timeout(within_s):
            while True:
                name, number, found = await self._event()
                if name in names and wanted.items() <= found.items():
                    return name, number, found

    async def _event(self) -> tuple[str, int | None, Any]:
        fields: dict[str, str] = {}
        while True:
            line = (await self._content.readline()).decode()
            assert line, "the stream ended"
            if line.strip():
                key, _, value = line.rstrip("\n").partition(": ")
                fields[key] = value
            elif "event" in fields:
                number = int(fields["id"]) if "id" in fields else None
                return fields["event"], number, json.loads(fields["data"])
            else:
                fields = {}


@asynccontextmanager
async def socket(demo: Demo) -> AsyncIterator[Door]:
    """Come by the Unix socket, as the CLI does."""
    async with demo.client() as client:
        yield Door(demo, client, "http://velgate")


@asynccontextmanager
async def browser(demo: Demo, *, signed_in: bool = True) -> AsyncIterator[Door]:
    """Come over TCP, signed in as the ready line says."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        door = Door(demo, client, demo.ready["board"].rstrip("/"))
        if signed_in:
            answer = await door.post("/api/v1/session", demo.ready["sign_in"])
            assert answer.status == 204, answer.text
        yield door


@asynccontextmanager
async def bearer(demo: Demo, token: str) -> AsyncIterator[Door]:
    """Come over TCP with a token."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        yield Door(demo, client, demo.ready["board"].rstrip("/"))


# Alerts


@asynccontextmanager
async def calling(demo: Demo, device: str = "kald-01", *words: str) -> AsyncIterator[dict[str, Any]]:
    """Have a device raise an alert (a press, if nothing else is said); gone again after the block."""
    sim(demo, device, *words)

    async def kept() -> dict[str, Any] | None:
        found = [each for each in await demo.alerts() if each["device"] == device and each["durable"]]
        assert len(found) <= 1, found
        return found[0] if found else None

    alert = await eventually(kept)
    assert alert is not None
    try:
        yield alert
    finally:
        await close_all(demo)


async def close_all(demo: Demo) -> None:
    """Close whatever residents' alerts are open."""
    async with socket(demo) as door:
        for each in await demo.alerts():
            answer = await door.act(each["id"], "resolve", by="demo", outcome="checked", presence=True)
            assert answer.status == 200, answer.text


async def current(demo: Demo, alert: str) -> dict[str, Any]:
    """Give an alert as it stands."""
    found: dict[str, Any] = await demo.get(f"/api/v1/alerts/{alert}")
    return found


# MQTT


def user_properties(message: aiomqtt.Message) -> dict[str, str]:
    """Give the user properties of a message."""
    return dict(getattr(message.properties, "UserProperty", ()))


async def retained(demo: Demo, *topics: str) -> dict[str, aiomqtt.Message]:
    """Give what the broker retains below the root, by its topic without the root."""
    found: dict[str, aiomqtt.Message] = {}
    async with demo.mqtt() as client:
        for topic in topics or ("#",):
            await client.subscribe(f"{ROOT}/{topic}", qos=1)
        async for message in until_marker(client, ANSWERS):
            if message.retain:
                found[str(message.topic).removeprefix(f"{ROOT}/")] = message
    return found


@asynccontextmanager
async def listening(demo: Demo, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    """Hear what is published from now on; what is retained already has been read."""
    async with demo.mqtt() as client:
        for topic in topics:
            await client.subscribe(f"{ROOT}/{topic}", qos=1)
        async for _ in until_marker(client, ANSWERS):
            pass
        yield client


async def heard(client: aiomqtt.Client, topic: str, within_s: float = WITHIN_S) -> aiomqtt.Message:
    """Wait for a message on one topic below the root."""
    async with asyncio.timeout(within_s):
        async for message in client.messages:
            if str(message.topic) == f"{ROOT}/{topic}":
                return message
    raise AssertionError("the stream of messages ended")


class Commander:
    """Sends commands to alerts, and waits for their answers."""

    def __init__(self, client: aiomqtt.Client) -> None:
        """The client has subscribed to ANSWERS."""
        self._client = client
        self._count = 0

    async def send(
        self, alert: str, body: object, *, retain: bool = False
    ) -> tuple[int, dict[str, Any], aiomqtt.Message]:
        """Send one; gives status, document and the message that brought them."""
        self._count += 1
        about = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        about.ResponseTopic = ANSWERS
        about.CorrelationData = correlation = b"question %d" % self._count
        payload = body if isinstance(body, bytes) else orjson.dumps(body)
        topic = f"{ROOT}/alert/{alert}/command"
        await self._client.publish(topic, payload, qos=1, retain=retain, properties=about)
        async with asyncio.timeout(WITHIN_S):
            message = await anext(self._client.messages)
        assert getattr(message.properties, "CorrelationData", None) == correlation
        assert isinstance(message.payload, bytes)
        return int(user_properties(message)["status"]), orjson.loads(message.payload), message


@asynccontextmanager
async def commander(demo: Demo) -> AsyncIterator[Commander]:
    """Connect one."""
    async with demo.mqtt() as client:
        await client.subscribe(ANSWERS, qos=1)
        yield Commander(client)


def keys_of(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Give the keys that errors of `invalid` name."""
    return {str(row["key"]) for row in rows}
