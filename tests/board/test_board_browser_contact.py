"""The staff page when something is lost: contact, the disk, the sound, the time to answer."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser

from support import browser_scripts as scripts
from support.board_house import BoardHouse
from support.browser import PHONE, expect, open_screen
from support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_lost_contact_and_back(browser: Browser, home: BoardHouse) -> None:
    """B3: the server is gone: bar and sound within 10 s, nothing can be pressed; back: nothing missed."""
    async with open_screen(browser, home, sound=True, size=PHONE) as ab:
        page, bar = ab.page, ab.page.locator("#contact")
        await home.press("kald-03")
        await expect(ab.card("Bolig 3")).to_be_visible()
        await home.stop_serving()
        await expect(bar).to_be_visible(timeout=60_000)
        await expect(bar).to_contain_text(
            re.compile(r"INGEN KONTAKT siden \d\d\.\d\d\. .*ring til teknik 0000\.")
        )
        await eventually(lambda: _has(ab.sounds(), "lost"))
        button = ab.act("Bolig 3", "acknowledge")
        await expect(button).to_be_disabled()
        await expect(button).to_have_text("Ingen kontakt – gå eller ring 0000")
        await page.get_by_role("button", name="Jeg går runder").click()
        await expect(bar).to_contain_text("Stille til")
        await home.press("kald-04")
        await home.start_serving()
        await expect(bar).to_contain_text("Kontakt igen. 1 kald kom imens", timeout=60_000)
        await expect(ab.card("Bolig 4")).to_be_visible()
        await expect(button).to_be_enabled()
        await eventually(lambda: _has(home.audit(), ("contact_lost", "AB")))  # type: ignore[arg-type]


async def test_a_silent_server_is_lost_contact_too(browser: Browser, home: BoardHouse) -> None:
    """The connection stands and nothing comes: after 10 s by the page's clock the bar is there."""
    async with open_screen(browser, home, path=None) as ab:
        await ab.page.clock.install()
        await ab.open()
        await expect(ab.page.locator("#empty")).to_be_visible()
        bar = ab.page.locator("#contact")

        async def silent() -> bool:
            await ab.page.clock.run_for(11_000)
            return "INGEN KONTAKT" in await bar.inner_text()

        await eventually(silent)  # again where one of the server's beats fell into those seconds


async def test_a_gateway_that_hears_nothing_says_so(browser: Browser, home: BoardHouse) -> None:
    """It lives but has lost its radio, its disk or the time: the same bar says which."""
    async with open_screen(browser, home) as ab:
        bar = ab.page.locator("#contact")
        home.health["adapters"] = [{"name": "hci0", "state": "deaf", "silent_s": 95}]
        await expect(bar).to_contain_text("RADIOEN HØRER INTET.")
        home.health["adapters"] = [{"name": "hci0", "state": "up", "silent_s": 0}]
        home.health["rooms"] = [{"name": "journal", "state": "stopped", "restarts": 1, "queue": 0}]
        await expect(bar).to_contain_text("DISKEN SVARER IKKE.")
        home.health["rooms"] = [{"name": "journal", "state": "running", "restarts": 1, "queue": 0}]
        home.health["clock"] = "unsynced"
        await expect(bar).to_contain_text("URET ER IKKE STILLET.")
        home.health["clock"] = "synced"
        await expect(bar).to_be_hidden()


