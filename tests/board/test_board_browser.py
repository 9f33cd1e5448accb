"""The staff page in a real browser, before real alerts: from signing in to a closed call."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser

from gateway.model.alert import Alert
from support import browser_scripts as scripts
from support.board_client import client
from support.board_house import PIN, BoardHouse
from support.browser import WALL, box_of, expect, open_screen
from support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_from_signing_in_to_a_closed_call(browser: Browser, home: BoardHouse) -> None:
    """Sign in, start with sound, see a call come, take it, be there, close it, undo, close: no reload."""
    async with open_screen(browser, home, None, path=None, started=False) as ab:
        page = ab.page
        await page.goto(home.url)
        await page.fill("#person", "ab")
        await page.fill("#pin", PIN)
        await page.get_by_role("button", name="Log ind").first.click()
        await page.get_by_role("button", name="Start vagten med lyd").click()
        await page.get_by_role("button", name="Ja, jeg hørte den").click()
        await eventually(lambda: home.engine.duty()[0].reached == 1)
        await expect(page.locator("#empty .none")).to_have_text("Ingen kald.")

        alert = await home.press("kald-02-bad")
        await expect(ab.card("Bad, bolig 2")).to_be_visible()  # how soon, `make bench` measures
        await expect(page).to_have_title(re.compile(r"^1 venter · længst \d+ sek · Solhjem$"))
        await expect(page.locator("#wait")).to_be_visible()
        await expect(page.locator("#icon")).to_have_attribute("href", re.compile("^data:image/png"))
        await expect(ab.card("Bad, bolig 2").locator(".word")).to_have_text("Nødkald")
        await expect(ab.card("Bad, bolig 2").locator(".what")).to_have_text("Kald fra bad · Gå til badet nu")
        await expect(ab.card("Bad, bolig 2").locator(".lines")).to_contain_text("vist på 1 af 2")
        await expect(page.locator("#said-loud")).to_have_text(
            "Nødkald: Bad, bolig 2. Kald fra bad. Gå til badet nu."
        )
        await eventually(lambda: _has(ab.sounds(), "emergency"))

        await ab.tap("Bad, bolig 2", "acknowledge")
        await expect(ab.card("Bad, bolig 2")).to_have_class(re.compile("s-mine"))
        assert re.match(r"Du har den · tilbage om (10\.00|9\.\d\d)", await ab.lines("Bad, bolig 2"))
        assert home.engine.open()[0].alert.taken is not None

        await ab.tap("Bad, bolig 2", "resolve")
        await page.get_by_role("button", name="Hjalp").click()
        await page.get_by_role("button", name="Nej", exact=True).click()
        await expect(page.locator(".toast")).to_contain_text("hos beboeren")
        assert home.engine.open()[0].alert.open  # closed by nobody who has not been there
        await ab.tap("Bad, bolig 2", "resolve")
        await page.keyboard.press("1")
        await page.get_by_role("button", name="Ja", exact=True).click()
        await expect(ab.card("Bad, bolig 2").locator(".lines")).to_have_text("Afsluttet: Hjalp")
        assert home.engine.open() == []

        await ab.tap("Bad, bolig 2", "reopen")
        await expect(ab.card("Bad, bolig 2")).to_have_class(re.compile("s-mine"))
        home.later(minutes=1)
        kept = await home.journal.alarms.read(lambda ledger: ledger.alert(alert.id))
        assert kept is not None
        assert kept.handling == "acknowledged"


async def test_two_people_take_at_once(
    browser: Browser, home: BoardHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B2: one wins, both are told right, and the other may come too."""
    both, real = asyncio.Barrier(2), home.engine.act

    async def together(alert: str, action: str, **more: Any) -> Alert:
        if action == "acknowledge":
            await both.wait()  # neither is answered before both have asked
        return await real(alert, action, **more)

    monkeypatch.setattr(home.engine, "act", together)
    async with open_screen(browser, home, "AB") as ab, open_screen(browser, home, "CD", WALL) as cd:
        await home.press("kald-03")
        await expect(ab.card("Bolig 3")).to_be_visible()
        await expect(cd.card("Bolig 3")).to_be_visible()
        await asyncio.gather(ab.tap("Bolig 3", "acknowledge"), cd.tap("Bolig 3", "acknowledge"))
        taken = (await eventually(lambda: home.engine.open()[0].alert.taken)).by
        winner, loser = (ab, cd) if taken == "AB" else (cd, ab)
        await expect(winner.card("Bolig 3")).to_have_class(re.compile("s-mine"))
        await expect(loser.card("Bolig 3").locator(".answer")).to_have_text(f"{taken} tog den lige før dig")
        await loser.tap("Bolig 3", "join")
        await expect(winner.card("Bolig 3").locator(".lines")).to_contain_text("kommer også")


async def test_a_tap_during_an_insertion_hits_what_was_meant(browser: Browser, home: BoardHouse) -> None:
    """B4: the layout is frozen under a finger; a card that has just moved takes no tap."""
    async with open_screen(browser, home) as ab:
        first = await home.press("kald-03")
        await expect(ab.card("Bolig 3")).to_be_visible()
        await expect(ab.card("Bolig 3")).not_to_have_class(re.compile("fresh"))
        box = await box_of(ab.act("Bolig 3", "acknowledge"))
        await ab.page.mouse.move(box["x"] + 20, box["y"] + 20)
        await ab.page.mouse.down()
        await home.press("kald-02-bad")  # graver: it will stand where the finger is
        await expect(ab.page.locator("#wait-text")).to_contain_text(re.compile("^2 "))
        assert await ab.labels() == ["Bolig 3"]
        await ab.page.mouse.up()
        await eventually(lambda: _taken(home, first.id) == "AB")
        await expect(ab.card("Bad, bolig 2")).to_be_visible()
        assert _taken(home, home.engine.open()[-1].alert.id) in (None, "AB")
        # What comes under a resting finger is not taken by the tap that follows at once.
        tapping = asyncio.create_task(ab.page.evaluate(scripts.CLICK_WHEN_THERE, "Bolig 9"))
        late = await home.press("kald-09")
        await tapping
        await asyncio.sleep(0.2)
        assert _taken(home, late.id) is None


