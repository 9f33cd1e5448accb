"""A home's alerts for tests in virtual time: real journal, real engine, channels that do as they are told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Literal

from gateway.alerts.bulletin import Published, Subscription
from gateway.alerts.channels.base import Channel, ChannelDown, Message, Taken
from gateway.alerts.engine import AlertEngine
from gateway.journal.errors import NotDurable
from gateway.journal.journal import Journal
from gateway.model.alert import Alert
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.ids import uuid7
from gateway.model.readings import Guard, Kind, Record, Value
from gateway.model.rows import Basis, Notification, Timer
from gateway.settings.models import Settings
from support.inline_threads import InlineThreads
from support.rule_house import home_settings, no_driver

START_NS = 1_795_526_400 * NS  # 2026-11-24 13:20 UTC, a Tuesday

PEOPLE: dict[str, Any] = {
    "person": {
        "KL": {"roles": ["care"]},
        "AB": {"roles": ["care"], "rights": ["basis"]},
        "MN": {"roles": ["care"], "language": "en"},
    }
}

_numbers = count(1)


@dataclass
class VirtualClock:
    """Wall and monotonic time that run with the event loop; a test may make the wall clock jump."""

    boot: str = "boot-1"
    quality: ClockQuality = ClockQuality.SYNCED
    ahead_s: float = 0.0
    """How far the wall clock is from the test's own time."""
    mono_from_s: float = 0.0
    """Loop time at which this boot began."""

    def now(self) -> Instant:
        """Give the present moment."""
        seconds = asyncio.get_running_loop().time()
        wall_ns = START_NS + round((seconds + self.ahead_s) * NS)
        return Instant(wall_ns, round((seconds - self.mono_from_s) * NS), self.boot, self.quality)


@dataclass
class FakeChannel:
    """A channel that takes, refuses or hangs."""

    name: str
    does: Literal["take", "refuse", "hang", "raise"] = "take"
    timeout: timedelta = timedelta(seconds=10)
    short: bool = False
    knows_key: bool = True
    delay_s: float = 0.0
    sent: list[tuple[float, Message]] = field(default_factory=list)
    attempts: list[tuple[float, Message]] = field(default_factory=list)

    async def send(self, message: Message) -> Taken:
        """Do as the test says."""
        time = asyncio.get_running_loop().time()
        self.attempts.append((time, message))
        await asyncio.sleep(self.delay_s)
        match self.does:
            case "refuse":
                raise ChannelDown("the test said so")
            case "raise":
                raise ZeroDivisionError
            case "hang":
                await asyncio.sleep(10_000)
            case _:
                self.sent.append((time, message))
        return "sent"

    @property
    def texts(self) -> list[str]:
        """What went out."""
        return [message.text for _, message in self.sent]


class FaultyDisk:
    """The journal's alarm file on a disk that is slow, hangs, or refuses, in virtual time.

    Works still run in the order in which they come, and each is committed before the next begins. As with the
    journal itself, who no longer waits for a work does not undo it.
    """

    def __init__(self, alarms: Any) -> None:
        """Begin with a disk without faults."""
        self._alarms = alarms
        self._turn = asyncio.Lock()
        self._free = asyncio.Event()
        self._free.set()
        self._queued: set[asyncio.Task[Any]] = set()
        self.commit_s = 0.0
        self.full = False

    def hang(self) -> None:
        """Let no commit end from now on."""
        self._free.clear()

    def go_on(self) -> None:
        """Let commits end again."""
        self._free.set()

    async def end(self) -> None:
        """Let go of what was never written: the machine is dark."""
        for task in self._queued:
            task.cancel()
        await asyncio.gather(*self._queued, return_exceptions=True)

    async def write(self, work: Any, *, sync: bool = True) -> Any:
        """Write as the disk allows."""
        task = asyncio.create_task(self._write(work, sync))
        self._queued.add(task)
        task.add_done_callback(self._queued.discard)
        return await asyncio.shield(task)

    async def _write(self, work: Any, sync: bool) -> Any:
        if self.full:
            raise NotDurable("the disk is full")
        async with self._turn:
            await self._free.wait()
            if self.full:
                raise NotDurable("the disk is full")
            result = await self._alarms.write(work, sync=sync)
            if self.commit_s:
                await asyncio.sleep(self.commit_s)
            await self._free.wait()
            return result

    async def read(self, work: Any) -> Any:
        """Read what is committed."""
        return await self._alarms.read(work)


