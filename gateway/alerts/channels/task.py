"""What the gateway and its sending process say to each other: a task, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

REASON_MAX = 200  # letters of a reason; it stands in rows and logs


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