async def test_wrong_pin_five_times_while_the_board_lives(browser: Browser, home: BoardHouse) -> None:
    """B12: the sign-in page slows down and says for how long; a colleague's board goes on."""
    async with open_screen(browser, home, "CD") as cd, open_screen(browser, home, None, path=None) as thief:
        page = thief.page
        await page.goto(home.url)
        for _ in range(5):
            await page.fill("#person", "AB")
            await page.fill("#pin", "0000")
            await page.get_by_role("button", name="Log ind").first.click()
            await expect(page.locator(".wrong")).to_have_text("Initialer eller PIN passer ikke.")
        await page.fill("#pin", PIN)
        await page.get_by_role("button", name="Log ind").first.click()
        await expect(page.locator(".wrong")).to_contain_text(
            re.compile(r"For mange forsøg\. Prøv igen om (1 min|5\d sek)")
        )
        await home.press("kald-03")
        await expect(cd.card("Bolig 3")).to_be_visible()
        await cd.tap("Bolig 3", "acknowledge")
        await expect(cd.card("Bolig 3")).to_have_class(re.compile("s-mine"))


async def test_by_keyboard_alone(browser: Browser, home: BoardHouse) -> None:
    """B8: choose, take, be there, close, open the timeline, come back; letters act only on a card."""
    async with open_screen(browser, home, size=WALL) as ab:
        page, keys = ab.page, ab.page.keyboard
        alert = await home.press("kald-03")
        await home.press("kald-04")
        await expect(ab.card("Bolig 4")).to_be_visible()
        await keys.press("t")  # nothing is chosen: nothing happens
        await keys.press("ArrowDown")
        await keys.press("t")
        await expect(ab.card("Bolig 3")).to_have_class(re.compile("s-mine"))
        await expect(ab.act("Bolig 3", "presence")).to_be_enabled()  # the answer has come
        await page.locator(f"#a-{alert.id}").focus()
        await keys.press("h")
        await expect(ab.card("Bolig 3").locator(".lines")).to_contain_text("Du er hos beboeren")
        await keys.press("Enter")
        await expect(page.locator(".timeline")).to_contain_text("Hos beboeren")
        await keys.press("Escape")
        await page.locator(f"#a-{alert.id}").focus()
        await keys.press("a")
        await expect(page.get_by_role("dialog")).to_contain_text("Hvordan endte det?")
        await keys.press("2")
        await expect(ab.card("Bolig 3").locator(".lines")).to_have_text("Afsluttet: Så til – intet behov")
        await keys.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("Jeg tager den")
        await keys.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert _taken(home, home.engine.open()[0].alert.id) is None


async def test_a_wall_screen_asks_who(browser: Browser, home: BoardHouse) -> None:
    """Enrolled by its one-time code; looks without signing in; initials and PIN for each action."""
    async with client(home, local=True) as program:
        offer = (await program.post("/api/v1/screens", {"screen": "vagtstue", "by": "AB"})).json
    async with open_screen(browser, home, None, WALL, path=None) as wall:
        page = wall.page
        await page.goto(home.url.rstrip("/") + offer["path"])
        await page.get_by_role("button", name="Brug som vægskærm").click()
        await page.wait_for_selector("html[data-alive]")
        await home.press("kald-03")
        await expect(wall.card("Bolig 3")).to_be_visible()
        place = wall.card("Bolig 3").locator(".label")
        await expect(place).to_have_css("font-size", "104px")
        await wall.tap("Bolig 3", "acknowledge")
        await page.get_by_role("button", name="CD", exact=True).click()
        await page.locator("#who-pin").fill("0000")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog .wrong")).to_have_text("Forkert PIN")
        await page.locator("#who-person").fill("cd")
        await page.locator("#who-pin").fill(PIN)
        await page.keyboard.press("Enter")
        await expect(wall.card("Bolig 3").locator(".lines")).to_contain_text("CD har den")
        assert await page.locator("#held .card").count() == 1
        await expect(page.locator("#strip")).to_contain_text("Enheder hørt")


async def test_signing_out_with_a_call_asks(browser: Browser, home: BoardHouse) -> None:
    """B14: give back or stay; given back, it calls again."""
    async with open_screen(browser, home) as ab:
        alert = await home.press("kald-03")
        await home.does(alert, "acknowledge")
        await expect(ab.card("Bolig 3")).to_have_class(re.compile("s-mine"))
        await ab.page.locator(".tabs a[data-view=more]").click()
        await ab.page.locator("[data-sign-out]").click()
        await expect(ab.page.get_by_role("dialog")).to_contain_text("Du har 1 kald")
        await ab.page.get_by_role("button", name="Giv tilbage, og log ud").click()
        await expect(ab.page).to_have_url(re.compile("/signin$"))
        assert home.engine.open()[0].alert.returned


async def _has(coming: object, word: str) -> bool:
    found = await coming  # type: ignore[misc]
    return word in found


def _taken(home: BoardHouse, alert: str) -> str | None:
    found = next(shown.alert for shown in home.engine.open() if shown.alert.id == alert)
    return found.taken.by if found.taken else None
