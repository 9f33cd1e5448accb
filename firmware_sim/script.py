"""What happens by itself: the timed steps of a scenario."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from firmware_sim.problem import SimProblem
from firmware_sim.scenario import Step

log = logging.getLogger(__name__)

Act = Callable[[str, str, str | None], Awaitable[Any]]


async def perform(steps: Sequence[Step], act: Act) -> None:
    """Do each step at its time, counted from now; returns after the last, never if one repeats.

    A step that cannot be done (a device that somebody silenced) is logged and passed over.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    due = [(step.at_s, index) for index, step in enumerate(steps)]
    heapq.heapify(due)
    while due:
        at, index = heapq.heappop(due)
        step = steps[index]
        await asyncio.sleep(max(start + at - loop.time(), 0))
        try:
            await act(step.device, step.action, step.value)
        except SimProblem as problem:
            log.warning("script step %d: %s", index + 1, problem)
        if step.every_s is not None:
            heapq.heappush(due, (at + step.every_s, index))
