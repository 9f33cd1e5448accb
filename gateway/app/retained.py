"""What the broker may go on retaining: nothing of a device that is gone, nothing whose legal basis ended.

A retained message outlives the moment it was sent in, so it must be taken back when what it says may no
longer be said. What could not be taken back because the broker was away is taken back when it is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from gateway.journal.errors import NotDurable
from gateway.model.alert import Concern
from gateway.model.quantities import find
from gateway.model.readings import Kind, Record
from gateway.outlets.outcome import OutletDown
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0  # a decision ends with a day, without anybody doing anything

Series = tuple[str, str, Kind, int | None]


class Retained:
    """Clears what may no longer be retained. `run` is its loop, `stands` what the outlet asks as it sends."""

    def __init__(
        self,
        *,
        latest: Callable[[], Iterable[Record]],
        settings: Callable[[], Settings],
        allows: Callable[[str, Concern], bool],
        clear: Callable[[Sequence[Record], Sequence[str]], Awaitable[None]],
        recall: Callable[[], Awaitable[frozenset[str]]],
        remember: Callable[[frozenset[str]], Awaitable[None]],
    ) -> None:
        """`latest` gives each series' newest record, `allows` whether a concern has its basis at a place.

        `clear` takes records and devices off the broker and raises OutletDown where it is away. `recall` and
        `remember` keep the names of the devices that may have something there, also over a restart.
        """
        self._latest = latest
        self._settings = settings
        self._allows = allows
        self._clear = clear
        self._recall = recall
        self._remember = remember
        self._news = asyncio.Event()
        self._cleared: set[Series] = set()

    def stands(self, record: Record) -> bool:
        """Tell whether a record may be retained: its device is still there, and so is its basis."""
        device = self._settings().device.get(record.device)
        if device is None or device.place != record.place:
            return False
        quantity = find(record.quantity, record.kind)
        personal = quantity is not None and quantity.concern.personal
        return not personal or (quantity is not None and self._allows(record.place, quantity.concern))

    def changed(self) -> None:
        """Look now: a basis or the configuration has changed."""
        self._news.set()

    def connected(self) -> None:
        """Look now, at everything: a broker that was away may have kept what ended meanwhile."""
        self._cleared.clear()
        self._news.set()

    async def run(self) -> None:
        """Clear what ends, for ever. Ends by cancellation only."""
        published = await self._recall()
        while True:
            self._news.clear()
            try:
                published = await self._look(published)
            except OutletDown as down:
                log.info("retained messages are cleared once the broker is there: %s", down)
            except NotDurable as disk:
                log.warning("which devices are published is not kept: %s", disk.reason)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _look(self, published: frozenset[str]) -> frozenset[str]:
        """Clear what is to be cleared, and give the devices that may have something on the broker now."""
        known = frozenset(self._settings().device)
        if not known <= published:
            await self._remember(published | known)  # before anything of them is retained for long
        gone = published - known
        ended = {
            _series(record): record
            for record in self._latest()
            if record.kind is not Kind.EVENT
            and (record.device in gone or (record.device in known and not self.stands(record)))
        }
        self._cleared &= ended.keys()
        due = [record for series, record in ended.items() if series not in self._cleared]
        if due or gone:
            # A device that has gone is cleared once: its name may be another gateway's tomorrow.
            await self._clear(due, sorted(gone))
            self._cleared |= ended.keys()
        if gone:
            await self._remember(known)
        return known


def _series(record: Record) -> Series:
    return record.device, record.quantity, record.kind, record.channel
