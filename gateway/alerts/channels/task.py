"""What the gateway and its sending process say to each other: the words, and how they are written.

Each message is JSON behind four bytes of length, over a pair of sockets that nobody else holds. Nothing of a
task stands in the arguments or the environment of a process, where others on the machine could read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LENGTH = 4  # bytes before each message, big-endian
MESSAGE_MAX = 1 << 20
REASON_MAX = 200  # letters of a reason; it stands in rows and logs


class NoSense(ValueError):
    """A message that does not have the form agreed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One attempt at one message, as a kind of channel gets it in the sending process."""

    channel: str
    """The channel's name in the configuration."""
    config: Mapping[str, Any] = field(repr=False)
    """What the channel needs, secrets too; JSON."""
    message: Mapping[str, Any] = field(repr=False)
    """What is to be told; JSON."""
    timeout_s: float
    """How long the gateway waits for the answer. What comes later nobody hears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It went out. `delivered` where the receiver itself has it, `sent` where others carry it on."""

    taken: Literal["sent", "delivered"] = "sent"
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the gateway may want to know beside it; JSON, no secret."""


class NotSent(Exception):
    """It did not go out. `lasting`: trying again will not help, somebody has to mend something."""

    def __init__(self, reason: str, *, lasting: bool = False, data: Mapping[str, Any] | None = None) -> None:
        """`reason` is one English sentence without key, name or address of a person."""
        self.reason = reason[:REASON_MAX]
        self.lasting = lasting
        self.data = dict(data or {})
        super().__init__(self.reason)


def packed(document: Mapping[str, Any]) -> bytes:
    """Write one message. Raises NoSense where it is beyond all bounds."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
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
        document = json.loads(body)
    except ValueError as error:
        raise NoSense(type(error).__name__) from None
    if not isinstance(document, dict):
        raise NoSense("no object")
    return document
