"""A wall screen that draws nothing, has no sound, never came or is old is missed; by a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.model.alert import Alert, Priority
from support.board_client import BoardClient, client
from support.board_house import BoardHouse, open_board
from support.browser import WALL, chromium, open_screen
from support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

STOP_DRAWING = "() => { window.real = window.requestAnimationFrame; window.requestAnimationFrame = () => 0; }"
DRAW_AGAIN = "() => { window.requestAnimationFrame = window.real; }"
MUTE = """() => { const real = AudioContext.prototype;
    Object.defineProperty(real, 'currentTime', { configurable: true, get: () => 1 }); }"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for this module."""
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BoardHouse]:
    """A home whose screens are looked at often."""
    monkeypatch.setattr("gateway.board.screens.EVERY_S", 0.05)
    async with open_board(tmp_path) as opened:
        yield opened


def troubles(home: BoardHouse) -> dict[str, Alert]:
    """Give what stands about screens, by kind."""
    every = (shown.alert for shown in home.engine.open())
    return {alert.kind: alert for alert in every if alert.kind.startswith("screen.")}


async def offered(home: BoardHouse) -> dict[str, Any]:
    """Have a code for a wall screen."""
    async with client(home, local=True) as program:
        offer: dict[str, Any] = (
            await program.post("/api/v1/screens", {"screen": "vagtstue", "by": "AB"})
        ).json
    return offer


async def enrolled(home: BoardHouse, wall: BoardClient) -> None:
    """Make a program a wall screen."""
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    code = (await offered(home))["code"]
    answer = await wall.ask("POST", "/screen", f"code={code}".encode(), form)
    assert answer.status == 303


def beat(**changes: Any) -> dict[str, Any]:
    """Make the beat of a screen that is well."""
    return {
        "drawing": True,
        "sound": True,
        "version": "0.0.0",
        "time": datetime.now(UTC).isoformat(),
        **changes,
    }


async def test_a_real_screen_reports_itself_and_what_goes_wrong_at_once(
    browser: Browser, home: BoardHouse
) -> None:
    """It draws, version and time are right; its sound stops and it draws no more; then it draws again."""
    offer = await offered(home)
    async with open_screen(browser, home, None, WALL, path=None) as wall:
        await wall.page.goto(home.url.rstrip("/") + offer["path"])
        await wall.page.get_by_role("button", name="Brug som vægskærm").click()
        await wall.page.wait_for_selector("html[data-alive]")
        await wall.page.locator("#sound").click()  # a touch frees its sound
        await eventually(lambda: _row(home, drawing=True, sound=True, old=None))
        await eventually(lambda: not troubles(home))

        await wall.page.evaluate(STOP_DRAWING)
        await wall.page.evaluate(MUTE)
        await eventually(lambda: _row(home, drawing=False, sound=False))
        await eventually(lambda: "screen.silent" in troubles(home))
        silent = troubles(home)["screen.silent"]
        assert (silent.priority, silent.detail) == (Priority.TECHNICAL, "the wall screen does not draw")
        await wall.page.evaluate(DRAW_AGAIN)
        await eventually(lambda: _row(home, drawing=True))
        await eventually(lambda: set(troubles(home)) == {"screen.muted"})


async def _row(home: BoardHouse, **wanted: Any) -> bool:
    async with client(home, local=True) as program:
        rows = (await program.get("/api/v1/screens")).json["screens"]
    return bool(rows) and wanted.items() <= rows[0].items()


async def test_one_whose_sound_the_browser_blocks_says_so(browser: Browser, home: BoardHouse) -> None:
    """Nobody has touched it: no sound, and the server is told by itself (B5)."""
    offer = await offered(home)
    async with open_screen(browser, home, None, WALL, path=None) as wall:
        await wall.page.goto(home.url.rstrip("/") + offer["path"])
        await wall.page.get_by_role("button", name="Brug som vægskærm").click()
        await wall.page.wait_for_selector("html[data-alive]")
        await wall.page.reload()  # after a power cut nobody is there to touch it
        await wall.page.wait_for_selector("html[data-alive]")
        await eventually(lambda: _row(home, drawing=True, sound=False))
        await eventually(lambda: "screen.muted" in troubles(home))


async def test_one_that_never_came_after_it_was_enrolled_is_missed(home: BoardHouse) -> None:
    """It was enrolled and put on the wall, and its browser never started."""
    async with client(home) as wall:
        await enrolled(home, wall)
        await asyncio.sleep(0.1)
        assert not troubles(home)
        home.later(seconds=91)
        await eventually(lambda: "screen.silent" in troubles(home))
        assert troubles(home)["screen.silent"].detail == "no beat of the wall screen since it was enrolled"
        await wall.post("/api/v1/screens/beat", {"drawing": True, "sound": True})
        await eventually(lambda: not troubles(home))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "0.9.0"}, "the screen shows the page of version 0.9.0, the gateway is 0.0.0"),
        ({"late_s": 61}, "the time that the screen shows is"),
        ({"late_s": -61}, "the time that the screen shows is"),
    ],
    ids=["version", "behind", "ahead"],
)
async def test_one_that_shows_an_old_page_or_time_is_told(
    home: BoardHouse, changes: dict[str, Any], said: str
) -> None:
    """Over with the first beat that is right."""
    given = dict(changes)
    if "late_s" in given:
        given["time"] = (datetime.now(UTC) - timedelta(seconds=given.pop("late_s") + 30)).isoformat()
        if changes["late_s"] < 0:
            given["time"] = (datetime.now(UTC) + timedelta(seconds=300)).isoformat()
    async with client(home) as wall:
        await enrolled(home, wall)
        await wall.post("/api/v1/screens/beat", beat(**given))
        await eventually(lambda: "screen.old" in troubles(home))
        old = troubles(home)["screen.old"]
        assert old.priority is Priority.TECHNICAL
        assert old.detail.startswith(said)
        assert old.title["da"] == "Skærm viser en gammel side (vagtstue) – Solhjem"
        await wall.post("/api/v1/screens/beat", beat())
        await eventually(lambda: not troubles(home))


async def test_what_the_board_before_told_is_taken_back_by_the_next(home: BoardHouse) -> None:
    """The page's room began anew meanwhile; the screen is well."""
    async with client(home) as wall:
        await enrolled(home, wall)
        await wall.post("/api/v1/screens/beat", beat(sound=False))
        await eventually(lambda: "screen.muted" in troubles(home))
        await home.stop_serving()
        await home.start_serving()
        await wall.post("/api/v1/screens/beat", beat())
        await eventually(lambda: not troubles(home))


async def test_a_beat_of_before_still_counts(home: BoardHouse) -> None:
    """Version and time are new; a page without them is judged by the rest."""
    async with client(home) as wall:
        await enrolled(home, wall)
        answer = await wall.post("/api/v1/screens/beat", {"drawing": True, "sound": True})
        assert answer.status == 204
        assert await _row(home, drawing=True, old=None)
