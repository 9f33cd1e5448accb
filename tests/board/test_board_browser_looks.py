"""How the staff page looks: what is seen first, how large, how calm, in which words."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser

from gateway.model.trouble import Trouble
from support import browser_scripts as scripts
from support.board_house import BoardHouse
from support.browser import NARROW, PHONE, SIZES, WALL, box_of, expect, open_screen
from support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_emergency_is_seen_among_forty(browser: Browser, home: BoardHouse) -> None:
    """B1: with 40 open alerts a new emergency is seen without scrolling, at each size, also scrolled down."""
    for n in range(1, 41):
        await home.press(f"kald-{n:02d}")
    for size in SIZES:
        async with open_screen(browser, home, size=size) as ab:
            await expect(ab.page.locator("#waiting .card")).to_have_count(len(home.engine.open()))
            await ab.page.evaluate("scrollTo(0, 9999)")
            fall = await home.press("fald-02", "detected", "fall")
            await expect(ab.page.locator("#wait")).to_contain_text(re.compile("Fald · Bolig 2|venter"))
            await expect(ab.page.locator("#wait")).to_be_in_viewport()
            if size is not WALL:
                await expect(ab.page.locator("#wait")).to_contain_text("Fald · Bolig 2")
                await ab.page.locator("#wait").click()
            await expect(ab.page.locator(f"#a-{fall.id}")).to_be_in_viewport(ratio=0.9)
            assert (await ab.labels())[0] == "Bolig 2"
            wide = await ab.page.evaluate(scripts.SIDEWAYS)
            assert wide <= 0  # no sideways scrolling
        await home.does(fall, "acknowledge")
        await home.does(fall, "resolve", outcome="checked", presence=True)


async def test_nothing_blinks_faster_than_three_a_second(browser: Browser, home: BoardHouse) -> None:
    """B6: 1.5 Hz, half on, all together; with reduced motion a steady edge."""
    await home.press("kald-02-bad")
    await home.press("kald-03")
    async with open_screen(browser, home) as ab:
        await expect(ab.page.locator("#waiting .card")).to_have_count(2)
        seen = await ab.page.evaluate(scripts.BLINKING)
        assert 3 <= seen["flips"] <= 8  # 1.5 Hz for 2 s: on and off three times each
        assert seen["apart"] < 0.1
        assert 0.3 < seen["on"] < 0.7
    async with open_screen(browser, home, reduced_motion="reduce") as ab:
        await expect(ab.page.locator("#waiting .card")).to_have_count(2)
        seen = await ab.page.evaluate(scripts.BLINKING)
        assert (seen["flips"], seen["on"]) == (0, 1)


async def test_the_wall_shrinks_its_cards_and_never_scrolls(browser: Browser, home: BoardHouse) -> None:
    """Six large, then a grid of twelve, then one line each: all in sight, in one picture."""
    async with open_screen(browser, home, size=WALL) as ab:
        for upto, form in ((6, "large"), (12, "grid"), (30, "list")):
            for n in range(len(home.engine.open()) + 1, upto + 1):
                await home.press(f"kald-{n:02d}")
            cards = ab.page.locator("#waiting .card")
            await expect(cards).to_have_count(upto)
            await expect(ab.page.locator("#waiting")).to_have_class(re.compile(form))
            for card in (cards.first, cards.last):
                await expect(card).to_be_in_viewport(ratio=1)
                await expect(card.locator("[data-action]")).to_be_in_viewport(ratio=1)
            cut = await cards.evaluate_all(scripts.CUT_OFF)
            assert cut == 0


async def test_targets_are_large_enough_and_have_names(browser: Browser, home: BoardHouse) -> None:
    """At 320 and 360 px: everything to press is 48 px or more (links in text 24), and says what it is."""
    home.rows[5].update(battery_low=True)
    fall = await home.press("fald-02", "detected", "fall")
    taken = await home.press("kald-03")
    await home.does(taken, "acknowledge")
    for size in (PHONE, NARROW):
        async with open_screen(browser, home, size=size) as ab:
            for path in ("/", "/devices", "/shift", "/more", f"/alert/{fall.id}"):
                await ab.open(path)
                assert await ab.page.evaluate(scripts.TOO_SMALL) == [], path
                assert await ab.page.evaluate(scripts.NAMELESS) == [], path
                wide = await ab.page.evaluate(scripts.SIDEWAYS)
                assert wide <= 0, path


async def test_the_header_fits_a_phone_that_has_sound_and_a_technical_alert(
    browser: Browser, home: BoardHouse
) -> None:
    """Nothing is pushed out to the side, also with ten of them; the word is still there to be read out."""
    async with open_screen(browser, home, sound=True) as ab:
        for n in range(1, 11):
            home.engine.trouble(Trouble(kind="screen.silent", subject=f"stue-{n}", present=True))
        for size in (PHONE, NARROW):
            await ab.page.set_viewport_size(size)
            await expect(ab.page.locator("#technical")).to_have_text(re.compile("Teknik 10"))
            await expect(ab.page.locator("#technical")).to_have_attribute("data-count", "10")
            assert await ab.page.evaluate(scripts.SIDEWAYS) <= 0
            await expect(ab.page.locator(".languages")).to_be_in_viewport(ratio=1)


async def test_a_flood_is_said_in_the_words_of_staff(browser: Browser, home: BoardHouse) -> None:
    """What rings most is named as on its card, also by the script; never by the rule's name."""
    home.engine.observe([home.record(f"kald-{n:02d}", "tamper", True) for n in range(1, 6)])
    await eventually(lambda: home.engine.load.flood is not None)
    for alert in [shown.alert for shown in home.engine.open() if shown.alert.rule == "tamper"]:
        await home.does(alert, "acknowledge")
        await home.does(alert, "resolve", outcome="technical", presence=True)
    async with open_screen(browser, home) as ab:
        line = ab.page.locator("#empty").get_by_text("Mange alarmer")
        await expect(line).to_contain_text("Mange alarmer: 5 på 10 min. Mest: Taget af eller løs – Bolig")


