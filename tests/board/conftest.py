"""A staff page for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from support.board_client import BoardClient, client
from support.board_house import BoardHouse, open_board
from support.browser import chromium


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[BoardHouse]:
    """A home with its staff page."""
    async with open_board(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def signed_in(house: BoardHouse) -> AsyncIterator[BoardClient]:
    """AB, signed in."""
    async with client(house) as made:
        assert (await made.sign_in()).status == 204
        yield made


@pytest_asyncio.fixture
async def local(house: BoardHouse) -> AsyncIterator[BoardClient]:
    """A program on the Unix socket."""
    async with client(house, local=True) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the tests of a module, which share its loop."""
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def home(tmp_path: Path) -> AsyncIterator[BoardHouse]:
    """A home with its staff page, on the loop of the browser."""
    async with open_board(tmp_path) as opened:
        yield opened
