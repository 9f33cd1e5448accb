"""Takes back on the phones what somebody has taken: the push of an alert gives way to who has it.

A browser shows something for each push, so that nothing can be taken back in silence: the phone shows, in
place of the call and without a sound, that somebody has it. Sent once for each time that an alert leaves
`unacknowledged`, to those whom its push went out to, and not tried again: a phone that misses it opens the
alert as it stands when it is tapped.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from gateway.alerts.bulletin import Published
from gateway.alerts.channels.base import ChannelDown
from gateway.alerts.channels.push import LIVES_S, Note, Push, topic
from gateway.alerts.channels.push_book import Store
from gateway.model.alert import Alert, Handling
from gateway.model.catalogue import Catalogue
from gateway.model.clock import Clock, iso

log = logging.getLogger(__name__)

WAITING_MAX = 200  # alerts whose pushes are still to be taken back; beyond it the oldest keep theirs
KNOWN_MAX = 500  # alerts of which it is remembered that theirs were
AT_ONCE = 4
AGAIN_S = 1.0


class Publishes(Protocol):
    """The engine, as far as it tells of new states."""

    def subscribe(self) -> Any:
        """Give an asynchronous iterator of `Published` with `aclose`."""
        ...


class TakenBack:
    """Follows the alerts. `run` is a room of the house."""

    def __init__(
        self,
        push: Push,
        *,
        engine: Publishes,
        store: Callable[[], Store],
        clock: Clock,
        words: Callable[[], Catalogue],
        language: Callable[[str], str],
    ) -> None:
        """`language` is that of a person."""
        self._push, self._engine, self._store = push, engine, store
        self._clock, self._words, self._language = clock, words, language
        self._waiting: OrderedDict[str, Alert] = OrderedDict()
        self._known: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Follow, for ever. Ends by cancellation."""
        async with asyncio.TaskGroup() as rooms:
            rooms.create_task(self._listen(), name="push follows")
            for number in range(AT_ONCE):
                rooms.create_task(self._work(), name=f"push takes back {number}")

    async def _listen(self) -> None:
        while True:
            published: AsyncIterator[Published]
            async with aclosing(self._engine.subscribe()) as published:
                async for each in published:
                    self._heard(each)
            await asyncio.sleep(AGAIN_S)  # cut off, or the engine began anew

    def _heard(self, published: Published) -> None:
        alert = published.alert
        left = alert.handling is not Handling.UNACKNOWLEDGED and alert.handling is not Handling.SUPPRESSED
        if not left or not published.durable or not len(self._push.book):
            return
        if (alert.id, alert.cycle) in self._known:
            return
        self._known[alert.id, alert.cycle] = None
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        self._waiting[alert.id] = alert
        while len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
        self._moved.set()

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._moved.clear()
                await self._moved.wait()
            _, alert = self._waiting.popitem(last=False)
            try:
                await self._take_back(alert)
            except (TimeoutError, sqlite3.Error) as busy:
                log.warning("a push is not taken back: %s", busy or type(busy).__name__)

    async def _take_back(self, alert: Alert) -> None:
        channel = self._push.channel
        if channel is None:
            return
        # Also what was dropped: it may have been on its way in the moment in which somebody took it.
        rows = await self._store().read(
            lambda ledger: ledger.notifications(alert.id, ("sent", "delivered", "sending", "dropped"))
        )
        persons = {row.person for row in rows if row.channel == channel[0] and row.person}
        for person in sorted(persons):
            try:
                await self._push.send(self._push.book.of(person), self._note(alert, person))
            except ChannelDown as down:
                log.info("a push is not taken back: %s", down.reason)

    def _note(self, alert: Alert, person: str) -> Note:
        language = self._language(person)
        taken = alert.taken
        if alert.handling is Handling.ACKNOWLEDGED and taken is not None:
            mine = taken.by.casefold() == person.casefold()
            key = "push.taken_mine" if mine else "push.taken"
            said = self._words().text(key, language, by=taken.by)
        elif alert.handling is Handling.SHELVED:
            said = self._words().text("push.shelved", language)
        else:
            said = self._words().text("push.over", language)
        return Note(
            about="taken",
            topic=topic(alert.id),
            title=f"{alert.label}: {said}",
            body="",
            language=language,
            urgency="normal",
            lives_s=LIVES_S[alert.priority.value],
            more={"alert": alert.id, "rev": alert.rev, "time": iso(self._clock.now().wall_ns)},
        )
