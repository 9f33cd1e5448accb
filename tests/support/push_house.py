"""A home with its staff page whose phones take pushes by a push service of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.alerts.channels.base import Channel, ChannelDown
from gateway.alerts.channels.courier import Answer, Courier
from gateway.alerts.channels.push import Push, push_channels
from gateway.alerts.channels.push_send import send
from gateway.alerts.channels.push_taken import TakenBack
from gateway.alerts.channels.task import NotSent, Task
from gateway.alerts.reach import Reach
from gateway.board.house import House
from gateway.model.catalogue import shipped
from gateway.settings.models import Settings
from support.board_house import BoardHouse, board_settings
from support.push_service import PushService


class ByThread:
    """Sends as the sending process does, in a thread of this one: what tests of pages need of it."""

    async def send(
        self,
        channel: str,
        kind: str,
        config: Mapping[str, Any],
        message: Mapping[str, Any],
        timeout_s: float,
    ) -> Answer:
        """Make one attempt."""
        del kind
        task = Task(channel=channel, config=config, message=message, timeout_s=timeout_s)
        try:
            done = await asyncio.to_thread(send, task)
        except NotSent as failed:
            raise ChannelDown(failed.reason, lasting=failed.lasting, data=failed.data) from None
        return Answer(taken=done.taken, data=done.data)


def push_settings(service: PushService, *overlays: Mapping[str, Any]) -> Settings:
    """Make the home of the tests with a channel to this service."""
    channel = {
        "kind": "web_push",
        "contact": "mailto:teknik@example.org",
        "services": [service.origin],
    }
    return board_settings({"channel": {"push": channel}}, *overlays)


@dataclass
class PushHouse(BoardHouse):
    """The home."""

    courier: ByThread | Courier = field(default_factory=ByThread)
    texts: dict[str, Channel] = field(default_factory=dict)
    """Channels besides pushes, by name."""

    async def furnish(self) -> None:
        """Open pushes and trials, and run their rooms."""
        self.push = Push(
            store=lambda: self.journal.alarms,
            state=self.state,
            clock=self.clock,
            settings=lambda: self.settings,
            courier=self.courier,
        )
        await self.push.open()
        words = shipped()
        self.reach = Reach(
            engine=lambda: self.engine,
            settings=lambda: self.settings,
            clock=self.clock,
            words=lambda: words,
            push=self.push,
            channels=lambda: self.texts,
        )
        taken_back = TakenBack(
            self.push,
            engine=self.engine,
            store=lambda: self.journal.alarms,
            clock=self.clock,
            words=lambda: words,
            language=lambda person: self.settings.person[person].language,
        )
        works = [self.push.run(self.reach.left), taken_back.run(), self.reach.run()]
        if isinstance(self.courier, Courier):
            self.courier.wanted(True)
            works.append(self.courier.run())
        self.works = [asyncio.create_task(work) for work in works]

    def channels(self, settings: Settings) -> Mapping[str, Channel]:
        """Make the channel of pushes."""
        return (
            {**self.texts, **push_channels(settings, self.push, self.clock)} if hasattr(self, "push") else {}
        )

    def phones(self, person: str) -> tuple[str, ...]:
        """Name the channel where somebody's phones take pushes."""
        return self.push.ways(person) if hasattr(self, "push") else ()

    def house(self) -> House:
        """Give the board pushes and trials, too."""
        return replace(super().house(), push=self.push, reach=self.reach)

    async def close(self) -> None:
        """Stop everything."""
        for work in self.works:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        await super().close()


@asynccontextmanager
async def open_push_house(
    state: Path,
    service: PushService,
    *overlays: Mapping[str, Any],
    courier: ByThread | Courier | None = None,
    texts: Mapping[str, Channel] | None = None,
) -> AsyncIterator[PushHouse]:
    """Open the home."""
    house = PushHouse(
        state / "state",
        push_settings(service, *overlays),
        courier=courier or ByThread(),
        texts=dict(texts or {}),
    )
    await house.open()
    try:
        yield house
    finally:
        await house.close()