async def test_two_cards_and_the_top_of_a_third_on_a_phone(browser: Browser, home: BoardHouse) -> None:
    """360 × 740: header 56 px, tabs 64 px, buttons 56 px, place 28 px bold."""
    for n in (3, 4, 5):
        await home.press(f"kald-{n:02d}")
    async with open_screen(browser, home, sound=True) as ab:
        cards = ab.page.locator("#waiting .card")
        await expect(cards).to_have_count(3)
        for card in (cards.nth(0), cards.nth(1)):
            box = await box_of(card)
            assert box["y"] + box["height"] <= 740 - 64
        await expect(cards.nth(2).locator(".label")).to_be_in_viewport()
        tabs = await box_of(ab.page.locator(".tabs"))
        button = await box_of(cards.nth(0).locator(".act"))
        assert (round(tabs["height"]), round(button["height"])) == (64, 56)
        style = "node => [getComputedStyle(node).fontSize, getComputedStyle(node).fontWeight]"
        assert await cards.nth(0).locator(".label").evaluate(style) == ["28px", "700"]


async def test_views_language_and_light(browser: Browser, home: BoardHouse) -> None:
    """Trouble first, a note for the next shift, what Velgate is not; another language, the same order."""
    home.rows[5].update(battery_low=True, battery=9)
    await home.press("kald-03")
    await home.press("kald-02-bad")
    async with open_screen(browser, home) as ab:
        page = ab.page
        order = await ab.labels()
        await page.locator(".tabs a[data-view=devices]").click()
        await expect(page.locator(".devices h2").first).to_have_text("Kræver handling 1")
        await page.get_by_role("button", name="Skiftet").click()
        await expect(page.locator(".troubles")).to_contain_text("Venter på, at enheden melder sig.")
        assert home.accepted == [home.rows[5]["device"]]
        await expect(page.locator("#wait")).to_contain_text("Kald fra bad · Bad, bolig 2")
        await page.locator(".tabs a[data-view=shift]").click()
        await page.locator("#note-text").fill("Bolig 3 sover dårligt")
        await page.get_by_role("button", name="Gem note").click()
        await expect(page.locator(".notes .rows")).to_contain_text("Bolig 3 sover dårligt")
        await page.locator(".tabs a[data-view=more]").click()
        await expect(page.locator(".limits")).to_contain_text("Velgate er ikke en brandalarm.")
        for light in ("night", "day"):
            await page.locator(f"[data-light-choice={light}]").click()
            await expect(page.locator("html")).to_have_attribute("data-light", light)
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-light", "day")
        await page.locator(".languages a[lang=en]").click()
        await page.wait_for_selector("html[data-alive]")
        await page.locator(".tabs a[data-view=calls]").click()
        await expect(page.locator("#board [data-action=acknowledge]").first).to_have_text("I'll take it")
        assert await ab.labels() == order


async def test_technical_alerts_stand_apart_unless_calls_go_unheard(
    browser: Browser, home: BoardHouse
) -> None:
    """A chip counts them; those of priority high stand with the calls, for a resident cannot call."""
    async with open_screen(browser, home) as ab:
        home.engine.trouble(Trouble(kind="disk.filling", subject="journal", present=True))
        await expect(ab.page.locator("#technical")).to_have_text(re.compile("Teknik 1"))
        await expect(ab.page.locator("#board .card")).to_have_count(0)
        home.engine.trouble(Trouble(kind="adapter.down", subject="hci0", present=True, calls_unheard=True))
        await expect(ab.page.locator("#board .card .what")).to_have_text(
            "Radio virker ikke · Ring til teknik; gå runder"
        )
        await ab.page.locator("#technical").click()
        await expect(ab.page.locator(".technical .card")).to_have_count(2)
