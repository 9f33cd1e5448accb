"""Sends the digests when their time of day has come, each alert told as new once, over restarts too.

What a digest has told is known by its place in the journal's log of alerts, which no clock moves. Before a
digest goes out its number is kept, and after it what it told: a crash between the two sends the same digest
again under the same number, marked as repeated, rather than never.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from gateway.alerts.channels.base import Channel, ChannelDown
from gateway.alerts.channels.digest import Content, DigestChannel, digest_message
from gateway.journal.ledger import Ledger
from gateway.model.alert import Alert, Priority
from gateway.model.catalogue import Catalogue
from gateway.model.clock import NS, Clock, ClockQuality
from gateway.model.trouble import TellTrouble, Trouble
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

MEMO = "digest/"  # and the channel's name
LOOK_EVERY_S = 15.0
RETRY_FIRST_S, RETRY_MAX_S = 30.0, 600.0
FAILS_UNTIL_TOLD = 3
PAGE_ROWS = 1000
AHEAD_MAX_DAYS = 2  # a last day further in the future was never right: the clock has been mended since

T = TypeVar("T")


class Store(Protocol):
    """What the digests need of the journal: `AlarmStore`."""

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Read."""
        ...

    async def write(self, work: Callable[[Ledger], T]) -> T:
        """Write; returns after the commit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a digest channel has told so far, as its memo keeps it."""

    number: int = 0
    seq: int = 0
    """The last entry of the alert log that is told."""
    day: str = ""
    """The local day of the last digest, whether there was something to tell or not."""
    standing: tuple[str, ...] = ()
    """Alerts that the last one told and that were open then."""
    sending_to: int | None = None
    """A digest is going out that tells up to this entry: it may have arrived."""


class Digests:
    """Every digest channel of the house. `run` is a room."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Callable[[], Settings],
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        words: Callable[[], Catalogue],
        tell: TellTrouble,
    ) -> None:
        """`settings` and `channels` give those in force now."""
        self._store = store
        self._settings = settings
        self._channels = channels
        self._clock = clock
        self._words = words
        self._tell = tell
        self._told: dict[str, Told] = {}
        self._begun: set[str] = set()
        """Digests that this run has begun: what it sends again it knows the fate of."""
        self._fails: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Send what is due, for ever."""
        self._told.clear()
        self._begun.clear()
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Send what is due now. One channel that hangs is left after its own timeout."""
        time = asyncio.get_running_loop().time()
        for name, channel in self._channels().items():
            if isinstance(channel, DigestChannel) and time >= self._not_before.get(name, 0.0):
                await self._look_at(name, channel)

    async def _look_at(self, name: str, channel: DigestChannel) -> None:
        now = self._clock.now()
        if now.quality is ClockQuality.UNSYNCED:
            return  # nobody knows what time it is; nothing here is urgent
        local = datetime.fromtimestamp(now.wall_ns / NS, ZoneInfo(self._settings().site.zone))
        told = self._told.get(name) or await self._begin(name, channel, local)
        if told.sending_to is None and not due(told, channel, local):
            return
        if told.sending_to is None:
            told = replace(told, number=told.number + 1, sending_to=await self._store.read(Ledger.log_seq))
            await self._keep(name, told)
            self._begun.add(name)
        await self._send(name, channel, told, local)

    async def _begin(self, name: str, channel: DigestChannel, local: datetime) -> Told:
        """Give what is kept of a channel; one that is new tells what happens from now on."""
        kept = await self._store.read(lambda ledger: ledger.memo(MEMO + name))
        if kept is not None:
            self._told[name] = read_told(kept)
            return self._told[name]
        today = local.date().isoformat() if local.time() >= channel.at else ""
        told = Told(seq=await self._store.read(Ledger.log_seq), day=today)
        await self._keep(name, told)
        return told

    async def _send(self, name: str, channel: DigestChannel, told: Told, local: datetime) -> None:
        content = await self._store.read(lambda ledger: gathered(ledger, name, told))
        assert told.sending_to is not None
        if not content.empty:
            site = self._settings().site
            message = digest_message(
                content,
                key=f"digest/{name}/{told.number}",
                number=told.number,
                house=site.title or site.home,
                at=local,
                zone=ZoneInfo(site.zone),
                words=self._words(),
                short=channel.short,
                repeated=name not in self._begun,
            )
            try:
                async with asyncio.timeout(channel.timeout.total_seconds()):
                    await channel.send(message)
            except TimeoutError:
                return self._failed(name, f"no answer within {channel.timeout.total_seconds():g} s")
            except ChannelDown as down:
                return self._failed(name, down.reason)
        if self._fails.pop(name, 0) >= FAILS_UNTIL_TOLD:
            self._tell(Trouble(kind="channel.failing", subject=name, present=False))
        standing = tuple(alert.id for alert in (*content.new, *content.standing) if alert.open)
        after = Told(
            number=told.number if not content.empty else told.number - 1,
            seq=told.sending_to,
            day=local.date().isoformat(),
            standing=standing,
        )
        await self._keep(name, after)
        self._begun.discard(name)
        return None

    def _failed(self, name: str, reason: str) -> None:
        fails = self._fails[name] = self._fails.get(name, 0) + 1
        pause = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** min(fails - 1, 10))
        self._not_before[name] = asyncio.get_running_loop().time() + pause
        log.warning("digest %s: %s; tried again in %g s", name, reason, pause)
        if fails == FAILS_UNTIL_TOLD:
            detail = f"channel {name}: {reason}"
            self._tell(Trouble(kind="channel.failing", subject=name, present=True, detail=detail))

    async def _keep(self, name: str, told: Told) -> None:
        await self._store.write(lambda ledger: ledger.put_memo(MEMO + name, asdict(told)))
        self._told[name] = told


def due(told: Told, channel: DigestChannel, local: datetime) -> bool:
    """Tell whether a digest is to go out: its time of day has come, and it has not been today."""
    if local.time() < channel.at:
        return False
    if not told.day:
        return True
    behind = (local.date() - date.fromisoformat(told.day)).days
    return behind > 0 or behind < -AHEAD_MAX_DAYS


def gathered(ledger: Ledger, channel: str, told: Told) -> Content:
    """Gather what a digest tells: technical alerts whose policy has told this channel."""
    assert told.sending_to is not None
    changed: dict[str, Alert] = {}
    seq = max(told.seq, ledger.log_floor())
    while seq < told.sending_to and (page := ledger.log_after(seq, PAGE_ROWS)):
        changed |= {alert.id: alert for at, alert in page if at <= told.sending_to}
        seq = page[-1][0]
    before = set(told.standing)
    rows: dict[str, Alert] = {}
    for name in dict.fromkeys((*told.standing, *changed)):
        alert = ledger.alert(name)
        if alert is not None and _tells(ledger, alert, channel, known=name in before):
            rows[name] = alert
    return Content(
        new=tuple(alert for name, alert in rows.items() if name not in before),
        closed=tuple(alert for name, alert in rows.items() if name in before and not alert.open),
        standing=tuple(alert for name, alert in rows.items() if name in before and alert.open),
    )


def _tells(ledger: Ledger, alert: Alert, channel: str, *, known: bool) -> bool:
    if alert.priority is not Priority.TECHNICAL:
        return False
    return known or any(row.channel == channel for row in ledger.notifications(alert.id))


def read_told(kept: Mapping[str, Any]) -> Told:
    """Read a memo."""
    return Told(**{**kept, "standing": tuple(kept.get("standing", ()))})