async def test_the_answer_comes_after_the_commit(
    browser: Browser, home: BoardHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Sender…` at once, `Du har den` only when it is kept; no answer in 3 s says so and asks again."""
    async with open_screen(browser, home) as ab:
        await home.press("kald-03")
        button = ab.act("Bolig 3", "acknowledge")
        await expect(button).to_be_visible()
        await expect(ab.card("Bolig 3")).not_to_have_class(re.compile("fresh"))
        release, real, calls = asyncio.Event(), home.engine.act, []

        async def slow(*args: object, **more: object) -> object:
            calls.append(args)
            await release.wait()
            return await real(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(home.engine, "act", slow)
        await ab.page.evaluate(scripts.NOTE_WORDS)
        await button.click()
        await expect(button).to_have_text("Ikke bekræftet – prøver igen", timeout=15_000)
        assert "Sender…" in await ab.page.evaluate("window.words")
        await expect(ab.card("Bolig 3")).not_to_have_class(re.compile("s-mine"))
        await eventually(lambda: len(calls) >= 2)  # asked again, taken once
        release.set()
        await expect(ab.card("Bolig 3")).to_have_class(re.compile("s-mine"))
        assert home.engine.open()[0].alert.rev == 2


async def test_what_the_disk_has_not_kept_is_shown_and_not_taken(
    browser: Browser, home: BoardHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V12: the card says that it is not kept yet, its button waits; kept, it can be taken."""
    release, real = asyncio.Event(), home.journal.alarms.write

    async def hang(*args: object, **more: object) -> object:
        await release.wait()
        return await real(*args, **more)  # type: ignore[arg-type]

    async with open_screen(browser, home) as ab:
        monkeypatch.setattr(home.journal.alarms, "write", hang)
        pressing = asyncio.create_task(home.engine.event([home.record("kald-03", "help_call", "press")], []))
        await expect(ab.card("Bolig 3").locator(".lines li").first).to_contain_text("Ikke gemt endnu")
        await expect(ab.act("Bolig 3", "acknowledge")).to_be_disabled()
        release.set()
        await pressing
        await expect(ab.act("Bolig 3", "acknowledge")).to_be_enabled()


async def test_blocked_sound_is_shown_and_reported(browser: Browser, home: BoardHouse) -> None:
    """B5: the chip says so, the server knows; one touch mends both."""
    async with open_screen(browser, home) as ab:
        chip = ab.page.locator("#sound")
        await expect(chip).to_have_text("Lyd spærret – tryk her")
        await eventually(lambda: _reached(ab, want=False))
        await chip.click()
        await expect(chip).to_have_text("Lyd til")
        await ab.page.evaluate("dispatchEvent(new Event('visibilitychange'))")  # or within 30 s
        await eventually(lambda: _reached(ab, want=True))


async def test_quiet_stops_sound_and_blinking_until_something_new(browser: Browser, home: BoardHouse) -> None:
    """`Dæmp` is for what stands there; a new call sounds all the same, and a mute is this page's alone."""
    async with open_screen(browser, home, sound=True) as ab:
        await home.press("kald-03")
        await eventually(lambda: _has(ab.sounds(), "high"))
        await expect(ab.page.locator("#sound")).to_have_text("Dæmp 2 min")
        await ab.page.locator("#sound").click()
        await expect(ab.page.locator("#sound")).to_contain_text("Dæmpet til")
        await expect(ab.card("Bolig 3")).to_have_class(re.compile("hushed"))
        assert (
            await ab.page.evaluate(
                "getComputedStyle(document.querySelector('.hushed'), '::after').animationName"
            )
            == "none"
        )
        before = (await ab.sounds()).count("high")
        await home.press("kald-04")

        async def again() -> bool:
            return (await ab.sounds()).count("high") > before

        await eventually(again)
        await expect(ab.card("Bolig 4")).not_to_have_class(re.compile("hushed"))


async def test_a_page_opened_without_contact_shows_the_last_board(browser: Browser, home: BoardHouse) -> None:
    """The service worker keeps the shell and the last board, greyed, and says at once that it is old."""
    async with open_screen(browser, home, check=False) as ab:
        await home.press("kald-03")
        await expect(ab.card("Bolig 3")).to_be_visible()
        await ab.page.evaluate("navigator.serviceWorker.ready")
        await ab.page.reload()  # now under the worker, which keeps what it fetches
        await expect(ab.card("Bolig 3")).to_be_visible()
        await home.stop_serving()
        await ab.page.evaluate(scripts.AGE_THE_KEPT_PAGE)
        await ab.page.reload()
        await expect(ab.page.locator("#contact")).to_contain_text("INGEN KONTAKT", timeout=15_000)
        await expect(ab.card("Bolig 3")).to_be_visible()
        await expect(ab.page.locator("body")).to_have_class(re.compile("stale"))
        await home.start_serving()
        await expect(ab.page.locator("body")).not_to_have_class(re.compile("stale"), timeout=15_000)


async def _has(coming: object, word: str) -> bool:
    found = await coming  # type: ignore[misc]
    return word in found


async def _reached(screen: object, *, want: bool) -> bool:
    found: bool = await screen.page.evaluate(scripts.REACHED)  # type: ignore[attr-defined]
    return found is want
