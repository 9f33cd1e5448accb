"""A staff page for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.board_client import BoardClient, client
from support.board_house import BoardHouse, open_board


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
