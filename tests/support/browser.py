"""A real browser before the staff page: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from playwright.async_api import Browser, BrowserContext, FloatRect, Locator, Page, async_playwright, expect

from support.board_house import PIN, BoardHouse
from support.browser_scripts import PLAYED
from support.eventually import eventually

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 360, "height": 740}
WALL = {"width": 1920, "height": 1080}
NARROW = {"width": 320, "height": 640}
SIZES = (PHONE, WALL, NARROW)
EXPECTED_ERRORS = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|AudioContext was not allowed|Failed to load resource"
)

expect.set_options(timeout=20_000)  # a loaded machine draws late; what passes does not wait for it

__all__ = ["NARROW", "PHONE", "SIZES", "WALL", "Screen", "box_of", "chromium", "expect", "open_screen"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def box_of(part: Locator) -> FloatRect:
    """Give where a part stands. A page that is just being drawn anew is asked again."""
    return await eventually(part.bounding_box)


class Screen:
    """One page of one person, or of a wall screen."""

    def __init__(self, page: Page, house: BoardHouse) -> None:
        """Watch a page for errors, and for requests that leave the host."""
        self.page = page
        self.house = house
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _said(self, message: Any) -> None:
        if message.type == "error" and not EXPECTED_ERRORS.search(message.text):
            self.errors.append(message.text)

    async def open(self, path: str = "/") -> None:
        """Go somewhere, and wait until the page is alive."""
        await self.page.goto(self.house.url.rstrip("/") + path)
        await self.page.wait_for_selector("html[data-alive]")

    def card(self, label: str) -> Locator:
        """Give the card of a place on the board."""
        exact = self.page.get_by_text(label, exact=True)
        return self.page.locator("#board .card").filter(has=exact)

    def act(self, label: str, action: str) -> Locator:
        """Give the button of an action on the card of a place."""
        return self.card(label).locator(f"[data-action={action}]")

    async def tap(self, label: str, action: str) -> None:
        """Press a button once its card has come to rest: one that has just moved takes no tap."""
        await expect(self.card(label)).not_to_have_class(re.compile("fresh"))
        await self.act(label, action).click()

    async def lines(self, label: str) -> str:
        """Give the lines of a card."""
        return await self.card(label).locator(".lines").inner_text()

    async def sounds(self) -> list[str]:
        """Give what the page has played."""
        found: list[str] = await self.page.evaluate(PLAYED)
        return found

    async def labels(self) -> list[str]:
        """Give the places in the order of the board."""
        return await self.page.locator("#board .card .label").all_inner_texts()


async def cookie(house: BoardHouse, person: str) -> str:
    """Sign somebody in past the browser, and give the cookie."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(house.url + "api/v1/session", json={"person": person, "pin": PIN}) as answer,
    ):
        assert answer.status == 204
        return answer.cookies["velgate_session"].value


@asynccontextmanager
async def open_screen(
    browser: Browser,
    house: BoardHouse,
    person: str | None = "AB",
    size: dict[str, int] = PHONE,
    *,
    path: str | None = "/",
    started: bool = True,
    sound: bool = False,
    cookies: dict[str, str] | None = None,
    check: bool = True,
    **options: Any,
) -> AsyncIterator[Screen]:
    """Open a page for somebody; at the end nothing may have failed in it or left the host.

    `started`: the start screen has been answered. `sound`: and with sound, by a touch.
    """
    context: BrowserContext = await browser.new_context(viewport=size, locale="da-DK", **options)  # type: ignore[arg-type]
    try:
        context.set_default_timeout(30_000)
        given = dict(cookies or {})
        if person:
            given["velgate_session"] = await cookie(house, person)
        await context.add_cookies([{"name": k, "value": v, "url": house.url} for k, v in given.items()])
        if started:
            await context.add_init_script("sessionStorage.setItem('velgate.started', '1')")
        screen = Screen(await context.new_page(), house)
        if path is not None:
            await screen.open(path)
        if sound:
            await screen.page.locator("#sound").click()
            await expect(screen.page.locator("#sound")).not_to_have_class(re.compile("blocked"))
        yield screen
        if check:
            assert screen.errors == []
            assert screen.hosts <= {urlsplit(house.url).netloc, ""}
    finally:
        await context.close()
