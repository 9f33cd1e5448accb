"""An independent HTTP client for the board's API, over TCP and over the Unix socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from support.board_house import PIN, BoardHouse


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        found: str | None = self.json["code"]
        return found


class BoardClient:
    """One client with its cookies."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        """Speak to `base`."""
        self.session = session
        self.base = base

    async def get(self, path: str, **headers: str) -> Answer:
        """GET, redirects not followed."""
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST JSON."""
        return await self.ask("POST", path, body, headers)

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send any request."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        given = {key.replace("_", "-"): value for key, value in (headers or {}).items()}
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        async with self.session.request(
            method, self.base + path, data=data, headers=given, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    async def sign_in(self, person: str = "AB", pin: str = PIN) -> Answer:
        """Sign in by initials and PIN."""
        return await self.post("/api/v1/session", {"person": person, "pin": pin})

    @asynccontextmanager
    async def stream(
        self, query: str = "", path: str = "/api/v1/stream", **headers: str
    ) -> AsyncIterator[Events]:
        """Open an event stream."""
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.session.get(
            f"{self.base}{path}{query}", headers=given, timeout=aiohttp.ClientTimeout(total=None)
        ) as response:
            assert response.status == 200, await response.text()
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield Events(response)


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: Any
    id: int | None


class Events:
    """Reads events as a browser would."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Read from a response."""
        self._response = response

    def __aiter__(self) -> Events:
        """Iterate over the events."""
        return self

    async def __anext__(self) -> Event:
        """Give the next event; StopAsyncIteration at the end of the stream."""
        name, data, number = "message", "", None
        while True:
            line = (await self._response.content.readline()).decode()
            if not line:
                raise StopAsyncIteration
            if line == "\n":
                if data:
                    return Event(name, json.loads(data), number)
                name, data, number = "message", "", None
                continue
            key, _, value = line.rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                data += value
            elif key == "id":
                number = int(value)

    async def next(self, *names: str) -> Event:
        """Give the next event of one of these names."""
        async for event in self:
            if not names or event.name in names:
                return event
        raise AssertionError(f"the stream ended before {names}")


@asynccontextmanager
async def client(house: BoardHouse, *, local: bool = False) -> AsyncIterator[BoardClient]:
    """Open a client: over TCP, or over the Unix socket."""
    connector = aiohttp.UnixConnector(str(house.socket)) if local else aiohttp.TCPConnector()
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, not of a name
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield BoardClient(session, "http://velgate" if local else house.url.rstrip("/"))
