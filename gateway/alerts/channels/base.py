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
    subject: str = ""
    """Place and urgency, in the receiver's language: the heading where there is one."""


class ChannelDown(Exception):
    """It did not get through; it is tried again. `reason` is one English sentence for the technician."""

    def __init__(self, reason: str, *, lasting: bool = False, data: Mapping[str, Any] | None = None) -> None:
        """Say why; no key, name or address of a person.

        `lasting`: it will not mend itself (a wrong key, an address that is gone), so the technician hears of
        it at once. It is tried again all the same: somebody may mend it. `data` is for the channel's own use.
        """
        self.reason = reason
        self.lasting = lasting
        self.data = dict(data or {})
        super().__init__(reason)


RETRIED = frozenset({408, 425, 429})
"""Statuses of the 400s that say "later", not "never"."""


def lasting(status: int) -> bool:
    """Tell whether an HTTP status says that the same request will fail again, until somebody mends it."""
    return 300 <= status < 500 and status not in RETRIED


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
