"""Web Push to people's phones: one channel of the configuration, each phone on which somebody has allowed it.

A push about an alert carries the alert's topic, so that a later one takes the place of an earlier one that
the phone has not fetched yet; the page's service worker does the same with what the phone shows. A push may
come late or not at all, so that it is never the only way (`velgate check`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from gateway.alerts.channels.base import ChannelDown, Message, Taken
from gateway.alerts.channels.push_book import PushBook, Store, Subscription
from gateway.alerts.channels.push_crypto import base64url
from gateway.alerts.channels.push_key import PushKey, push_key
from gateway.alerts.channels.push_services import permitted
from gateway.model.clock import NS, Clock, iso
from gateway.settings.channels import Channel as Configured
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

KIND = "web_push"
OPEN_AGAIN_S = 5.0  # also how soon a channel that a reload has brought is at work
LOOK_AGAIN_S = 60.0  # for persons who are no longer in the configuration
TITLE_MAX, BODY_MAX = 120, 600  # letters; a phone shows fewer, and one record must hold them

URGENCY = {"emergency": "high", "high": "high", "medium": "normal", "technical": "low"}
"""By priority (RFC 8030, section 5.3): `high` also wakes a phone that saves power."""
LIVES_S = {"emergency": 3600, "high": 3600, "medium": 4 * 3600, "technical": 24 * 3600}
"""How long a push service keeps what a phone has not fetched: it is told again, or taken back, by then."""


class Sends(Protocol):
    """`gateway.alerts.channels.courier.Courier`."""

    async def send(
        self,
        channel: str,
        kind: str,
        config: Mapping[str, Any],
        message: Mapping[str, Any],
        timeout_s: float,
    ) -> object:
        """Make one attempt. Raises ChannelDown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a phone is told. Holds no resident's name; its keys are what `sw.js` reads."""

    about: str
    """`alert`, `taken` (somebody has it: shown in its place, without a sound) or `trial`."""
    topic: str
    """Of two with one topic the phone shows the later one."""
    title: str
    body: str
    language: str
    urgency: str
    lives_s: int
    more: Mapping[str, Any]
    """`alert`, `rev`, `time`; of a trial `token`."""

    def payload(self) -> str:
        """Write it as JSON."""
        said = {"about": self.about, "tag": self.topic, "title": self.title[:TITLE_MAX]}
        said |= {"body": self.body[:BODY_MAX], "lang": self.language, **self.more}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def topic(subject: str) -> str:
    """Name what a push is about, as a push service takes it: 32 letters (RFC 8030, section 5.4)."""
    return base64url(hashlib.sha256(subject.encode()).digest()[:24])


