"""The staff page in a real browser, open over every kill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from playwright.async_api import Page

from support.board_house import PIN
from support.browser import WALL, chromium
from support.gateway_process import Gateway

WATCH = """() => {
    window.doubled = [];
    const look = () => {
        const ids = [...document.querySelectorAll('#board .card')].map(card => card.dataset.id);
        for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) window.doubled.push(id);
    };
    new MutationObserver(look).observe(document.getElementById('board'), {childList: true, subtree: true});
    look();
}"""
"""Note each alert that is ever on the board twice at the same time."""

SHOWN = """() => [...document.querySelectorAll('#board .card')]
    .filter(card => card.dataset.state !== 'closed').map(card => card.dataset.id)"""


class Board:
    """One open board."""

    def __init__(self, page: Page) -> None:
        """Take over an opened page."""
        self._page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def shown(self) -> list[str]:
        """Give the alerts that stand on it, card by card."""
        found: list[str] = await self._page.evaluate(SHOWN)
        return found

    async def doubled(self) -> list[str]:
        """Give the alerts that have been on it twice at once since it was opened."""
        found: list[str] = await self._page.evaluate("window.doubled")
        return found


@asynccontextmanager
async def board_of(gateway: Gateway, person: str) -> AsyncIterator[Board]:
    """Sign somebody in and open the board; the gateway may die and come back on the same port."""
    url = gateway.ready["board"]
    async with (
        aiohttp.ClientSession() as client,
        client.post(url + "api/v1/session", json={"person": person, "pin": PIN}) as answer,
    ):
        assert answer.status == 204, await answer.text()
        cookie = answer.cookies["velgate_session"].value
    async with chromium() as browser:
        context = await browser.new_context(viewport=WALL, locale="da-DK")  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        await context.add_cookies([{"name": "velgate_session", "value": cookie, "url": url}])
        await context.add_init_script("sessionStorage.setItem('velgate.started', '1')")
        page = await context.new_page()
        board = Board(page)
        await page.goto(url)
        await page.wait_for_selector("html[data-alive]")
        await page.evaluate(WATCH)
        yield board
