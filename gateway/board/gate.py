"""The door of the board: who asks, whether another site made a browser ask, what every answer carries."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.board.board import Board
from gateway.board.callers import Caller
from gateway.board.problems import problem
from gateway.model.refusal import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = ("/assets/", "/healthz", "/manifest.webmanifest", "/sw.js", "/favicon.ico")
"""Files of the sign-in page and the liveness answer: nobody is asked for."""

POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; "
    "manifest-src 'self'; "
    "worker-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """ASGI middleware around all endpoints."""

    def __init__(self, app: ASGIApp, board: Board) -> None:
        """Stand before `app`."""
        self._app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        connection = HTTPConnection(scope)
        sending = _Sending(send, scope, self._board, began)
        if scope["path"].startswith(OPEN_PATHS):
            scope["velgate.caller"] = Caller()
        else:
            caller = await self._board.register.identify(connection)
            scope["velgate.caller"] = caller
            if (
                scope["method"] not in SAFE
                and caller.door in {"nobody", "session", "screen"}
                and foreign(connection)
            ):
                refused = Refused("not_allowed", "the request comes from another site", reason="foreign")
                await problem(refused)(scope, receive, sending)
                return
        await self._app(scope, receive, sending)


def foreign(connection: HTTPConnection) -> bool:
    """Tell whether a browser says that another site made it ask.

    Every browser sends `Origin` with a POST; newer ones also `Sec-Fetch-Site`. Programs send neither, and
    no page can make them act. The cookies are `SameSite=Strict` besides.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != connection.headers.get("host")


class _Sending:
    """Adds the headers of every answer, and counts it."""

    def __init__(self, send: Send, scope: Scope, board: Board, began: float) -> None:
        self._send = send
        self._scope = scope
        self._board = board
        self._began = began

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            streams = headers.get("content-type", "").startswith("text/event-stream")
            taken = None if streams else time.perf_counter() - self._began
            self._board.metrics.answered(self._scope["method"], message["status"], taken)
        await self._send(message)
