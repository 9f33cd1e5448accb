"""Sends what the notification rows say, each channel in a lane of its own, and notes what became of it.

A row is committed as `sending` before the call, so that a crash sends it again rather than never. What fails
is tried again, with growing pauses of at most 30 s, until its alert is no longer unacknowledged. Right before
each attempt the alert is looked at: nothing is told after somebody has taken it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Protocol, Unpack

from gateway.alerts.channels.base import Channel, ChannelDown, Taken
from gateway.alerts.channels.digest import DigestChannel
from gateway.alerts.mirror import Mirror
from gateway.alerts.notices import backoff, reached_nobody, receiver, wanted
from gateway.alerts.wording import message
from gateway.model.alert import Concern
from gateway.model.catalogue import Catalogue
from gateway.model.clock import Clock
from gateway.model.rows import Notification, NotificationChanges
from gateway.model.trouble import TellTrouble, Trouble
from gateway.settings.alerting import PAGE

log = logging.getLogger(__name__)

AT_ONCE = 4  # attempts of one channel at a time; a further one waits for the first to end
TRIED_MAX = 1000  # alerts by channel; with more those that are closed are forgotten
DONE_MAX = 100  # rows of one alert remembered as sent; then only those that are still known
REVS_MAX = 100  # revisions of one alert, the newest, of which it is remembered that their step has failed
FAILS_UNTIL_TOLD = 3  # attempts that fail in a row before the technician hears of it


class Notes(Protocol):
    """Where the outbox tells what became of rows; the engine keeps it."""

    def note(self, row: str, changes: NotificationChanges) -> None:
        """Keep what has changed of a row."""
        ...

    def step_failed(self, alert: str, step: int, cycle: int) -> None:
        """Start the next step: everything that this one sent has failed."""
        ...


class Outbox:
    """Everything that is to be sent. Belongs to the event loop."""

    def __init__(
        self,
        *,
        view: Callable[[], Mirror],
        notes: Notes,
        tell: TellTrouble,
        clock: Clock,
        random: Random,
        words: Callable[[], Catalogue],
        language: Callable[[str | None], str],
    ) -> None:
        """`view` gives what is open now; `language` that of a person, or of the house."""
        self._view = view
        self._notes = notes
        self._tell = tell
        self._clock = clock
        self._random = random
        self._words = words
        self._language = language
        self._channels: dict[str, Channel] = {}
        self._rows: dict[tuple[str, str, str | None, str], Notification] = {}
        self._flying: set[str] = set()
        self._failed_steps: set[tuple[str, int]] = set()
        self._fails: dict[str, int] = {}
        self._done: dict[str, set[str]] = {}
        """What has gone out, by alert: that it did may be kept after the row itself is."""
        self._tried: set[tuple[str, str]] = set()
        """With which alerts a channel was tried."""
        self._told_failing: set[str] = set()
        self._wake = asyncio.Event()

    def configure(self, channels: Mapping[str, Channel]) -> None:
        """Use these channels from now on."""
        self._channels = dict(channels)
        self._wake.set()

    def take_over(self, before: Outbox) -> None:
        """Know what the outbox of an earlier run has sent, and which channels it has said to be failing."""
        self._done = {alert: set(ids) for alert, ids in before._done.items()}
        self._fails = dict(before._fails)
        self._told_failing = set(before._told_failing)

    def offer(self, rows: Iterable[Notification]) -> None:
        """Take rows that are to be sent; of two for the same receiver the later one counts."""
        for row in rows:
            if row.channel == PAGE or row.state not in ("pending", "sending", "failed"):
                continue
            before = self._rows.get(receiver(row))
            if row.id in self._done.get(row.alert, ()) or (before is not None and before.id == row.id):
                continue  # it went out, or is under way, from memory
            if before is not None and before.id not in self._flying:
                self._note(before, state="dropped")
            self._rows[receiver(row)] = row
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many rows are still to be sent."""
        return len(self._rows)

    async def run(self) -> None:
        """Send, for ever. Each attempt is a task of its own: one that hangs delays no other channel."""
        async with asyncio.TaskGroup() as lanes:
            self._flying.clear()
            while True:
                self._wake.clear()
                pause = self._start_due(lanes)
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    def _start_due(self, lanes: asyncio.TaskGroup) -> float | None:
        """Start what is due; gives the seconds until the next is, None where nothing waits for its time."""
        now = self._clock.now()
        busy: dict[str, int] = {}
        for row in self._rows.values():
            busy[row.channel] = busy.get(row.channel, 0) + (row.id in self._flying)
        pauses: list[float] = []
        for key, row in sorted(self._rows.items(), key=lambda each: self._turn(each[1])):
            if row.id in self._flying:
                continue
            if not wanted(row, self._view().alert(row.alert)):
                self._rows.pop(key)
                continue  # the transition that ended it has noted that it was dropped
            if isinstance(self._channels.get(row.channel), DigestChannel):
                continue  # what is gathered waits for its time of day
            left = row.next.since(now).total_seconds()
            if left > 0:
                pauses.append(left)
            elif busy[row.channel] < AT_ONCE:
                busy[row.channel] += 1
                self._flying.add(row.id)
                lanes.create_task(self._attempt(row), name=f"notify-{row.channel}")
        return min(pauses, default=None)

    def _turn(self, row: Notification) -> tuple[bool, int]:
        """Say whose turn is first: an alert that this channel was never tried with, then the fewest tries.

        A channel that hangs is busy with older alerts, which are told anew with each step; the next
        resident's call must not stand behind them.
        """
        return (row.alert, row.channel) in self._tried, row.attempts

    async def _attempt(self, row: Notification) -> None:
        """Send one row once, and note what became of it."""
        self._tried.add((row.alert, row.channel))
        if len(self._tried) > TRIED_MAX:
            self._tried = {each for each in self._tried if self._view().alert(each[0]) is not None}
        try:
            alert = self._view().alert(row.alert)
            if alert is None or not wanted(row, alert):
                self._rows.pop(receiver(row), None)
                return
            await self._send(row)
        finally:
            self._flying.discard(row.id)
            self._wake.set()

    async def _send(self, row: Notification) -> None:
        channel = self._channels.get(row.channel)
        alert = self._view().alert(row.alert)
        assert alert is not None
        if channel is None:
            self._has_failed(row, "it is not configured")
            return
        try:
            telling = message(
                row,
                alert,
                self._clock.now(),
                short=channel.short,
                language=self._language(row.person),
                words=self._words(),
            )
            async with asyncio.timeout(channel.timeout.total_seconds()):
                taken = await channel.send(telling)
        except TimeoutError:
            self._has_failed(row, f"no answer within {channel.timeout.total_seconds():g} s")
        except ChannelDown as down:
            self._has_failed(row, down.reason, lasting=down.lasting)
        except Exception as error:
            log.exception("channel %s raised", row.channel)
            self._has_failed(row, f"it raised {type(error).__name__}")
        else:
            self._has_sent(row, taken)

    def _has_sent(self, row: Notification, taken: Taken) -> None:
        now = self._clock.now()
        if self._rows.get(receiver(row)) == row:
            del self._rows[receiver(row)]
        view = self._view()
        self._done = {alert: ids for alert, ids in self._done.items() if view.alert(alert)}
        done = self._done.setdefault(row.alert, set())
        if len(done) >= DONE_MAX:
            done &= {each.id for each in view.notifications(row.alert)}
        done.add(row.id)
        self._note(row, state=taken, attempts=row.attempts + 1, changed=now, error=None)
        self._fails.pop(row.channel, None)
        if row.channel in self._told_failing:
            self._told_failing.discard(row.channel)
            self._tell(Trouble(kind="channel.failing", subject=row.channel, present=False))

    def _has_failed(self, row: Notification, reason: str, *, lasting: bool = False) -> None:
        now = self._clock.now()
        attempts = row.attempts + 1
        again = now.plus(backoff(attempts, self._random.random()))
        after = self._note(row, state="failed", attempts=attempts, next=again, error=reason, changed=now)
        if self._rows.get(receiver(row)) == row:
            self._rows[receiver(row)] = after
        fails = self._fails[row.channel] = self._fails.get(row.channel, 0) + 1
        if fails == FAILS_UNTIL_TOLD or (lasting and row.channel not in self._told_failing):
            self._tell_failing(row.channel, reason, calls_unheard=False)
        self._judge_step(after, reason)

    def _judge_step(self, row: Notification, reason: str) -> None:
        """Start the next step where nothing that this one sent got through. Once a step."""
        alert = self._view().alert(row.alert)
        if alert is None or row.about != "alert" or (row.alert, row.rev) in self._failed_steps:
            return
        known = {each.id: each for each in self._view().notifications(row.alert)}
        known |= {each.id: each for each in (*self._rows.values(), row) if each.alert == row.alert}
        of_step = [each for each in known.values() if each.rev == row.rev and each.about == "alert"]
        if not reached_nobody(of_step):
            return
        self._failed_steps = {
            (name, rev)
            for name, rev in self._failed_steps
            if self._view().alert(name) is not None and (name != row.alert or row.rev - rev < REVS_MAX)
        }
        self._failed_steps.add((row.alert, row.rev))
        for channel in sorted({each.channel for each in of_step if each.channel != PAGE}):
            self._tell_failing(channel, reason, calls_unheard=alert.lasting or alert.concern is Concern.FALL)
        self._notes.step_failed(row.alert, row.step, row.cycle)

    def _tell_failing(self, channel: str, reason: str, *, calls_unheard: bool) -> None:
        self._told_failing.add(channel)
        self._tell(
            Trouble(
                kind="channel.failing",
                subject=channel,
                present=True,
                detail=f"channel {channel}: {reason}",
                calls_unheard=calls_unheard,
            )
        )

    def _note(self, row: Notification, **changes: Unpack[NotificationChanges]) -> Notification:
        self._notes.note(row.id, changes)
        return replace(row, **changes)
