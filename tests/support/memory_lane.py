"""A lane in memory: what the journal offers an outlet, without the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from gateway.outlets.deliver import Rows
from gateway.outlets.outcome import Refused

T = TypeVar("T")


class MemoryLane(Generic[T]):
    """Rows that a test appends; remembers where the cursor stood and what was set aside."""

    def __init__(self, name: str = "test/readings", at: int = 0) -> None:
        """Begin empty, with the cursor at `at`."""
        self.name = name
        self.rows: list[tuple[int, T]] = []
        self.cursor = at
        self.aside: list[Refused] = []
        self._new = asyncio.Event()

    def append(self, *values: T) -> None:
        """Add rows behind the last one."""
        first = len(self.rows) + 1
        self.rows += list(enumerate(values, first))
        self._new.set()

    async def position(self) -> int:
        return self.cursor

    async def after(self, seq: int, limit: int) -> Rows[T]:
        while len(self.rows) <= seq:
            self._new.clear()
            await self._new.wait()
        page = tuple(self.rows[seq : seq + limit])
        return Rows(page, page[-1][0], len(self.rows))

    async def advance(self, to: int, aside: Sequence[Refused]) -> None:
        self.cursor = to
        self.aside += aside

    def lag(self, seq: int) -> int:
        return len(self.rows) - seq
