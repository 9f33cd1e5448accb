"""The notice board inside the house: whoever subscribes hears of every new state of an alert, in order.

Nobody is waited for. A subscriber who does not keep up is cut off, not thinned out: the stream ends, and the
client comes back with the number it last saw. Subscribe first and read the snapshot afterwards, or a press
falls in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.alert import Alert

SUBSCRIPTION_MAX = 1000  # states that one subscriber may be behind; then its stream ends
SUBSCRIBERS_MAX = 200  # streams at once; the oldest ends where there are more


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as it stands. Not `durable` while the disk has not answered: nobody can take it yet."""

    alert: Alert
    durable: bool


@dataclass(frozen=True, slots=True)
class Published:
    """An alert in its new state, with its number in the journal's alert log (None: not kept yet)."""

    seq: int | None
    alert: Alert
    durable: bool


class Subscription:
    """The states published since it was made, as an async iterator. Close it when it is not read any more."""

    def __init__(self, bulletin: Bulletin, maxsize: int) -> None:
        """Made by `Bulletin.subscribe`."""
        self._bulletin = bulletin
        self._waiting: asyncio.Queue[Published | None] = asyncio.Queue(maxsize + 1)
        self._maxsize = maxsize
        self.cut_off = False
        """It did not keep up, and has ended."""

    def put(self, published: Published) -> None:
        """Hand on one state; ends the stream of who is too far behind."""
        if self._waiting.qsize() >= self._maxsize:
            self.cut_off = True
            self.close()
            return
        self._waiting.put_nowait(published)

    def close(self) -> None:
        """End it; what has not been read is dropped."""
        self._bulletin.leave(self)
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    def __aiter__(self) -> Subscription:
        """Iterate over what is published."""
        return self

    async def __anext__(self) -> Published:
        """Wait for the next state."""
        published = await self._waiting.get()
        if published is None:
            self._waiting.put_nowait(None)
            raise StopAsyncIteration
        return published

    async def aclose(self) -> None:
        """Close it, as a generator is closed."""
        self.close()


class Bulletin:
    """Publishes to every subscriber. Belongs to the event loop."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self._subscriptions: list[Subscription] = []

    def subscribe(self, maxsize: int = SUBSCRIPTION_MAX) -> Subscription:
        """Hear of everything that is published from this moment on."""
        subscription = Subscription(self, maxsize)
        self._subscriptions.append(subscription)
        if len(self._subscriptions) > SUBSCRIBERS_MAX:
            oldest = self._subscriptions[0]
            oldest.cut_off = True
            oldest.close()
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Publish to it no more."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def publish(self, every: Iterable[Published]) -> None:
        """Tell everybody. Returns at once."""
        for published in every:
            for subscription in tuple(self._subscriptions):
                subscription.put(published)

    def end(self) -> None:
        """End every stream: the house closes, or the room begins anew."""
        for subscription in tuple(self._subscriptions):
            subscription.close()

    @property
    def readers(self) -> int:
        """How many subscribe."""
        return len(self._subscriptions)
