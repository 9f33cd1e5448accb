"""One HTTP/1.1 request on asyncio: no thread waits for a receiver that hangs, and cancelling closes it.

Redirects are not followed: a webhook that moved is for the technician to mend, not for whoever answers there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

ANSWER_MAX_BYTES = 65_536  # an answer is read to its end for its status alone
READ_BYTES = 16_384
LOOKUPS_MAX = 4  # names looked up at once for one receiver; further attempts wait for their turn


class HttpFailed(Exception):
    """No answer, or none that could be understood. Says why in one English sentence."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL taken apart."""

    secure: bool
    host: str
    port: int
    target: str
    """Path and query."""

    @classmethod
    def parse(cls, text: str) -> Url:
        """Take an http or https URL apart. Raises ValueError for any other, or one with a user in it."""
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("an http or https URL with a host, and without user and password")
        secure = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(secure, parts.hostname, parts.port or (443 if secure else 80), target)


class Names:
    """Looks up host names, each look-up in a thread of its own.

    A name server that hangs would otherwise fill the loop's common threads, or hold up the program's end.
    """

    def __init__(self) -> None:
        """Begin with no look-up under way."""
        self._free = asyncio.Semaphore(LOOKUPS_MAX)

    async def addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        """Give the addresses of a host. Raises OSError or UnicodeError where it has none."""
        async with self._free:
            loop = asyncio.get_running_loop()
            found: asyncio.Future[list[tuple[str, int]]] = loop.create_future()
            threading.Thread(
                target=_look_up, args=(host, port, loop, found), name="webhook-names", daemon=True
            ).start()
            return await found


async def post(
    url: Url, headers: Mapping[str, str], body: bytes, *, names: Names, tls: ssl.SSLContext | None = None
) -> int:
    """Send one POST and give the status of the answer. Raises HttpFailed."""
    try:
        reader, writer = await _connect(url, names, tls)
    except (OSError, ssl.SSLError, UnicodeError) as error:
        raise HttpFailed(f"no connection: {_reason(error)}") from error
    try:
        return await _exchange(url, headers, body, reader, writer)
    except (OSError, h11.RemoteProtocolError) as error:
        raise HttpFailed(f"no answer: {_reason(error)}") from error
    finally:
        writer.transport.abort()


async def _connect(
    url: Url, names: Names, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = (tls or ssl.create_default_context()) if url.secure else None
    failed = OSError("the name has no address")
    for host, port in await names.addresses(url.host, url.port):
        try:
            return await asyncio.open_connection(
                host, port, ssl=context, server_hostname=url.host if context else None
            )
        except OSError as error:
            failed = error
    raise failed


def _look_up(
    host: str, port: int, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[tuple[str, int]]]
) -> None:
    addresses: list[tuple[str, int]] = []
    failed: OSError | UnicodeError | None = None
    try:
        every = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(str(address[0]), int(address[1])) for *_, address in every]
    except (OSError, UnicodeError) as error:
        failed = error

    def answer() -> None:
        if found.done():  # whoever asked has given up
            return
        if failed is not None:
            found.set_exception(failed)
        else:
            found.set_result(addresses)

    if not loop.is_closed():
        loop.call_soon_threadsafe(answer)


async def _exchange(
    url: Url,
    headers: Mapping[str, str],
    body: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> int:
    http = h11.Connection(h11.CLIENT)
    default = 443 if url.secure else 80
    host = f"[{url.host}]" if ":" in url.host else url.host
    every = {
        "host": host if url.port == default else f"{host}:{url.port}",
        "content-length": str(len(body)),
        "connection": "close",
        **headers,
    }
    request = h11.Request(method="POST", target=url.target, headers=list(every.items()))
    for event in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(http.send(event) or b"")
    await writer.drain()
    read = 0
    while True:
        match http.next_event():
            case h11.NEED_DATA:
                data = await reader.read(READ_BYTES)
                read += len(data)
                if read > ANSWER_MAX_BYTES:
                    raise HttpFailed(f"an answer of more than {ANSWER_MAX_BYTES} bytes")
                http.receive_data(data)
            case h11.Response(status_code=status):
                return int(status)
            case h11.ConnectionClosed():
                raise HttpFailed("no answer: the connection was closed")
            case _:  # an interim answer (1xx): the real one follows
                continue


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    known = error.strerror if isinstance(error, OSError) else None
    return str(known or type(error).__name__)
