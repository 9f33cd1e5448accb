"""The world around one gateway, made from one seed: first with faults, then calm until it has recovered."""

from __future__ import annotations

import asyncio
import random as random_module
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from gateway.alerts.engine import AlertEngine
from gateway.app.house import House
from gateway.app.outside import Outside
from gateway.app.running import Running
from gateway.board.house import House as BoardHouse
from gateway.board.serve import Doors
from gateway.journal.errors import NotDurable
from gateway.journal.folder import Room
from gateway.journal.journal import Journal
from gateway.model.alert import Alert, Concern
from gateway.model.clock import ClockQuality
from gateway.model.frames import Advertisement, Frame
from gateway.model.ids import uuid7
from gateway.model.problem import Problem
from sim.air import Air
from sim.broker import Broker
from sim.clock import SimClock
from sim.database import Database, SimServer
from sim.disk import Disk
from sim.ended import Ended, look
from sim.home import Steps, loaded, things
from sim.loop import VirtualLoop
from sim.people import Staff
from sim.radio import SimRadio
from sim.receivers import Receiver, Receivers
from sim.residents import Residents
from sim.threads import SimThreads
from sim.trace import Trace
from sim.wires import Leaving, Wires

ROOM = Room(reserve_bytes=65_536, low_bytes=65_536)
DARK_S = 0.6  # systemd starts it again after half a second
RECOVERED_WITHIN_S = 3600.0
LOOK_EVERY_S = 10.0
PATIENT = 0.3  # in so many seeds what was taken and left must come back, and be closed, before the end


class LifeEnded(Exception):
    """The gateway ended by itself."""


