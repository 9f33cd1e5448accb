"""What leads out of one life of the gateway. When it ends, its wires are cut: nothing leaves any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

from sim.threads import SimThreads
from sim.trace import Trace


@dataclass(eq=False)
class Wires:
    """The wires of one life."""

    number: int
    trace: Trace
    random: Random
    threads: SimThreads
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once this life is over."""

    @property
    def live(self) -> bool:
        """Whether anything still passes."""
        return not self.cut.is_set()

    async def takes(self, low_s: float, high_s: float) -> None:
        """Let a seeded moment pass."""
        await asyncio.sleep(self.random.uniform(low_s, high_s))

    async def for_ever(self) -> None:
        """Wait for what never comes: whoever waits must give up by itself."""
        await asyncio.Event().wait()


@dataclass
class Leaving:
    """Every byte that left, by where it went; checked for what must never leave."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list)

    def note(self, way: str, *pieces: bytes) -> None:
        """Keep what left."""
        self.pieces.extend((way, piece) for piece in pieces)
