"""What the board says of alarm load: a flood on the empty board, figures in the shift view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.board.board import Board
from gateway.board.evidence import evidence
from gateway.board.words import Words
from gateway.model.catalogue import shipped
from support.board_client import client
from support.board_house import BoardHouse, open_board
from support.eventually import eventually

DANISH = Words("da", ZoneInfo("Europe/Copenhagen"), shipped())


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BoardHouse]:
    """A home with two on duty."""
    monkeypatch.setattr("gateway.board.load.WITHIN_S", 600.0)  # at nice 19 a busy machine lets a child wait
    async with open_board(tmp_path) as opened:
        yield opened


def rung(home: BoardHouse, number: int) -> None:
    """Let so many devices be taken off."""
    home.engine.observe([home.record(f"kald-{n:02d}", "tamper", True) for n in range(1, number + 1)])


async def board_of(home: BoardHouse) -> dict[str, Any]:
    """Give the state that a page starts from."""
    async with client(home) as page:
        await page.sign_in()
        state: dict[str, Any] = (await page.get("/api/v1/board")).json
    return state


async def test_a_flood_stands_on_the_board_with_what_rings_most(home: BoardHouse) -> None:
    """In words, yellow; on a screen that visitors can see nothing of it."""
    assert (await board_of(home))["flood"] is None
    rung(home, 5)
    await eventually(lambda: home.engine.load.flood is not None)
    state = await board_of(home)
    assert (state["flood"]["count"], state["flood"]["rule"]) == (5, "tamper")
    lines = {line.text: line.good for line in evidence(state, DANISH)}
    flooded = next(text for text in lines if text.startswith("Mange alarmer"))
    assert flooded.startswith("Mange alarmer: 5 på 10 min. Mest: Taget af eller løs – Bolig ")
    assert lines[flooded] is False
    async with client(home) as page:
        await page.sign_in()
        text = (await page.get("/shift")).text
    assert "Mange alarmer lige nu: 5 på 10 min." in text


async def test_the_shift_view_shows_the_figures_that_a_child_has_counted(home: BoardHouse) -> None:
    """Before the first count it says so; nobody is named."""
    async with client(home) as page:
        await page.sign_in()
        assert "Tælles op om lidt." in (await page.get("/shift")).text
        assert (await page.get("/api/v1/shift")).json["load"] is None
    rung(home, 3)
    await eventually(lambda: len(home.engine.open()) >= 3)
    board = Board(home.house())
    await board.load.count()
    found = board.load.last
    assert found is not None
    assert (found["schema"], found["rules"]["count"]) == ("velgate/load/1", 3)
    assert found["most"][0]["rule"] == "tamper"


async def test_a_count_that_fails_leaves_the_figures_before(home: BoardHouse, tmp_path: Path) -> None:
    """A journal that cannot be read by the child is no matter of the page."""
    board = Board(home.house())
    before = board.load.last = {"schema": "velgate/load/1"}
    board.load._house = type("Gone", (), {"state": tmp_path / "nowhere"})()
    await board.load.count()
    assert board.load.last == before