class AlarmHouse:
    """The alerts of one home. `open_house` makes it."""

    def __init__(
        self, state: Path, settings: Settings, clock: VirtualClock, channels: Mapping[str, FakeChannel]
    ) -> None:
        """Not open yet."""
        self.state = state
        self.settings = settings
        self.clock = clock
        self.channels = dict(channels)
        self.random = Random(1)
        self.published: list[tuple[float, Published]] = []
        self.unkept: list[Alert] = []
        """What other systems were told from memory."""
        self.silent: set[str] = set()
        """Devices that do not speak; all others are heard all the time."""
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stream: Subscription | None = None

    async def open(self) -> None:
        """Open the journal and start the alerts."""
        self.journal = await Journal.open(self.state, self.clock, self.told, threads=InlineThreads())
        self.disk = FaultyDisk(self.journal.alarms)
        self.engine = AlertEngine(
            journal=SimpleNamespace(alarms=self.disk, readings=self.journal.readings),
            settings=self.settings,
            clock=self.clock,
            new_id=lambda wall_ns: uuid7(wall_ns, self.random.randbytes),
            random=self.random,
            channels=self._channels,
            driver_of=no_driver,
            heard=self.heard,
            unkept=self.unkept.append,
        )
        self._reader = asyncio.create_task(self._read())
        await asyncio.sleep(0)
        await self.engine.start()
        self._task = asyncio.create_task(self.engine.run())
        await self.settle()

    async def close(self) -> None:
        """End the run and close the journal."""
        await self._end()
        await self.journal.close()

    async def power_cut(
        self, *, dark_s: float = 0.0, quality: ClockQuality = ClockQuality.SYNCED, same_boot: bool = False
    ) -> None:
        """Take what is on the disk into a new life; nothing is closed, what is in memory is gone.

        `same_boot`: only the process died (`kill -9`), so monotonic time goes on.
        """
        await self._end()
        after = self.state.with_name(f"{self.state.name}+")
        shutil.copytree(self.state, after)
        await asyncio.sleep(dark_s)
        if not same_boot:
            self.clock.boot += "+"
            self.clock.mono_from_s = asyncio.get_running_loop().time()
        self.clock.quality = quality
        await self.journal.close()
        self.state = after
        await self.open()

    async def crash(self) -> None:
        """Let the room crash, and begin its next run as its supervisor does."""
        await self.halt()
        await self.go_on()

    async def halt(self) -> None:
        """Let the room crash; its supervisor waits before it begins the next run (`go_on`)."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def go_on(self) -> None:
        """Begin the next run."""
        self._task = asyncio.create_task(self.engine.run())
        await self.settle()

    @property
    def crashed(self) -> bool:
        """Whether the run has ended by itself."""
        return self._task is None or self._task.done()

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(60):
            await asyncio.sleep(0)

    # What devices and people do.

    def record(self, device: str, quantity: str, value: Value, *, test: bool = False) -> Record:
        """Make a record of now."""
        now = self.clock.now()
        kind = Kind.EVENT if quantity in ("help_call", "fall", "button") else Kind.STATE
        if isinstance(value, float):
            kind = Kind.MEASUREMENT
        return Record(
            id=f"01999999-0000-7000-8000-{next(_numbers):012d}",
            device=device,
            place=self.settings.device[device].place,
            quantity=quantity,
            kind=kind,
            value=value,
            unit=None,
            channel=None,
            time_ns=now.wall_ns,
            at=now,
            driver="bthome/1.0.0",
            test=test,
        )

    async def press(
        self, device: str = "kald-12", word: str = "press", quantity: str = "help_call", *, test: bool = False
    ) -> Alert:
        """Press a button, and give the alert that it raised or joined."""
        record = self.record(device, quantity, word, test=test)
        await self.engine.event([record], [Guard(device, "sequence", "7", self.clock.now())])
        await self.settle()
        return next(each.alert for each in self.engine.open() if record.id in each.alert.readings)

    async def says(self, device: str, quantity: str, value: Value) -> None:
        """Let a device say a state or a measurement."""
        self.engine.observe([self.record(device, quantity, value)])
        await self.settle()

    async def does(self, alert: Alert | str, action: str, by: str = "KL", **fields: Any) -> Alert:
        """Let a person do something."""
        rev = fields.pop("rev", None)
        name = alert if isinstance(alert, str) else alert.id
        done = await self.engine.act(name, action, by=by, source="page", fields=fields, rev=rev)
        await self.settle()
        return done

    async def allow(self, place: str, concern: str) -> None:
        """Record a legal basis."""
        row = Basis(
            place=place,
            concern=concern,
            kind="consent",
            until=date(2030, 1, 1),
            case=None,
            recorded=self.clock.now(),
            by="AB",
        )
        await self.journal.alarms.write(lambda ledger: ledger.put_basis(row))
        await self.engine.basis_changed()

    # What can be seen.

    def alert(self, key: str = "help-call/kald-12") -> Alert:
        """Give the open alert with a key."""
        return next(each.alert for each in self.engine.open() if each.alert.key == key)

    def open_keys(self) -> list[str]:
        """Give the keys of what is open."""
        return sorted(each.alert.key for each in self.engine.open())

    async def rows(self, alert: Alert | str) -> list[Notification]:
        """Give the notifications of an alert, as kept."""
        name = alert if isinstance(alert, str) else alert.id
        return await self.journal.alarms.read(lambda ledger: ledger.notifications(name))

    async def timers(self) -> list[Timer]:
        """Give the timers, as kept."""
        return await self.journal.alarms.read(lambda ledger: ledger.timers())

    async def audit(self, alert: Alert | str) -> list[str]:
        """Give what the audit log says of an alert."""
        name = alert if isinstance(alert, str) else alert.id
        entries = await self.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000, alert=name))
        return [entry.what for entry in entries]

    def heard(self) -> dict[str, Any]:
        """Say when each device was last heard."""
        now = self.clock.now()
        return {
            device: SimpleNamespace(last=now, refused=None, available=None)
            for device in self.settings.device
            if device not in self.silent
        }

    def told(self, trouble: Any) -> None:
        """Take what the journal tells."""
        self.engine.trouble(trouble)

    def _channels(self, _settings: Settings) -> dict[str, Channel]:
        return dict(self.channels)

    async def _read(self) -> None:
        while True:  # each run of the room ends the streams of the one before
            self._stream = self.engine.subscribe()
            async for published in self._stream:
                self.published.append((asyncio.get_running_loop().time(), published))
            await asyncio.sleep(0)

    async def _end(self) -> None:
        for task in (self._task, self._reader):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._stream is not None:
            self._stream.close()
        await self.disk.end()


@asynccontextmanager
async def open_house(
    state: Path,
    *overlays: Mapping[str, Any],
    channels: Mapping[str, FakeChannel] | None = None,
    quality: ClockQuality = ClockQuality.SYNCED,
) -> AsyncIterator[AlarmHouse]:
    """Open a home with KL, AB and MN, and what a test changes in its settings."""
    settings = home_settings(*deepcopy((PEOPLE, *overlays)))
    house = AlarmHouse(state / "state", settings, VirtualClock(quality=quality), channels or {})
    await house.open()
    try:
        yield house
    finally:
        await house.close()
