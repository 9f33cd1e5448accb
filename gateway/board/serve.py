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
from gateway.model.trouble import Trouble
from gateway.settings.models import Board as Place

log = logging.getLogger(__name__)

SOCKET = "velgate.sock"
GROUP = "velgate"
BACKLOG = 128
STOP_WITHIN_S = 1.8
KEEP_ALIVE_S = 30
AGAIN_S = 2.0
SUBJECTS = {"page": "board", "socket": "board-socket"}
"""What the trouble that a door cannot be had is about."""


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

    Each door stands by itself: where the page's address is somebody else's, or its certificate cannot be
    read, that is told and tried again, and programs of this machine are answered over the socket meanwhile;
    where the socket cannot be had, the page is served. Ends by cancellation only, within 2 s: the event
    streams are ended first, then the servers.
    """
    board = Board(house)
    app = create_app(house, board)
    doors = _BothDoors(house, ready)

    def outside() -> _Opened:
        place = house.settings().board
        listening = _listen(place, doors.port)
        scheme = "https" if place.certificate else "http"
        return _Opened(listening, _url(scheme, place.host, listening), lambda: _config(app, place))

    def inside() -> _Opened:
        path = house.state / SOCKET
        return _Opened(_listen_local(path), path, lambda: _config(_LocalDoor(app), None), lambda: _gone(path))

    async with asyncio.TaskGroup() as tasks:
        works = [
            tasks.create_task(doors.keep("page", outside), name="http"),
            tasks.create_task(doors.keep("socket", inside), name="http-socket"),
        ]
        loops = tasks.create_task(board.run(), name="board")
        try:
            await asyncio.wait([*works, loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Still inside the group: its tasks are cancelled only after this, so that they can end in order.
            board.hub.viewers.end_all()
            doors.close()
            await asyncio.wait(works, timeout=STOP_WITHIN_S)
            loops.cancel()
            for work in works:
                work.cancel()


@dataclass(frozen=True, slots=True)
class _Opened:
    """A door that was opened, and how to serve at it."""

    listening: socket.socket
    where: str | Path
    config: Callable[[], uvicorn.Config]
    closed: Callable[[], object] = lambda: None


class _BothDoors:
    """Keeps the doors open, each for itself."""

    def __init__(self, house: House, ready: Callable[[Doors], None] | None) -> None:
        self._house = house
        self._ready = ready
        self._where: dict[str, str | Path] = {}
        self._servers: dict[str, _Server] = {}
        self._told: set[str] = set()
        self._closing = asyncio.Event()
        self.port: int | None = None
        """The port that was had the first time: a free one that was drawn stays the same."""

    async def keep(self, name: str, door: Callable[[], _Opened]) -> None:
        """Serve at a door for ever; ends after `close`."""
        while not self._closing.is_set():
            try:
                opened = door()
                with contextlib.closing(opened.listening):
                    await self._serve(name, opened)
            except Problem as problem:
                self._tell(name, str(problem))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._closing.wait()

    def close(self) -> None:
        """Let what is served end, and open nothing again."""
        self._closing.set()
        for server in self._servers.values():
            server.should_exit = True

    async def _serve(self, name: str, opened: _Opened) -> None:
        """Serve until the server ends. Raises Problem where it cannot begin."""
        server = _Server(opened.config())
        self._servers[name] = server
        try:
            async with asyncio.TaskGroup() as both:
                answering = both.create_task(self._answers(name, server, opened))
                await server.serve([opened.listening])
                answering.cancel()
        finally:
            self._where.pop(name, None)
            opened.closed()
        if not self._closing.is_set():
            log.error("the HTTP server of the %s ended by itself", name)

    async def _answers(self, name: str, server: _Server, opened: _Opened) -> None:
        await server.up.wait()
        self._where[name] = opened.where
        if name in self._told:
            self._told.discard(name)
            self._house.engine.trouble(Trouble(kind="room.failing", subject=SUBJECTS[name], present=False))
        page, path = self._where.get("page"), self._where.get("socket")
        if isinstance(page, str):
            self.port = self.port or int(page.rstrip("/").rpartition(":")[2])
            if isinstance(path, Path) and self._ready is not None:
                self._ready(Doors(page, path))

    def _tell(self, name: str, why: str) -> None:
        if name in self._told:
            return
        log.error("%s", why)
        self._told.add(name)
        detail = f"the {name} does not answer: {why} It is tried again every {AGAIN_S:g} s."
        # Without the page nobody sees a call there; without the socket only programs here are deaf.
        trouble = Trouble(
            kind="room.failing",
            subject=SUBJECTS[name],
            present=True,
            calls_unheard=name == "page",
            detail=detail,
        )
        self._house.engine.trouble(trouble)


def _gone(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


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


def _listen(place: Place, port: int | None = None) -> socket.socket:
    """Listen where the settings say; where they leave the port open, on the one that was had before."""
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((place.host, place.port or port or 0))
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
