"""What happens, told to all who look: alerts from the engine, devices and health where they changed, a beat.

Each event is written once and handed to every client's own queue. A client subscribes first and reads the
log afterwards, so that nothing falls in between.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import orjson

from gateway.alerts.bulletin import Published
from gateway.alerts.reach_trial import Trial
from gateway.board.callers import over
from gateway.board.documents import personal, public_form
from gateway.board.house import House
from gateway.board.load import flood_of
from gateway.board.objected import objected
from gateway.board.proved import Proofs
from gateway.board.viewers import Viewer, Viewers, encode
from gateway.journal.alarm_writer import Commit
from gateway.model.alert import Alert, Handling
from gateway.model.clock import NS, iso, parse_iso
from gateway.model.readings import Record

log = logging.getLogger(__name__)

BEAT_S = 5.0
TICK_S = 0.5
HEALTH_TICKS = 2
DEVICE_TICKS = 4
LOG_PAGE = 500
MISSED_MAX = 2000  # transitions replayed to who comes back; behind more of them it fetches everything anew
DEVICES_MAX = 64  # rows of devices told in one turn: a whole home at once would overflow every screen's queue
HEARD_NS = 30 * NS  # a device row is sent again for "last seen" alone at most this often
AGAIN_S = 0.2
READINGS_MAX = 500  # readings told at once; a longer list would make the next alert wait
RETRY = b"retry: 1000\n\n"


class Hub:
    """Tells everybody. `run` is its loop; the streams themselves are the requests'."""

    def __init__(self, house: House) -> None:
        """Begin with nobody looking."""
        self._house = house
        self.viewers = Viewers()
        self.proofs = Proofs(house)
        self._health: object = None
        self._evidence: object = None
        self._devices: dict[str, dict[str, Any]] = {}
        self._next_device = 0
        self._devices_left = False
        self._shown: dict[str, tuple[int, int]] = {}
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Tell what happens, for ever; ends by cancellation only."""
        stop = self._house.journal.alarms.on_commit(self._committed)
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._alerts(), name="board alerts")
                loops.create_task(self._readings(), name="board readings")
                loops.create_task(self._changes(), name="board changes")
                loops.create_task(self._beats(), name="board beats")
        finally:
            stop()

    def shown_on(self, alert: str) -> tuple[int, int]:
        """Give on how many of how many pages an alert is shown.

        Of the persons who were asked, by the notification rows; where none was asked by name, of the pages
        that are open.
        """
        shown, of = self._house.engine.shown_on(alert)
        if of:
            return shown, of
        drawn = self.viewers.drawn(alert)
        return drawn, max(drawn, self.viewers.pages)

    def duty(self) -> list[dict[str, Any]]:
        """Give who is on duty: whether each is proved reachable (R9), and has a page open that may sound."""
        sounding, roster, now = self.viewers.reachable(), self._house.engine.roster(), self._house.clock.now()
        return [
            {
                "group": group.group,
                "label": group.label or group.group,
                "until": group.until_ns and iso(group.until_ns),
                "persons": [
                    {"person": each, "reached": roster.proved(each, now), "page": each in sounding}
                    for each in group.persons
                ],
            }
            for group in self._house.engine.duty()
        ]

    def show_trial(self, trial: Trial) -> int:
        """Show a trial on its person's open pages; gives on how many."""
        return self.viewers.send_to(trial.person, encode("trial", trial.document()))

    async def stream(self, viewer: Viewer, after: int | None) -> AsyncIterator[bytes]:
        """Give one client its events: first what it missed since `after`, then what comes."""
        self.viewers.join(viewer)
        try:
            yield RETRY
            last = 0
            async with aclosing(self._missed(viewer, after)) as missed:
                async for seq, event in missed:
                    last = max(last, seq)
                    yield event
            while (queued := await viewer.queue.get()) is not None:
                if last and (known := _seq(queued)) is not None and known <= last:
                    continue  # it was in the log already
                yield queued
        finally:
            self.viewers.leave(viewer)

    async def _missed(self, viewer: Viewer, after: int | None) -> AsyncGenerator[tuple[int, bytes], None]:
        alarms = self._house.journal.alarms
        floor, newest = await alarms.read(lambda ledger: (ledger.log_floor(), ledger.log_seq()))
        if after is None:
            yield 0, encode("beat", self._beat(), newest)
        elif not floor <= after <= newest or newest - after > MISSED_MAX:
            yield newest, encode("reset", {"seq": newest}, newest)
        else:
            seq: int = after
            open_now = {shown.alert.id for shown in self._house.engine.open()}
            while rows := await self._rows(seq):
                for seq, alert in rows:
                    over = alert.id not in open_now
                    yield seq, self._event(alert, seq=seq, durable=True, viewer=viewer, over=over)
        for shown in self._house.engine.open():
            if not shown.durable:
                yield 0, self._event(shown.alert, seq=None, durable=False, viewer=viewer)

    async def _rows(self, after: int) -> list[tuple[int, Alert]]:
        return await self._house.journal.alarms.read(lambda ledger: ledger.log_after(after, LOG_PAGE))

    def _event(
        self, alert: Alert, *, seq: int | None, durable: bool, viewer: Viewer, over: bool = False
    ) -> bytes:
        nameless = alert.nameless(self._house.clock.now(), over=over)
        document = alert.document(durable=durable, anonymous=nameless)
        return encode("alert", public_form(document) if viewer.caller.public else document, seq)

    async def _alerts(self) -> None:
        anew = False
        while True:
            async with aclosing(self._house.engine.subscribe()) as published:
                if anew:
                    # The engine found us too slow, or began anew: nobody knows what was missed, so everybody
                    # looks again. Only now, when what happens meanwhile is heard already.
                    newest = await self._house.journal.alarms.read(lambda ledger: ledger.log_seq())
                    self.viewers.send(encode("reset", {"seq": newest}, newest))
                async for each in published:
                    self._published(each)
            anew = True
            await asyncio.sleep(AGAIN_S)

    def _published(self, published: Published) -> None:
        alert = published.alert
        document = alert.document(durable=published.durable)
        whole = encode("alert", document, published.seq)
        self.viewers.send_alert(whole, encode("alert", public_form(document), published.seq))
        if not alert.open:
            self.viewers.forget(alert.id)

    async def _readings(self) -> None:
        store = self._house.journal.readings
        while True:
            await self.viewers.reading_wanted.wait()
            cursor = store.head
            while self.viewers.reading_wanted.is_set():
                batch = await store.after(cursor, READINGS_MAX)
                cursor = batch.end
                for _, record in batch.rows:
                    self._reading(record)

    def _committed(self, commit: Commit) -> None:
        if self.viewers.reading_wanted.is_set():
            for _, record in commit.events:
                self._reading(record)

    def _reading(self, record: Record) -> None:
        if objected(self._house, record):
            return  # it was kept a moment before the resident said no
        self.viewers.send_reading(encode("reading", record.document()), personal=personal(record.quantity))

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self.viewers.send(encode("beat", self._beat()))

    def _beat(self) -> dict[str, Any]:
        return {"time": iso(self._house.clock.now().wall_ns), "pages": self.viewers.pages}

    async def _changes(self) -> None:
        ticks = 0
        while True:
            self._beside(self._tell_shown)
            if ticks % HEALTH_TICKS == 0:
                self._beside(self._tell_health)
            if ticks % DEVICE_TICKS == 0 or self._devices_left:
                self._beside(self._tell_devices)
            if ticks % DEVICE_TICKS == 0:
                self._beside(self._end_who_may_not_look)
                await self._read_proof()
                self._beside(self._tell_evidence)
            ticks += 1
            await asyncio.sleep(TICK_S)

    def _beside(self, tell: Callable[[], None]) -> None:
        """Tell what is no alert. Where that fails, alerts go on: each stream would be cut with this room."""
        name = tell.__name__.strip("_")
        try:
            tell()
        except Exception:
            if name not in self._failing:  # once: this turns twice a second
                log.exception("the page cannot be told: %s", name)
            self._failing.add(name)
        else:
            self._failing.discard(name)

    def _end_who_may_not_look(self) -> None:
        settings, now = self._house.settings(), self._house.clock.now()
        self.viewers.end_where(lambda caller: over(caller, settings, now))

    def _tell_shown(self) -> None:
        """Tell on how many pages what nobody has taken yet is shown, where that has changed."""
        standing = (shown.alert for shown in self._house.engine.open())
        waiting = [alert.id for alert in standing if alert.handling is Handling.UNACKNOWLEDGED]
        now = {alert: self.shown_on(alert) for alert in waiting}
        for alert, (shown, of) in now.items():
            if self._shown.get(alert, (0, of)) != (shown, of):
                self.viewers.send(encode("shown", {"alert": alert, "shown": shown, "of": of}))
        self._shown = now

    def _tell_health(self) -> None:
        health = self._house.health()
        mark = _mark(health)
        if self._health is not None and mark != self._health:
            self.viewers.send(encode("gateway", health))
        self._health = mark

    async def _read_proof(self) -> None:
        try:
            await self.proofs.read()
        except (TimeoutError, sqlite3.Error) as busy:
            log.warning("the last proof is read later: %s", busy)

    def _tell_evidence(self) -> None:
        """Tell what an empty board stands on, where it has changed."""
        evidence = {
            "duty": self.duty(),
            "proved": self.proofs.last,
            "no_basis": len(self._house.engine.no_basis()),
            "flood": flood_of(self._house),
        }
        if self._evidence is not None and evidence != self._evidence:
            self.viewers.send_inside(encode("evidence", evidence))
        self._evidence = evidence

    def _tell_devices(self) -> None:
        """Tell the rows that have changed, at most `DEVICES_MAX` a turn; the next goes on from there."""
        rows = self._house.devices()
        first = self._next_device % max(1, len(rows))
        told = self._next_device = 0
        for number, row in enumerate([*rows[first:], *rows[:first]], first):
            before = self._devices.get(row["device"])
            if before is not None:
                if not _differs(before, row):
                    continue
                if told == DEVICES_MAX:
                    self._next_device = number % len(rows)
                    break
                told += 1
                self.viewers.send_inside(encode("device", row))
            self._devices[row["device"]] = row
        self._devices_left = told == DEVICES_MAX


def _mark(health: dict[str, Any]) -> tuple[object, ...]:
    states = [
        (part, row.get("name"), row.get("state"))
        for part in ("adapters", "rooms", "outlets")
        for row in health.get(part) or ()
    ]
    devices = health.get("devices") or {}
    alerts = health.get("alerts") or {}
    return (
        health.get("level"),
        health.get("clock"),
        devices.get("known"),
        devices.get("heard"),
        alerts.get("technical"),
        *states,
    )


def _differs(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a device's row is worth an event: anything but a new "last seen" or a little signal."""
    quiet = {"last_seen", "signal"}
    if {k: v for k, v in before.items() if k not in quiet} != {
        k: v for k, v in now.items() if k not in quiet
    }:
        return True
    was, seen = before.get("last_seen"), now.get("last_seen")
    if was is None or seen is None:
        return was is not seen
    return parse_iso(seen) - parse_iso(was) >= HEARD_NS


def _seq(event: bytes) -> int | None:
    head, _, _ = event.partition(b"\n")
    return int(orjson.loads(head[4:])) if head.startswith(b"id: ") else None
