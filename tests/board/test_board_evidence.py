"""An empty board says why it may be empty; a line that is not true turns yellow and says what to do."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser

from gateway.board.evidence import evidence
from gateway.board.words import Words
from gateway.model.catalogue import shipped
from support.board_house import BoardHouse
from support.browser import expect, open_screen
from support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
DANISH = Words("da", ZoneInfo("Europe/Copenhagen"), shipped())
NOW = "2026-11-24T22:00:00.000Z"  # 23.00 in Copenhagen
PROOF = {"time": "2026-11-24T21:58:00.000Z", "device": "kald-12", "ms": 400, "ok": True}


def lines(**changes: Any) -> dict[str, bool]:
    """Give the lines of a board, and whether each is as it should be."""
    standing = {
        "now": NOW,
        "me": {"public": False},
        "proved": PROOF,
        "health": {"devices": {"known": 43, "heard": 43}},
        "duty": [{"persons": [{"person": "AB", "reached": True}, {"person": "CD", "reached": True}]}],
        "no_basis": 0,
    }
    return {line.text: line.good for line in evidence({**standing, **changes}, DANISH)}


async def test_all_is_well_only_with_evidence() -> None:
    """The three lines, word by word."""
    assert lines() == {
        "Sidst prøvet 22.58 – nåede frem på 0,4 sek.": True,
        "43 af 43 enheder hørt inden for deres tid.": True,
        "På vagt: AB, CD – begge kan nås": True,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proved": None}, "Ikke prøvet endnu: tryk på en knap, og se den her."),
        ({"proved": {**PROOF, "ok": False}}, "Prøven 22.58 nåede ikke frem. Ring til teknik."),
        (
            {"proved": {**PROOF, "time": "2026-11-23T21:00:00.000Z"}},
            "Sidst prøvet 22.00. Prøv en kaldeknap i dag.",
        ),
        (
            {"health": {"devices": {"known": 43, "heard": 41}}},
            "41 af 43 enheder hørt. Se Enheder: 2 svarer ikke.",
        ),
        ({"health": {"devices": {"known": 43, "heard": None}}}, "Ingen enheder er sat op endnu."),
        ({"duty": []}, "Ingen er meldt på vagt: alle får kald."),
        (
            {"duty": [{"persons": [{"person": "AB", "reached": False}]}]},
            "På vagt: AB – 0 af 1 kan nås. Ikke vist at kunne nås: AB. Start vagten med lyd.",
        ),
        ({"no_basis": 2}, "2 regler hviler, fordi en aftale mangler. Se Vagt."),
    ],
)
async def test_what_is_not_so_says_what_to_do(changes: dict[str, Any], said: str) -> None:
    """Each in its own words, and yellow."""
    assert lines(**changes)[said] is False


async def test_server_and_script_agree_and_the_lines_live(browser: Browser, home: BoardHouse) -> None:
    """The lines of the page as it came are those the script draws; they change when what they say does."""
    await home.engine.prove_reach("AB", reached=True)
    async with open_screen(browser, home, sound=True) as ab:
        raw = """async () => { const text = await (await fetch('/')).text();
            const page = new DOMParser().parseFromString(text, 'text/html');
            const all = [...page.querySelectorAll('.evidence li')];
            return all.map(li => `${li.className} ${li.textContent}`); }"""
        drawn = "all => all.map(li => `${li.className} ${li.textContent}`)"
        shown = ab.page.locator("#empty .evidence li")
        assert await shown.evaluate_all(drawn) == await ab.page.evaluate(raw)
        await ab.page.evaluate("dispatchEvent(new Event('visibilitychange'))")  # its sound is free: say so
        await expect(shown.nth(2)).to_contain_text("Ikke vist at kunne nås: CD.")
        home.health["devices"] = {"known": 51, "heard": 50}
        await expect(shown.nth(1)).to_have_text("50 af 51 enheder hørt. Se Enheder: 1 svarer ikke.")
        alert = await home.press("kald-03")
        await expect(ab.card("Bolig 3").locator(".lines")).to_contain_text("vist på 1 af 2")
        await home.does(alert, "acknowledge")
        await home.does(alert, "resolve", outcome="test", presence=True)
        home.later(seconds=61)
        await eventually(lambda: shown.nth(0).is_visible())
        await expect(shown.nth(0)).to_contain_text("nåede frem på")
        assert await shown.evaluate_all(drawn) == await ab.page.evaluate(raw)