class World:
    """One seed's world. `run` plays it."""

    def __init__(self, seed: int, folder: Path, loop: VirtualLoop) -> None:
        """Nothing has happened yet."""
        self.seed, self.loop = seed, loop
        self.trace = Trace(loop.time)
        self.leaving = Leaving()
        self.clock = SimClock(loop.time)
        state = folder / "state-1"
        state.mkdir(parents=True)
        (state / "instance").write_text(f"{uuid7(seed, self.draws('instance').randbytes)}\n")
        self.disk = Disk(state, self.draws("disk"))
        self.broker = Broker(self.trace, self.leaving, self.draws("broker"))
        self.database = Database(self.trace, self.leaving, self.draws("database"))
        self.receivers = Receivers(self.trace, self.leaving, self.draws("receivers"))
        self.receivers.each |= {"pager": Receiver(), "sms": Receiver()}
        self.things = things(self.draws("keys"))
        self.steps = Steps.draw(self.draws("steps"))
        self.loaded = loaded(self.things, self.steps, folder / "config")
        self.air = Air(self.trace, self.draws("air"), self.clock.now, self._hear)
        for thing in self.things:
            self.air.add(thing)
        self.residents = Residents(self.air, self.things, self.draws("residents"))
        self.staff = Staff(self.trace, self.draws("staff"), self._door, self.clock.now, self._command)
        self.wires: Wires | None = None
        self.house: House | None = None
        self._life: asyncio.Task[None] | None = None
        self._lives = 0
        self._board: BoardHouse | None = None
        self.changed: set[str] = set()
        """Devices whose battery was changed, and nobody has said so yet."""
        self._numbers: dict[int, int | None] = {}
        self.slow_disk_s = 0.004
        patient = self.draws("patience").random() < PATIENT
        self._busy = ("unacknowledged", "acknowledged") if patient else ("unacknowledged",)
        self.ended = Ended()
        self._beside: set[asyncio.Task[None]] = set()
        self._restarts: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen beside everything else; it ends with the storm."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def draws(self, what: str) -> Random:
        """Give the source of chance of one part of the world, so that parts do not shift each other."""
        return Random(f"{self.seed}/{what}")

    # Lives of the gateway

    async def begin(self) -> None:
        """Start the gateway."""
        self._lives += 1
        number = self._lives
        draws = self.draws(f"life {number}")
        threads = SimThreads(self.loop, draws)
        threads.slow_s = self.slow_disk_s
        wires = Wires(number, self.trace, draws, threads)
        outside = Outside(
            radio=partial(SimRadio, taken=partial(self._taken, wires)),
            journal=partial(Journal.open, threads=threads, room=ROOM),
            channels=partial(self.receivers.channels, wires),
            broker=partial(self.broker.connect, wires),
            influx=lambda _settings: SimServer(self.database, wires),
            page=partial(self._page, wires),
            settle=lambda: None,
        )
        house = House(
            config=self.loaded.folder,
            state=self.disk.folder,
            loaded=self.loaded,
            clock=self.clock,
            new_id=lambda wall_ns: uuid7(wall_ns, draws.randbytes),
            random=draws,
            outside=outside,
        )
        now = self.clock.now()
        self.trace.note("life", number=number, boot=now.boot, clock=now.quality.value)
        self.house, self.wires = house, wires
        self._life = asyncio.create_task(
            house.run(self._ready, standing=lambda: self.trace.note("standing", life=number)), name="house"
        )
        self._life.add_done_callback(partial(self._died, wires))
        await asyncio.sleep(0.05)
        self.air.remembered()

    async def _ready(self, _: Doors) -> None:
        assert self.wires is not None
        self.trace.note("ready", life=self.wires.number)

    def _died(self, wires: Wires, life: asyncio.Task[None]) -> None:
        if wires.live and not life.cancelled():
            self.trace.note("life_died", life=wires.number, error=repr(life.exception())[:200])

    async def end(self, how: str, *, dark_s: float = DARK_S) -> None:
        """End the life: `kill`, `power_cut` or `stop`; and leave it dark for a while."""
        wires, life = self.wires, self._life
        assert wires is not None
        assert life is not None
        lost = 0
        if how == "stop":
            life.cancel()
            await asyncio.wait((life,), timeout=30)
        self.trace.note("life_ends", life=wires.number, how=how)
        wires.cut.set()
        self.house = self.wires = None
        self.broker.life_ended(wires)
        if how == "power_cut":
            lost = self.disk.power_cut()
            self.trace.note("power_cut", lost_bytes=lost)
        else:
            self.disk.killed()
        wires.threads.let_go()
        life.cancel()
        await asyncio.wait((life,), timeout=60)
        if not life.done():
            raise LifeEnded("a life that was over did not end within 60 s")
        if not life.cancelled():
            life.exception()
        await asyncio.sleep(dark_s)

    async def restart(
        self, how: str, *, dark_s: float = DARK_S, boot: Callable[[], None] | None = None
    ) -> None:
        """End the life and begin the next one; `boot` is called between, where the machine starts anew.

        Once begun it goes on to its end, whatever becomes of who asked.
        """
        task = asyncio.create_task(self._restart(how, dark_s, boot), name="restart")
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)
        await asyncio.shield(task)

    async def _restart(self, how: str, dark_s: float, boot: Callable[[], None] | None) -> None:
        async with self._turn:
            await self.end(how, dark_s=dark_s)
            if boot is not None:
                boot()
            await self.begin()

    async def mind(self) -> None:
        """Be systemd: start the gateway again when it has ended by itself because its disk is full."""
        while True:
            await asyncio.sleep(1.0)
            life, wires = self._life, self.wires
            if life is None or wires is None or not life.done() or self._restarts:
                continue
            error = None if life.cancelled() else life.exception()
            if not self.disk.full or not _is_problem(error):
                raise LifeEnded(f"the gateway ended by itself: {error!r}") from error
            self.trace.fault("ended_for_a_full_disk")
            await self.restart("kill")

    # What the gateway is given

    def _hear(self, frame: Advertisement, number: int | None, counter: int | None, whole: bool) -> bool:
        house, wires = self.house, self.wires
        if house is None or wires is None or not hasattr(house, "radio"):
            return False
        assert isinstance(house.radio, SimRadio)
        assert frame.heard is not None
        self.trace.note(
            "heard",
            address=frame.address,
            number=number,
            counter=counter,
            whole=whole,
            brought=frame.brought if frame.brought is None else len(frame.brought),
            wall_ns=frame.heard.wall_ns,
            life=wires.number,
        )
        house.radio.hear(frame)
        return True

    def _taken(self, wires: Wires, frame: Frame, failed: str | None) -> None:
        if wires.live and frame.heard is not None:
            self.trace.note("taken", wall_ns=frame.heard.wall_ns, life=wires.number, failed=failed)

    async def _page(self, wires: Wires, house: BoardHouse, opened: Callable[[Doors], None]) -> None:
        self._board = house
        opened(Doors("http://page.test", self.disk.folder / "velgate.sock"))
        while True:
            stream = house.engine.subscribe()
            for shown in house.engine.open():
                self._shows(wires, house.engine, shown.alert, durable=shown.durable)
            async for published in stream:
                await wires.takes(0.0, 0.002)
                self._shows(wires, house.engine, published.alert, durable=published.durable)
            await asyncio.sleep(0.1)

    def _shows(self, wires: Wires, engine: AlertEngine, alert: Alert, *, durable: bool) -> None:
        if not wires.live:
            return
        self.trace.note(
            "page",
            alert=alert.id,
            key=alert.key,
            kind=alert.kind,
            concern=alert.concern.value,
            priority=alert.priority.value,
            handling=alert.handling.value,
            rev=alert.rev,
            count=alert.count,
            durable=durable,
            life=wires.number,
        )
        engine.page_shown(alert.id, "AB")
        if durable:
            self.staff.sees(alert)

    async def _door(self) -> tuple[AlertEngine, Wires] | None:
        for _ in range(40):
            house, wires = self.house, self.wires
            if house is not None and wires is not None and house.ready:
                return house.engine, wires
            await asyncio.sleep(0.5)
        return None

    def _command(self, alert: str, body: dict[str, Any]) -> bool:
        """Have another system command something by MQTT; False where nobody hears it."""
        site = self.loaded.settings.site
        topic = f"velgate/v1/{site.municipality}/{site.home}/alert/{alert}/command"
        return self.broker.command(topic, body)

    async def accept(self, device: str) -> None:
        """Have somebody say on the page that a device's battery was changed, until that has worked."""
        while device in self.changed:
            found = await self._door()
            if found is None or self._board is None:
                continue
            _, wires = found
            try:
                await self._board.accept(device)
            except NotDurable:  # the page says so, and whoever stands there tries again
                await asyncio.sleep(5)
                continue
            if wires.live:
                self.changed.discard(device)
                self.trace.note("accepted", device=device, life=wires.number)

    # Its course

    async def run(self, faults_for_s: float, storm: Callable[[World], Any] | None = None) -> None:
        """Play the seed: faults, then none until everything has recovered."""
        await self.begin()
        await self._consent()
        tasks = [
            asyncio.create_task(self.residents.live(), name="residents"),
            asyncio.create_task(self.mind(), name="systemd"),
        ]
        storming = asyncio.create_task(storm(self), name="storm") if storm else None
        if storming:
            tasks.append(storming)
        try:
            await self._let(faults_for_s, tasks)
            if storming is not None:
                storming.cancel()
                with suppress(asyncio.CancelledError):
                    await storming
                tasks.remove(storming)
                for task in self._beside:
                    task.cancel()
            await self.calm()
            await self._recover(tasks)
            assert self.house is not None
            await look(self.ended, self.house, self.broker)
        finally:
            for task in (*tasks, *self.staff.stop()):
                task.cancel()
            await asyncio.gather(*tasks, *self.staff.stop(), return_exceptions=True)
            await self.air.end()
        await self.end("stop", dark_s=0)

    async def _consent(self) -> None:
        while self.house is None or not self.house.ready:
            await asyncio.sleep(0.1)
        assert self.wires is not None
        running = Running(self.house, Doors("", Path()))
        for place in ("room-01", "room-02", "room-03"):
            await running.record_basis(
                place, (Concern.FALL, Concern.PRESENCE), until=date(2031, 1, 1), by="AB"
            )

    async def _let(self, seconds: float, tasks: list[asyncio.Task[None]]) -> None:
        """Let time pass; raises what a part of the world raises."""
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            raise LifeEnded(f"{task.get_name()} has ended")
        for error in self.staff.failures():
            raise error

    async def calm(self) -> None:
        """Let there be no fault any more."""
        self.trace.note("calm")
        self.residents.calm = True
        self.air.weather = type(self.air.weather)()
        self.broker.moods = type(self.broker.moods)()
        database = self.database
        database.away = database.hangs = False
        database.takes_and_dies = database.partial = 0.0
        database.refuses = ""
        for name in self.receivers.each:
            self.receivers.each[name] = Receiver()
        self.disk.full = False
        self.slow_disk_s = 0.004
        if self.wires is not None:
            self.wires.threads.slow_s, self.wires.threads.hang_until_s = 0.004, 0.0
        self.clock.set(error_s=0.0, quality=ClockQuality.SYNCED)
        while self._restarts:
            await asyncio.gather(*self._restarts)
        self.staff.diligent = True
        for device in sorted(self.changed):
            await self.accept(device)

    async def _recover(self, tasks: list[asyncio.Task[None]]) -> None:
        begun = self.loop.time()
        settled = 0
        while settled < 3:
            await self._let(LOOK_EVERY_S, tasks)
            for shown in self.house.engine.open() if self.house is not None else ():
                self.staff.sees(shown.alert)
            why = self._unsettled()
            settled = 0 if why else settled + 1
            if why and self.loop.time() - begun > RECOVERED_WITHIN_S:
                self.ended.unrecovered = why
                self.trace.note("not_recovered", why=why)
                return
        self.trace.note("recovered")

    def _unsettled(self) -> str:
        """Say what has not recovered yet; empty where everything has."""
        house = self.house
        if house is None or not house.ready:
            return "the gateway does not answer"
        behind = [row for row in house.health()["outlets"] if row["lag"] or row["state"] != "up"]
        if behind:
            return f"outlets are behind: {behind}"
        calling = [
            shown.alert.key
            for shown in house.engine.open()
            if not shown.durable or (shown.alert.lasting and shown.alert.handling in self._busy)
        ]
        return f"alerts still call: {calling}" if calling else ""


def _is_problem(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_problem(each) for each in error.exceptions)
    return isinstance(error, Problem)


@contextmanager
def virtual(loop: VirtualLoop) -> Iterator[None]:
    """Let the clocks of the machine tell virtual time, and its dice be a seed's."""
    kept = random_module.getstate()
    random_module.seed(1)
    with (
        mock.patch("time.monotonic", loop.time),
        mock.patch("time.perf_counter", loop.time),
        mock.patch(
            "gateway.intake.loading.entry_points", cache(entry_points)
        ),  # read once, not at each start
    ):
        yield
    random_module.setstate(kept)
