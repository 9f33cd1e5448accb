"""A courier that runs for as long as a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gateway.alerts.channels.courier import Courier


@asynccontextmanager
async def running(courier: Courier) -> AsyncIterator[Courier]:
    """Run a courier that is wanted."""
    courier.wanted(True)
    task = asyncio.create_task(courier.run())
    try:
        yield courier
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
