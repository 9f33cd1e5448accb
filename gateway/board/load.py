"""The figures of alarm load for the shift view: counted by a child process, and only now and then.

Nothing of it runs on the loop or in a thread of the gateway (V20 of the verdicts: a busy interpreter is what
breaks the figures of a call).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import orjson

from gateway.board.house import House
from gateway.model.catalogue import LANGUAGES, shipped

log = logging.getLogger(__name__)

FIRST_S = 60.0  # a start has other things to do
EVERY_S = 3600.0
WITHIN_S = 60.0  # how long the child may take at nice 19
ANSWER_MAX = 64 * 1024


def flood_of(house: House) -> dict[str, Any] | None:
    """Give the flood that is on, with what rings most and where as staff call it; or None."""
    flood = house.engine.load.flood
    if flood is None:
        return None
    document = flood.document()
    settings, key = house.settings(), f"alert.{document['kind']}.short"
    texts = shipped().overlaid(settings.wording)
    what = {each: texts.text(key, each) if texts.has(key) else document["rule"] for each in LANGUAGES}
    return {**document, "what": what, "label": settings.label(document["place"])}


class LoadDesk:
    """The last figures, for whoever looks."""

    def __init__(self, house: House) -> None:
        """Nothing is counted yet."""
        self._house = house
        self.last: dict[str, Any] | None = None
        """As `velgate alert load --json` prints them; None before they were counted once."""

    async def run(self) -> None:
        """Count now and then, for ever; ends by cancellation only."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.count()
            await asyncio.sleep(EVERY_S)

    async def count(self) -> None:
        """Count once. Where that fails the figures before stand, with their time."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway.cli", "alert", "load", "--json", "--state", str(self._house.state)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=ANSWER_MAX,
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                answer, _ = await child.communicate()
        except TimeoutError:
            log.warning("the alarm load was not counted within %.0f s", WITHIN_S)
            return
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode != 0:
            log.warning("the alarm load could not be counted: exit code %s", child.returncode)
            return
        self.last = orjson.loads(answer)
