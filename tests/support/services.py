"""Servers that stand in for the services to which channels send: they keep what came, and answer as told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Got:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def every_byte(self) -> bytes:
        """All of it that was sent."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method} {self.target}\n{head}\n\n".encode() + self.body

    def texts(self) -> Iterator[str]:
        """Give every text in it, read as its type says."""
        kind = self.headers.get("content-type", "").split(";")[0]
        text = self.body.decode("utf-8", "replace")
        yield from (value for _, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True))
        if not text:
            return
        if kind.endswith("json") or text[0] in "{[":
            yield from _strings(json.loads(text))
        elif "xml" in kind:
            yield from (element.text or "" for element in ElementTree.fromstring(text).iter())  # noqa: S314  (our own plugin's)
        elif kind == "application/x-www-form-urlencoded":
            yield from (value for _, value in parse_qsl(text, keep_blank_values=True))
        else:
            yield text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


@dataclass
class Web:
    """A web service of any kind."""

    port: int = 0
    status: int = 200
    got: list[Got] = field(default_factory=list)
    answers: Callable[[Got], Any] = lambda _got: {"ok": True}
    """What is said with a status of the 200s: JSON, or a text as it is."""
    hangs: set[str] = field(default_factory=set)
    """Beginnings of paths that get no answer."""
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(request.method, request.path_qs, headers, await request.read())
        self.got.append(got)
        if any(request.path.startswith(path) for path in self.hangs):
            await self.leave.wait()
        if not 200 <= self.status < 300:
            return web.json_response({"error": "as the test says"}, status=self.status)
        answer = self.answers(got)
        if isinstance(answer, str):
            return web.Response(text=answer, status=self.status)
        return web.json_response(answer, status=self.status)


@asynccontextmanager
async def web_service(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """Run a web service on a free port."""
    here = Web()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    here.port = runner.addresses[0][1]
    try:
        yield here
    finally:
        here.leave.set()
        await runner.cleanup()


@dataclass
class Mail:
    """A mail server that takes, or refuses with a code."""

    port: int = 0
    refuses: str | None = None
    """What it says instead of taking a mail: `452 4.2.2 mailbox full`."""
    password: bytes = b"hemmeligt-kodeord"
    got: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        if self.refuses is not None:
            return self.refuses
        self.got.append(envelope)
        return "250 taken"

    def sign_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        """Tell whether a password is right."""
        right = isinstance(data, LoginPassword) and data.password == self.password
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def mail_service() -> AsyncIterator[Mail]:
    """Run a mail server on a free port."""
    here = Mail()
    loop = asyncio.get_running_loop()

    def talk() -> SMTP:
        return SMTP(here, authenticator=here.sign_in, auth_require_tls=False, hostname="mail", loop=loop)

    server = await loop.create_server(talk, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        await server.wait_closed()
