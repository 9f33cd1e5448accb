"""Page and Unix socket stand each by itself: what is wrong with one keeps the other from nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.board.serve import SOCKET, Doors, serve
from gateway.model.alert import Alert, Priority
from support.board_house import BoardHouse, open_board
from support.certificates import self_signed
from support.eventually import eventually


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[BoardHouse]:
    """A home whose page is not served."""
    async with open_board(tmp_path) as opened:
        await opened.stop_serving()
        yield opened
        await opened.start_serving()


@asynccontextmanager
async def served(home: BoardHouse, **board: Any) -> AsyncIterator[list[Doors]]:
    """Serve with other settings of the board; gives the doors, once both answer."""
    place = home.settings.board
    home.settings = home.settings.model_copy(update={"board": place.model_copy(update=board)})
    doors: list[Doors] = []
    task = asyncio.create_task(serve(home.house(), ready=doors.append))
    try:
        yield doors
    finally:
        assert not task.done(), "it serves for ever"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        home.settings = home.settings.model_copy(update={"board": place})


async def answers(home: BoardHouse, url: str | None = None) -> bool:
    """Whether a door answers: the page's where a URL is given, else the socket."""
    connector = aiohttp.UnixConnector(str(home.state / SOCKET)) if url is None else aiohttp.TCPConnector()
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get((url or "http://velgate/") + "healthz") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def failing(home: BoardHouse, subject: str) -> Alert | None:
    """Give the alert that a door cannot be had."""
    every = (shown.alert for shown in home.engine.open())
    return next((alert for alert in every if alert.key == f"room-failing/{subject}"), None)


async def test_while_the_port_is_taken_programs_are_answered(home: BoardHouse) -> None:
    """`velgate status` works and says why; the page comes when the port is free."""
    holder = socket.create_server(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    async with served(home, port=port) as doors:
        await eventually(lambda: answers(home))
        told = await eventually(lambda: failing(home, "board"))
        assert told is not None
        assert told.priority is Priority.HIGH, "without the page nobody sees a call there"
        assert f"board 127.0.0.1:{port}" in told.detail
        assert doors == []
        holder.close()
        await eventually(lambda: doors)
        assert await answers(home, doors[0].url)
        assert doors[0].url == f"http://127.0.0.1:{port}/"
        await eventually(lambda: failing(home, "board") is None)


async def test_a_certificate_that_cannot_be_read_leaves_the_socket(home: BoardHouse, tmp_path: Path) -> None:
    """And the page comes by itself once it can."""
    certificate, key = tmp_path / "page.pem", tmp_path / "page.key"
    async with served(home, certificate=str(certificate), certificate_key=str(key)) as doors:
        await eventually(lambda: answers(home))
        told = await eventually(lambda: failing(home, "board"))
        assert told is not None
        assert "board.certificate" in told.detail
        made = self_signed(tmp_path)
        made[1].rename(key)
        made[0].rename(certificate)
        await eventually(lambda: doors)
        assert doors[0].url.startswith("https://")


async def test_without_the_socket_the_page_is_served(home: BoardHouse) -> None:
    """Technical: only programs of this machine are deaf; over when it can be had."""
    blocker = home.state / SOCKET
    blocker.mkdir()
    async with served(home, port=home.port) as doors:
        told = await eventually(lambda: failing(home, "board-socket"))
        assert told is not None
        assert told.priority is Priority.TECHNICAL
        await eventually(lambda: answers(home, f"http://127.0.0.1:{home.port}/"))
        assert doors == []
        blocker.rmdir()
        await eventually(lambda: doors)
        assert await answers(home, doors[0].url)
        assert await answers(home)
        await eventually(lambda: failing(home, "board-socket") is None)


async def test_it_ends_in_time_while_a_door_cannot_be_had(home: BoardHouse) -> None:
    """A port that is taken holds up no stop."""
    holder = socket.create_server(("127.0.0.1", 0))
    async with served(home, port=holder.getsockname()[1]):
        await eventually(lambda: failing(home, "board") is not None)
    holder.close()
    assert not (home.state / SOCKET).exists()
