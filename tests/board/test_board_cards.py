"""The card of each state: the words on the server and in the browser are the same, in both languages."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser

from gateway.board.board import Board
from gateway.board.cards import Looker, card, on_board, order, short, state_of, what
from gateway.board.words import CLIENT_SECTIONS, Words
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Present, Priority, Taken
from gateway.model.catalogue import shipped, title, what_to_do
from gateway.model.clock import NS, Instant, iso, parse_iso
from support import browser_scripts as scripts
from support.board_house import BoardHouse, board_settings
from support.browser import WALL, expect, open_screen

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = Instant(1_795_526_400 * NS, 1_000 * NS, "boot-1")
ZONE = ZoneInfo("Europe/Copenhagen")


def at(seconds: float) -> Instant:
    """Give a moment so many seconds from now."""
    ns = round(seconds * NS)
    return Instant(NOW.wall_ns + ns, NOW.mono_ns + ns, NOW.boot)


def made(number: int, kind: str = "help_call.press", **changes: Any) -> Alert:
    """Make an alert at a place of its own."""
    label = changes.pop("label", f"Bolig {number}")
    fields: dict[str, Any] = {
        "id": f"01999999-0000-7000-8000-{number:012d}",
        "key": f"k/{number}",
        "rule": "help-call",
        "kind": kind,
        "concern": Concern.SELF,
        "priority": Priority.HIGH,
        "policy": "call",
        "device": f"kald-{number:02d}",
        "place": f"room-{number:02d}",
        "label": label,
        "title": title(kind, label, test=changes.get("test", False)),
        "do": what_to_do(kind) or {"da": "", "en": ""},
        "raised": at(-100 - number),
        "last": at(-100 - number),
        "changed": at(-50),
        "asked": ("page", "group:nat"),
    }
    return Alert(**{**fields, **changes})


TAKEN = Taken("AB", at(-40), at(500))
OTHERS = Taken("CD", at(-40), at(560))
EVERY = [
    made(1),
    made(2, "help_call.bath", priority=Priority.EMERGENCY, label="Bad, bolig 2"),
    made(3, count=3, step=2, asked=("page", "duty", "everyone")),
    made(4, returned=True, cycle=1),
    made(5, helper="CD", count=2),
    made(6, "bed.left", condition=Condition.GONE, concern=Concern.PRESENCE),
    made(7, "room.hot", priority=Priority.MEDIUM, concern=Concern.ROOM, condition=Condition.GONE, step=2),
    made(8, handling=Handling.ACKNOWLEDGED, taken=TAKEN),
    made(9, handling=Handling.ACKNOWLEDGED, taken=TAKEN, present=Present("AB", at(-10), "page")),
    made(10, handling=Handling.ACKNOWLEDGED, taken=OTHERS, joined=("AB", "TK")),
    made(11, handling=Handling.ACKNOWLEDGED, taken=OTHERS, present=Present("CD", at(-10), "button")),
    made(12, handling=Handling.SHELVED, shelved_until=at(600)),
    made(13, test=True),
    made(14, cancelled_at=at(-5), asked=("page",)),
    made(15, asked=()),
    made(16, handling=Handling.RESOLVED, closed=at(-10), closed_by="AB", outcome=Outcome.ASSISTED),
    made(17, handling=Handling.RESOLVED, closed=at(-20), outcome=Outcome.AUTO),
    made(18, "adapter.down", concern=Concern.TECHNICAL, device=None, place=None, label="Solhjem"),
    made(19, "fall.detected", priority=Priority.EMERGENCY, concern=Concern.FALL, count=2),
]
"""One alert of each state and line."""


async def test_state_order_and_words() -> None:
    """What is said first: unanswered emergency, high, taken, medium, waiting, closed."""
    who = Looker(person="ab")
    documents = [alert.document() for alert in EVERY]
    states = {d["id"][-2:]: state_of(d, who) for d in documents}
    assert states == {
        "01": "new", "02": "new", "03": "escalated", "04": "returned", "05": "again", "06": "gone",
        "07": "gone",
        "08": "mine", "09": "mine", "10": "other", "11": "other", "12": "shelved", "13": "new", "14": "new",
        "15": "new", "16": "closed", "17": "closed", "18": "new", "19": "new",
    }  # fmt: skip
    ordered = [int(d["id"][-2:]) for d in sorted(documents, key=lambda d: order(d, who))]
    assert ordered == [19, 2, 5, 4, 3, 18, 15, 14, 13, 6, 1, 8, 9, 10, 11, 7, 12, 16, 17]
    danish = Words("da", ZONE, shipped())
    assert short(documents[1], "da") == "Kald fra bad"
    assert what(documents[1], danish) == "Kald fra bad · Gå til badet nu"
    low = made(20, "battery.low", priority=Priority.TECHNICAL).document()
    assert not on_board(low)
    with_device = {
        **low,
        "title": title("battery.low", low["label"], device_label="termo-06", battery="CR2477"),
    }
    assert short(with_device, "da") == "Skift batteri (CR2477) · termo-06"


@pytest.mark.parametrize("language", ["da", "en"])
async def test_server_and_script_say_the_same(browser: Browser, home: BoardHouse, language: str) -> None:
    """Every state, drawn by Jinja and drawn by the page's script: the same words, states and buttons."""
    home.settings = board_settings({"person": {"AB": {"language": language}}})
    now_ns = home.clock.now().wall_ns
    documents = [shifted(alert.document(), now_ns) for alert in EVERY]
    shown = {document["id"]: [1, 2] for document in documents if document["id"].endswith(("1", "3"))}
    words = Board(home.house()).words(language)
    names = {
        "group:nat": "Nat øst",
        "page": words.t("page.staff_page"),
        "duty": words.t("page.target_duty"),
    }
    names["everyone"] = words.t("page.target_everyone")
    by_server = {
        document["id"]: spoken_by_server(
            card(
                document,
                Looker(person="AB"),
                words,
                now_ns,
                target=names.__getitem__,
                shown=tuple(shown.get(document["id"], (0, 0))),  # type: ignore[arg-type]
            ),
            words,
        )
        for document in documents
        if on_board(document)
    }
    by_script = await spoken_by_script(browser, home, documents, shown)
    assert by_script.keys() == by_server.keys()
    for number, said in by_server.items():
        assert by_script[number] == said


