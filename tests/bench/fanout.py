"""How long from a press to the last of 49 open event streams, and to the cards of one real browser.

The streams come over TCP with a token, as those of other programs do; the browser is Chromium without a
window. It notes the time of each change of a card by itself, by the same clock.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack

import aiohttp

from bench.gateway import TOKEN, Gateway
from bench.latency import Key, latencies, press, until
from support.board_house import PIN
from support.browser import WALL, chromium

STREAMS = 49
ALERT = re.compile(rb'"device":"(kald-\d+)".*"count":(\d+)')

WATCH = """() => {
    window.seen = {};
    const look = () => {
        const now = performance.timeOrigin + performance.now();
        for (const card of document.querySelectorAll('#board .card')) {
            const label = card.querySelector('.label')?.textContent ?? '';
            const count = card.querySelector('.count')?.textContent.match(/\\d+/)?.[0] ?? '1';
            window.seen[`${label.match(/\\d+/)?.[0]} ${count}`] ??= now;
        }
    };
    new MutationObserver(look).observe(document.getElementById('board'), {childList: true, subtree: true});
}"""
"""Note when a card first says a count, in Unix milliseconds; the labels are those of the bench."""


async def measure(gateway: Gateway, person: str) -> dict[str, list[float]]:
    """Open everything, press, and give the latencies (ms) to the last stream and to the page."""
    lines: list[list[tuple[float, bytes]]] = [[] for _ in range(STREAMS)]
    url = gateway.ready["board"]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=aiohttp.ClientTimeout(total=None),
            )
        )
        answers = [await stack.enter_async_context(client.get(url + "api/v1/stream")) for _ in range(STREAMS)]
        for answer in answers:
            if answer.status != 200:
                raise RuntimeError(f"a stream was refused with status {answer.status}")
        browser = await stack.enter_async_context(chromium())
        context = await browser.new_context(viewport=WALL)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        async with client.post(url + "api/v1/session", json={"person": person, "pin": PIN}) as signed:
            cookie = signed.cookies["velgate_session"].value
        await context.add_cookies([{"name": "velgate_session", "value": cookie, "url": url}])
        await context.add_init_script("sessionStorage.setItem('velgate.started', '1')")
        page = await context.new_page()
        await page.goto(url)
        await page.wait_for_selector("html[data-alive]")
        await page.evaluate(WATCH)
        reading = [
            asyncio.create_task(_read(answer, into)) for answer, into in zip(answers, lines, strict=True)
        ]
        await asyncio.sleep(1)
        sent = await press(gateway)
        await until(lambda: all(sum(b"kald-" in line for _, line in each) >= len(sent) for each in lines))
        drawn: dict[str, float] = await page.evaluate("window.seen")
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    shown = {key: drawn[name] / 1000 for key in sent if (name := _card(key)) in drawn}
    return {"stream": latencies(sent, _last(lines)), "page": latencies(sent, shown)}


async def _read(answer: aiohttp.ClientResponse, into: list[tuple[float, bytes]]) -> None:
    async for line in answer.content:
        if line.startswith(b"data:") and b"help-call" in line:
            into.append((time.time(), line))  # noqa: PERF401  (line by line, each with its own time)


def _last(lines: list[list[tuple[float, bytes]]]) -> dict[Key, float]:
    """Give when the last stream had each press; only those that all have had."""
    last: dict[Key, float] = {}
    having: dict[Key, int] = {}
    for each in lines:
        first: dict[Key, float] = {}
        for at, line in each:
            if found := ALERT.search(line):
                first.setdefault((found[1].decode(), int(found[2])), at)
        for key, at in first.items():
            last[key] = max(at, last.get(key, at))
            having[key] = having.get(key, 0) + 1
    return {key: at for key, at in last.items() if having[key] == len(lines)}


def _card(key: Key) -> str:
    device, count = key
    return f"{int(device.removeprefix('kald-'))} {count}"
