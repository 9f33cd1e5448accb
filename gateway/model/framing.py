"""How the gateway and a process that it started talk: JSON objects, each behind four bytes of length.

They go over a pair of sockets that nobody else holds; nothing of them stands in the arguments or the
environment of a process, where others on the machine could read it. Neither side believes a length.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import orjson

LENGTH = 4  # bytes before each message, big-endian
MESSAGE_MAX = 1 << 20


class NoSense(ValueError):
    """A message that does not have the form agreed on."""


def packed(document: Mapping[str, Any]) -> bytes:
    """Write one message. Raises NoSense where it is no JSON, or beyond all bounds."""
    try:
        body = orjson.dumps(document)
    except TypeError as error:
        raise NoSense(f"no JSON: {type(error).__name__}") from None
    if len(body) > MESSAGE_MAX:
        raise NoSense(f"a message of {len(body)} bytes; at most {MESSAGE_MAX}")
    return len(body).to_bytes(LENGTH, "big") + body


def length_of(prefix: bytes) -> int:
    """Read a length. Raises NoSense where it is beyond all bounds."""
    length = int.from_bytes(prefix, "big")
    if length > MESSAGE_MAX:
        raise NoSense(f"a message of {length} bytes; at most {MESSAGE_MAX}")
    return length


def parsed(body: bytes) -> dict[str, Any]:
    """Read one message. Raises NoSense for anything but an object."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NoSense(type(error).__name__) from None
    if not isinstance(document, dict):
        raise NoSense("no object")
    return document


def received(connection: socket.socket) -> dict[str, Any] | None:
    """Wait for one message; None where the other side has closed. Raises NoSense and OSError. Blocks."""
    prefix = _exactly(connection, LENGTH)
    body = prefix and _exactly(connection, length_of(prefix))
    return parsed(body) if body else None


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return b""
        data += part
    return data