def shifted(document: dict[str, Any], now_ns: int) -> dict[str, Any]:
    """Move the times of a document to now."""

    def move(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: move(each) for key, each in value.items()}
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
            return iso(parse_iso(value) - NOW.wall_ns + now_ns)
        return value

    moved: dict[str, Any] = move(document)
    return moved


def still(text: str) -> str:
    """Leave running time out of a comparison."""
    return re.sub(r"\d+[.:]\d\d", "m.ss", re.sub(r"\d+ (min|s|sek)\b( \d+ (s|sek)\b)?", "span", text))


def spoken_by_server(drawn: Any, words: Words) -> list[str]:
    """Give what a card says, and what may be done."""
    head = [drawn.state, drawn.shape, drawn.head, *([words.t("page.test")] if drawn.test else [])]
    buttons = [words.t(f"action.{action}") for action in drawn.primary]
    return [
        *head,
        drawn.label,
        drawn.count,
        drawn.what,
        *map(still, drawn.lines),
        *buttons,
        " ".join(drawn.menu),
    ]


async def spoken_by_script(
    browser: Browser, house: BoardHouse, documents: list[dict[str, Any]], shown: dict[str, Any]
) -> dict[str, list[str]]:
    """Give what the script makes of the same alerts."""
    async with open_screen(browser, house, size=WALL) as ab:
        await ab.page.evaluate(scripts.SHOW_ALERTS, [documents, shown])
        await expect(ab.page.locator("#board .card")).to_have_count(len(documents))
        raw = await ab.page.locator("#board .card").evaluate_all(scripts.READ_CARDS)
    return {number: [still(text) for text in said] for number, said in raw.items()}


async def test_without_script_the_page_says_it_and_a_form_does_it(browser: Browser, home: BoardHouse) -> None:
    """Plain HTML: the card stands there, its button takes the call, and a refusal is said in words."""
    alert = await home.press("kald-02-bad")
    async with open_screen(browser, home, path=None, size=WALL, java_script_enabled=False) as ab:
        page = ab.page
        await page.goto(home.url)
        assert "Kald fra bad · Gå til badet nu" in await page.locator("#board .card").inner_text()
        await page.get_by_role("button", name="Jeg tager den").click()
        assert "Du har den" in await page.locator("#board .card").inner_text()
        assert home.engine.open()[0].alert.taken is not None
        await page.get_by_role("link", name="Afslut").click()
        await page.get_by_role("button", name="Hjalp").click()
        assert "Nogen skal have været hos beboeren" in await page.locator(".wrong").inner_text()
        await page.goto(f"{home.url}alert/{alert.id}")
        await page.locator("input[name=presence]").check()
        await page.get_by_role("button", name="Hjalp").click()
        assert home.engine.open() == []


async def test_every_text_the_script_needs_is_sent() -> None:
    """The sections sent to the page are those of the catalogue, whole."""
    sent = Words("da", ZONE, shipped()).for_client()
    assert {key.split(".", 1)[0] for key in sent} == set(CLIENT_SECTIONS)
    assert len(sent) > 250