class Push:
    """Sends pushes, and knows to whom. Belongs to the event loop; `run` is a room of the house."""

    def __init__(
        self,
        *,
        store: Callable[[], Store],
        state: Path,
        clock: Clock,
        settings: Callable[[], Settings],
        courier: Sends,
    ) -> None:
        """`store` gives the alarm file once it is open."""
        self.book = PushBook(store)
        self._state, self._clock, self._settings, self._courier = state, clock, settings, courier
        self._key: PushKey | None = None
        self._waits: dict[str, int] = {}
        """Until when (monotonic, in nanoseconds) a push service asked to be left alone, by subscription."""
        self._gone: dict[str, Subscription] = {}
        self._unreached: set[str] = set()
        self._moved = asyncio.Event()

    # What is there.

    @property
    def channel(self) -> tuple[str, Configured] | None:
        """The channel of the configuration, by name; None where there is none."""
        found = ((name, each) for name, each in self._settings().channel.items() if each.kind == KIND)
        return min(found, key=lambda each: each[0], default=None)

    @property
    def public_key(self) -> str | None:
        """What a page subscribes with; None where nothing is pushed."""
        return self._key.public if self._key and self.channel else None

    def ways(self, person: str) -> tuple[str, ...]:
        """Name the channel where somebody has a phone that takes pushes."""
        channel = self.channel
        return (channel[0],) if channel and self.book.of(person) else ()

    async def open(self) -> None:
        """Read the key and the subscriptions. What fails is told, and tried again by `run`."""
        if self.channel is None:
            return
        try:
            self._key = await asyncio.to_thread(push_key, self._state)
            await self.book.load()
        except (OSError, ValueError, TimeoutError, sqlite3.Error) as error:
            self._key = None
            log.warning("pushes have to wait: %s", error or type(error).__name__)

    # Sending.

    async def send(self, subscriptions: Sequence[Subscription], note: Note) -> int:
        """Hand a note to each phone's push service, all at once; gives how many took it.

        Raises ChannelDown where none did. Phones that have ended their subscription are removed soon after.
        """
        channel = self.channel
        if channel is None or self._key is None:
            raise ChannelDown("no channel of kind web_push is configured, or its key cannot be read")
        if not subscriptions:
            raise ChannelDown("nobody of those who are told has a phone that takes pushes", lasting=True)
        failed: list[ChannelDown] = []

        async def one(each: Subscription) -> None:
            try:
                await self._one(channel, each, note)
            except ChannelDown as down:
                failed.append(down)
                if down.data.get("ended"):
                    self._gone[each.id] = each

        async with asyncio.TaskGroup() as phones:
            for each in subscriptions:
                phones.create_task(one(each), name="push")
        taken = len(subscriptions) - len(failed)
        if any(down.data.get("ended") for down in failed):
            if not taken:
                self._unreached |= {each.person for each in subscriptions}
            self._moved.set()
        if not taken:
            alive = next((down for down in failed if not down.data.get("ended")), failed[0])
            raise ChannelDown(alive.reason, lasting=all(down.lasting for down in failed))
        return taken

    async def _one(self, channel: tuple[str, Configured], each: Subscription, note: Note) -> None:
        assert self._key is not None
        name, configured = channel
        now = self._clock.now()
        left_s = (self._waits.get(each.id, 0) - now.mono_ns) / NS
        if left_s > 0:
            raise ChannelDown(f"the push service asked to be left alone for another {left_s:.0f} s")
        self._waits.pop(each.id, None)
        try:
            permitted(each.endpoint, configured.services)
        except ValueError as error:
            raise ChannelDown(f"its push service is not {error}", lasting=True) from None
        config = {
            "key": self._key.scalar,
            "contact": configured.contact or "",
            "services": list(configured.services),
            "now_s": now.wall_ns // NS,
        }
        message = {
            "endpoint": each.endpoint,
            "p256dh": each.p256dh,
            "auth": each.auth,
            "payload": note.payload(),
            "ttl_s": note.lives_s,
            "urgency": note.urgency,
            "topic": note.topic,
        }
        # By push service: one that hangs delays no phone of another.
        lane = f"{name}/{each.service}"
        try:
            await self._courier.send(lane, KIND, config, message, configured.timeout.total_seconds())
        except ChannelDown as down:
            wait_s = down.data.get("retry_after_s")
            if isinstance(wait_s, int):
                self._waits[each.id] = now.mono_ns + wait_s * NS
            raise

    # The room.

    async def run(self, unreached: Callable[[str], Any]) -> None:
        """Remove what has ended, for ever. `unreached` hears of who is thereby not reached any more.

        Ends by cancellation, and by what the journal raises; what is left over is done at the next run.
        """
        while True:
            self._moved.clear()
            if self.channel is not None and self._key is None:
                await self.open()
            await self._clear(unreached)
            pause = OPEN_AGAIN_S if self._key is None else LOOK_AGAIN_S
            try:
                async with asyncio.timeout(pause):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def _clear(self, unreached: Callable[[str], Any]) -> None:
        known = {person.casefold() for person in self._settings().person}
        # Both as they are now: what comes while this waits for the disk belongs to the next turn.
        gone, unreached_now = dict(self._gone), sorted(self._unreached)
        await self.book.end(gone.values(), why="push service", source="push")
        for name in gone:
            self._gone.pop(name, None)
        left = [each for each in self.book.all() if each.person.casefold() not in known]
        await self.book.end(left, why="person removed", source="push")
        self._waits = {name: until for name, until in self._waits.items() if self.book.has(name)}
        for person in unreached_now:
            if person.casefold() in known and not self.book.of(person):
                await unreached(person)
            self._unreached.discard(person)


@dataclass(frozen=True, kw_only=True)
class PushChannel:
    """The channel as the outbox knows it: a message to a person goes to each of that person's phones."""

    name: str
    push: Push
    timeout: timedelta
    clock: Clock
    short: bool = True
    knows_key: bool = True
    gathers: bool = False

    async def send(self, message: Message) -> Taken:
        """Push it once to each phone."""
        if message.person is None:
            raise ChannelDown("a push goes to a person; name a person or a group", lasting=True)
        await self.push.send(self.push.book.of(message.person), self._note(message))
        return "sent"

    def _note(self, message: Message) -> Note:
        document = message.document
        priority = str(document["priority"])
        alert = str(document["alert"])
        return Note(
            about="alert",
            topic=topic(alert),
            title=message.subject,
            body="" if self.short else message.text,
            language=message.language,
            urgency=URGENCY.get(priority, "normal"),
            lives_s=LIVES_S.get(priority, LIVES_S["high"]),
            more={
                "alert": alert,
                "rev": document["rev"],
                "urgent": priority in ("emergency", "high"),
                "time": iso(self.clock.now().wall_ns),
            },
        )


def push_channels(settings: Settings, push: Push, clock: Clock) -> dict[str, PushChannel]:
    """Make the channel of kind web_push, where the configuration has one."""
    return {
        name: PushChannel(name=name, push=push, timeout=each.timeout, clock=clock, short=each.short)
        for name, each in settings.channel.items()
        if each.kind == KIND
    }
