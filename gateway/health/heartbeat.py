"""An outgoing heartbeat: a dead man's switch run by somebody else calls when it stays away."""

from __future__ import annotations

import asyncio
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gateway.settings.models import Heartbeat

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


async def beat(settings: Heartbeat, *, healthy: Callable[[], bool]) -> None:
    """Call the URL for ever while `healthy`; a call that fails is tried again at the next beat."""
    url = settings.url
    if url is None:
        await asyncio.Event().wait()
        return
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="heartbeat") as thread:
        while True:
            if healthy():
                try:
                    await loop.run_in_executor(thread, _call, url)
                except (OSError, ValueError) as failed:
                    log.warning("the heartbeat could not be sent: %s", failed)
            await asyncio.sleep(settings.every.total_seconds())


def _call(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"heartbeat.url is {url.partition(':')[0]}:…, expected http or https")
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  (checked above)
        answer.read(1)
