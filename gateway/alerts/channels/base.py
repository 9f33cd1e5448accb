"""What a channel is: something that takes a message, and says honestly what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias

Taken: TypeAlias = Literal["sent", "delivered"]
"""`sent`: somebody else carries it on. `delivered`: the receiving system has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One telling, ready to go out. Holds no resident's name and no health value."""

    key: str
    """The idempotency key: a message with a key that was seen before is the same message."""
    about: str
    """`alert`, or what one person is told: `dispatch`, `taken_over`, `return`."""
    person: str | None
    language: str
    text: str
    """One text, for where there is room for nothing else; in the receiver's language."""
    texts: Mapping[str, str]
    """The same in each language."""
    document: Mapping[str, Any]
    """What a machine reads: schema `velgate/notification/1`."""


class ChannelDown(Exception):
    """It did not get through; it is tried again. `reason` is one English sentence for the technician."""

    def __init__(self, reason: str) -> None:
        """Say why; no key, name or address of a person."""
        self.reason = reason
        super().__init__(reason)


class Channel(Protocol):
    """One configured channel."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def timeout(self) -> timedelta:
        """How long one attempt may take."""
        ...

    @property
    def knows_key(self) -> bool:
        """Whether the receiver can tell a repeat by its key. Else it is marked as repeated after a crash."""
        ...

    @property
    def short(self) -> bool:
        """Whether it is told place and urgency only, because it leads out of the home."""
        ...

    async def send(self, message: Message) -> Taken:
        """Send it once. Raises ChannelDown; may be cancelled at any time."""
        ...
