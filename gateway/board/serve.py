"""Serving the board with uvicorn: over TCP, and over a Unix socket for the programs of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.board.app import create_app
from gateway.board.board import Board
from gateway.board.callers import LOCAL
from gateway.board.house import House
from gateway.model.problem import Exit, Problem
from gateway.settings.models import Board as Place

log = logging.getLogger(__name__)

SOCKET = "velgate.sock"
GROUP = "velgate"
BACKLOG = 128
STOP_WITHIN_S = 1.8
KEEP_ALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the board answers."""

    url: str
    socket: Path


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: stopping is the gateway's business. `up` is set once it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield


class _LocalDoor:
    """Marks what comes over the Unix socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[LOCAL] = True
        await self._app(scope, receive, send)


async def serve(house: House, *, ready: Callable[[Doors], None] | None = None) -> None:
    """Serve the board for ever; `ready` is told once both doors answer.

    Ends by cancellation only, within 2 s: the event streams are ended first, then the servers. Raises Problem
    where an address cannot be had or a certificate cannot be read.
    """
    place = house.settings().board
    board = Board(house)
    app = create_app(house, board)
    with contextlib.ExitStack() as held:
        outside = held.enter_context(contextlib.closing(_listen(place)))
        path = house.state / SOCKET
        inside = held.enter_context(contextlib.closing(_listen_local(path)))
        held.callback(lambda: path.unlink(missing_ok=True))
        scheme = "https" if place.certificate else "http"
        doors = Doors(_url(scheme, place.host, outside), path)
        servers = (
            (_Server(_config(app, place)), outside),
            (_Server(_config(_LocalDoor(app), None)), inside),
        )
        await _run(board, servers, lambda: ready and ready(doors))


async def _run(
    board: Board, servers: tuple[tuple[_Server, socket.socket], ...], started: Callable[[], object]
) -> None:
    async with asyncio.TaskGroup() as tasks:
        loops = tasks.create_task(board.run(), name="board")
        serving = [tasks.create_task(server.serve([listening]), name="http") for server, listening in servers]
        try:
            for server, _ in servers:
                await server.up.wait()
            started()
            await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
            raise RuntimeError("the HTTP server ended by itself")
        finally:
            # Still inside the group: its tasks are cancelled only after this, so that they can end in order.
            board.hub.viewers.end_all()
            for server, _ in servers:
                server.should_exit = True
            await asyncio.wait(serving, timeout=STOP_WITHIN_S)
            loops.cancel()


def _config(app: ASGIApp, place: Place | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=place.certificate if place else None,
        ssl_keyfile=place.certificate_key if place else None,
        h11_max_incomplete_event_size=32 * 1024,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as failed:
        raise Problem(
            "board.certificate",
            expected="a certificate and its key that this user can read",
            found=str(failed),
            do="check board.certificate and board.certificate_key",
            exit=Exit.CONFIGURATION,
        ) from failed
    return config


def _listen(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((place.host, place.port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as failed:
        listening.close()
        raise Problem(
            f"board {place.host}:{place.port}",
            expected="an address and port that are free",
            found=failed.strerror or str(failed),
            do="set another board.port, or stop what listens there",
            exit=Exit.FAILED,
        ) from failed
    return listening


def _listen_local(path: Path) -> socket.socket:
    """Listen on a Unix socket that its group may use: mode 0660, group velgate where there is one."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)  # left by a crash; a second gateway is refused before it comes here
        listening.bind(str(path))
        path.chmod(0o660)  # before it listens, so that nobody else ever gets through
        with contextlib.suppress(KeyError, PermissionError):
            os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as failed:
        listening.close()
        raise Problem(
            str(path),
            expected="a place for the Unix socket, at most 107 bytes long",
            found=failed.strerror or str(failed),
            do="check the state folder and its rights",
            exit=Exit.FAILED,
        ) from failed
    return listening


def _url(scheme: str, host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{scheme}://{shown}:{port}/"
