"""How long from the BlueZ signal of a press to the event stream of the page, and to an MQTT subscriber.

Presses come at random, some six a second, each a burst as a real button sends it. A press is known again by
its device and its count: alerts that nobody takes count what is pressed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import aiohttp
import aiomqtt
import orjson

from bench.gateway import BUTTONS, Gateway

PRESSES = 150
PRESSES_A_S = 6.0
MISSING_MS = 60_000.0  # what a press counts that never came: no figure survives it

Key = tuple[str, int]
Note = Callable[[Key], None]


async def press(gateway: Gateway, presses: int = PRESSES) -> dict[Key, float]:
    """Press the buttons in turn at random moments; gives when the first frame of each was sent (Unix s)."""
    sent: dict[Key, float] = {}
    draw = random.Random(20261124)
    counts = dict.fromkeys(range(BUTTONS), 0)
    for turn in range(presses):
        button = turn % BUTTONS
        counts[button] += 1
        answer = await asyncio.to_thread(gateway.sim.do, f"kald-{button:02d}", "press")
        sent[f"kald-{button:02d}", counts[button]] = float(answer["sent"])
        await asyncio.sleep(draw.expovariate(PRESSES_A_S))
    return sent


async def until(arrived: Callable[[], bool]) -> None:
    """Wait for the last presses to arrive; gives up after a while, for one may never come."""
    ends = time.monotonic() + 10
    while not arrived() and time.monotonic() < ends:
        await asyncio.sleep(0.1)


def latencies(sent: dict[Key, float], seen: dict[Key, float]) -> list[float]:
    """Give how long each press took (ms); one that never came counts so much that no figure survives it."""
    return [(seen[key] - at) * 1000 if key in seen else MISSING_MS for key, at in sent.items()]


async def measure(gateway: Gateway, *, mqtt: bool, presses: int = PRESSES) -> dict[str, list[float]]:
    """Press, listen, and give the latencies in milliseconds by where they were seen."""
    seen: dict[str, dict[Key, float]] = {"page": {}, "mqtt": {}} if mqtt else {"page": {}}

    def note(where: str) -> Note:
        def first(key: Key) -> None:
            seen[where].setdefault(key, time.time())

        return first

    listeners: list[Awaitable[None]] = [_page(gateway, note("page"))]
    if mqtt:
        listeners.append(_mqtt(gateway, note("mqtt")))
    tasks = [asyncio.ensure_future(each) for each in listeners]
    await asyncio.sleep(1)
    sent = await press(gateway, presses)
    await until(lambda: all(len(each) >= len(sent) for each in seen.values()))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {where: latencies(sent, each) for where, each in seen.items()}


async def committed(gateway: Gateway, tests: int = 60) -> list[float]:
    """Send chain tests, and give how long each took from the event to its commit, fsync included."""
    found: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(gateway.ready["socket"])) as client:
        for turn in range(tests):
            body = {"device": f"kald-{turn % BUTTONS:02d}", "by": "BM"}
            async with client.post("http://gateway/api/v1/alerts/test", json=body) as answer:
                document = await answer.json()
            found += [hop["ms"] for hop in document["hops"] if hop["hop"] == "committed"]
    return found


async def _page(gateway: Gateway, note: Note) -> None:
    """Listen as the staff page does: a stream that was cut off is opened again where it ended."""
    connector = aiohttp.UnixConnector(gateway.ready["socket"])
    timeout = aiohttp.ClientTimeout(total=None)
    last: dict[str, str] = {}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        while True:
            async with client.get("http://gateway/api/v1/stream", headers=last) as stream:
                kind = b""
                async for line in stream.content:
                    if line.startswith(b"id:"):
                        last["Last-Event-ID"] = line[3:].decode().strip()
                    elif line.startswith(b"event:"):
                        kind = line[6:].strip()
                    elif line.startswith(b"data:") and kind == b"alert":
                        alert = orjson.loads(line[5:])
                        if alert["rule"] == "help-call" and not alert["test"]:
                            note((alert["device"], alert["count"]))


async def _mqtt(gateway: Gateway, note: Note) -> None:
    login = gateway.broker.login()
    async with aiomqtt.Client(**login, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("velgate/v1/bench/home/alert/+", qos=1)
        async for message in client.messages:
            if isinstance(message.payload, bytes) and message.payload:
                alert = orjson.loads(message.payload)
                if alert["rule"] == "help-call" and not alert["test"]:
                    note((alert["device"], alert["count"]))
