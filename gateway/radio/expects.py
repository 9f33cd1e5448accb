"""What the radio must know of the house to judge its own silence. The app says it; radio knows no driver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.model.frames import Frame

OnFrame = Callable[[Frame], Awaitable[None]]
"""Takes one frame; returns when it is taken: measurements at once, events after their commit."""


@dataclass(frozen=True, slots=True)
class Expects:
    """How much should be on the air."""

    speaking: int = 0
    """Configured Bluetooth devices that advertise by themselves at least once in `radio.silence`.

    With none, the radio learns from what it hears how long the house may be silent (`habit.py`).
    """
    radio_calls: bool = False
    """Help calls or falls come in over Bluetooth."""
    message_calls: bool = False
    """Help calls or falls come in over MQTT."""


class Supervise(Protocol):
    """Keeps `work` running for ever; `gateway.health.supervise.Rooms.supervise` is one."""

    async def __call__(self, name: str, work: Callable[[], Awaitable[None]], *, calls: bool = False) -> None:
        """Run `work`, and again after each crash. Ends by cancellation only."""
        ...
