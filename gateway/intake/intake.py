"""Takes frames in: whose they are, what they say, whether it is news; and hands records on.

Everything up to the hand-over happens without a pause, so frames keep their order whoever calls; a frame of
a third party's driver alone waits for its child process. `take` may be called again while an event is being
committed.
"""

from __future__ import annotations

import logging
from collections import Counter as Tally
from collections.abc import Sequence as List
from typing import TYPE_CHECKING, Any, Protocol

from gateway.driver import (
    AdvertisementDriver,
    Counter,
    Driver,
    Kind,
    Reading,
    Sequence,
    Standing,
)
from gateway.intake.air import Air, OnAir
from gateway.intake.children import Children
from gateway.intake.directory import Directory, Known, carries_calls
from gateway.intake.host import DriverHost
from gateway.intake.index import Route
from gateway.intake.loading import load
from gateway.intake.memory import Heard, Memory, identity
from gateway.intake.messages import judge_message
from gateway.intake.outcome import Outcome
from gateway.intake.plans import gatt_plans, is_companion
from gateway.intake.records import Basis, RecordMaker, Taken
from gateway.intake.repeats import Judgement, News, counter_is_due, judge
from gateway.model import ccm
from gateway.model.clock import NS, Clock, Instant
from gateway.model.frames import Advertisement, Frame, GattValue, Message
from gateway.model.gatt import GattPlan
from gateway.model.ids import NewId
from gateway.model.matching import Where
from gateway.model.readings import Guard, Record
from gateway.model.trouble import TellTrouble, Trouble

if TYPE_CHECKING:
    from gateway.settings.models import Settings

log = logging.getLogger(__name__)

CARRIED_BY = {Where.SERVICE_DATA: "service_data", Where.COMPANY: "manufacturer_data"}


class Sink(Protocol):
    """Where records go."""

    async def event(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep events, and raise what hangs on them; returns after the commit. Raises where it cannot."""
        ...

    def routine(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep measurements and states with the next group; returns at once."""
        ...


class Intake:
    """The intake room. All state but the guards of the journal may be lost."""

    def __init__(
        self,
        settings: Settings,
        journal_guards: List[Guard],
        clock: Clock,
        new_id: NewId,
        sink: Sink,
        basis: Basis,
        tell: TellTrouble,
        host: DriverHost | None = None,
    ) -> None:
        """Load the drivers (unless `host` brings them) and take over what the journal kept of each device.

        Raises ValueError for a profile whose `means` makes no sense.
        """
        ccm.prepare()
        self._clock, self._sink, self._tell = clock, sink, tell
        self.host = host or _loaded_host(clock)
        self.host.quarantine.changed = self._quarantined
        self._maker = RecordMaker(new_id, basis)
        self._directory = Directory(settings, self.host.drivers)
        self._memories: dict[str, Memory] = {}
        self._air = Air()
        self._missing: set[str] = set()
        self._count: Tally[str] = Tally()
        self._errors: Tally[str] = Tally()
        for guard in sorted(journal_guards, key=lambda guard: guard.at.wall_ns):
            try:
                self._memory(guard.device).restore(guard)
            except ValueError:  # of another version: told twice is a nuisance, no gateway would be worse
                log.warning("what was kept of %s as %s cannot be read", guard.device, guard.name)
        self._adopt()

    def reload(self, settings: Settings) -> None:
        """Take a new configuration. What is remembered of a device that stays is kept."""
        self._directory = Directory(settings, self.host.drivers)
        self._adopt()

    async def take(self, frame: Frame) -> None:
        """Take one frame; returns when its events are committed. Raises what `Sink.event` raises."""
        at = frame.heard or self._clock.now()
        known = self._directory.of(frame)
        self._count["frames"] += 1
        if not isinstance(frame, Message):
            self._air.note(frame, at, known, self.host)
        if known is None:
            self._count["unknown"] += 1
            return
        memory = self._memory(known.slug)
        route = self._route(known, frame, memory)
        if route is None:
            self._count["unclaimed"] += 1
            return
        recently, brought = False, None
        if isinstance(frame, Advertisement):
            recently, brought = self._seen(memory, route, frame, at)
            last = memory.frames.get(route.match)
            if (brought is False and last is not None) or (
                last == route.payload and (recently or memory.counted[route.match])
            ):
                self._count["repeats"] += 1
                if memory.refused is None:  # a refused frame that comes again is no sign of life
                    memory.touch(at, frame.source, frame.rssi)
                return
        if route.loaded.shipped:
            outcome = self.host.decode(route, frame, self._directory.keys.get)
        else:
            outcome = await self.host.decode_in_turn(route, frame, self._directory.keys.get)
        before, stood = memory.mark(), dict(memory.standing)
        try:
            await self._keep(known, memory, route, frame, outcome, at, recently=recently, brought=brought)
        except BaseException:
            # not kept: what the device repeats of it must count again, or the call is lost
            memory.back_to(before, stood)
            raise

    def heard(self) -> dict[str, Heard]:
        """Give what is known of each configured device."""
        now_ns = self._clock.now().mono_ns
        return {slug: self._memory(slug).heard(now_ns) for slug in self._directory.devices}

    def on_air(self) -> list[OnAir]:
        """Give what was heard lately, strongest first, known or not."""
        return self._air.list()

    def driver_of(self, device: str) -> Driver | None:
        """Give the driver that a device is bound to; None where none is, or no such device is configured."""
        known = self._directory.devices.get(device)
        return known.driver.driver if known is not None and known.driver is not None else None

    def accept_counter(self, device: str) -> None:
        """Believe the next counter of a device, whatever it is: its battery was changed ("Skiftet").

        Raises KeyError for a device that is not configured.
        """
        memory = self._memory(self._directory.devices[device].slug)
        memory.counter = None
        memory.frames.clear()
        self._sink.routine([], [memory.guard(device, "counter", "", self._clock.now())])

    def gatt_plans(self) -> list[GattPlan]:
        """Give what is to be written, read and listened to on each device that is connected to."""
        return gatt_plans(self._directory.devices.values(), self.host.drivers.values())

    def health(self) -> dict[str, Any]:
        """Give the figures of this room: nothing is dropped without being counted here."""
        dropped = self._maker.dropped
        return {
            "quarantined": sorted({*self.host.quarantine.aside(), *self._missing}),
            **{name: self._count[name] for name in ("frames", "unknown", "unclaimed", "repeats")},
            "errors": dict(self._errors),
            "implausible": dict(dropped.implausible),
            "no_basis": [
                {"place": place, "concern": concern.value, "count": count}
                for (place, concern), count in dropped.no_basis.items()
            ],
            "free_text": dropped.free_text,
        }

    def close(self) -> None:
        """Stop what runs for drivers."""
        self.host.close()

    def _adopt(self) -> None:
        for slug, known in self._directory.devices.items():
            memory = self._memory(slug)
            memory.be(identity(known.address, self._directory.keys.get(known.address or "")))
            memory.frames.clear()
        for slug in [slug for slug in self._memories if slug not in self._directory.devices]:
            del self._memories[slug]
        missing = {k.wants for k in self._directory.devices.values() if k.wants and k.driver is None}
        for name in missing ^ self._missing:
            self._tell(
                Trouble(
                    kind="driver.quarantined",
                    subject=name,
                    present=name in missing,
                    detail=f"the driver {name} is configured but not installed, or did not load",
                    calls_unheard=name in missing,
                )
            )
        self._missing = missing

    def _memory(self, device: str) -> Memory:
        memory = self._memories.get(device)
        if memory is None:
            memory = self._memories[device] = Memory()
        return memory

    def _route(self, known: Known, frame: Frame, memory: Memory) -> Route | None:
        """Give the driver for a frame of a known device: its own, or whichever takes it."""
        if known.driver is None:
            routes = [] if known.wants else self.host.routes(frame)
        else:
            routes = [
                route
                for route in self.host.routes(frame)
                if route.loaded is known.driver
                or (isinstance(frame, GattValue) and is_companion(route.loaded.driver))
            ]
            if not routes and isinstance(frame, Message):
                forced = self.host.forced(known.driver, frame)
                routes = [forced] if forced else []
        # of several formats in one merged frame the one that changed is the packet's own
        fresh = (route for route in routes if memory.frames.get(route.match) != route.payload)
        return next(fresh, routes[0] if routes else None)

    @staticmethod
    def _seen(memory: Memory, route: Route, frame: Advertisement, at: Instant) -> tuple[bool, bool | None]:
        """Tell whether these bytes were heard a moment ago, and whether this very packet carried them."""
        driver = route.loaded.driver
        assert isinstance(driver, AdvertisementDriver)
        carrier = CARRIED_BY.get(route.match.where)
        brought = None if frame.brought is None or carrier is None else carrier in frame.brought
        if brought is False:
            return False, brought  # not heard now: the burst is not prolonged
        return memory.recently(route.payload, at.mono_ns, driver.quiet_gap), brought

    async def _keep(
        self,
        known: Known,
        memory: Memory,
        route: Route,
        frame: Frame,
        outcome: Outcome,
        at: Instant,
        *,
        recently: bool,
        brought: bool | None,
    ) -> None:
        facts, fault, _ = outcome
        if fault is not None:
            self._errors[fault.code] += 1
            if not any(isinstance(fact, Reading | Standing) for fact in facts):
                memory.refuse(fault.code, at)
                return
        readings = [fact for fact in facts if isinstance(fact, Reading)]
        judgement = Judgement(News.NEW)
        if isinstance(frame, Message):
            said = judge_message(memory, known.slug, frame, facts, at)
            readings, judgement.guards = said.readings, said.guards
            self._count["repeats"] += said.repeats
        else:
            if isinstance(frame, Advertisement):
                driver = route.loaded.driver
                assert isinstance(driver, AdvertisementDriver)
                events = [reading for reading in readings if reading.kind is Kind.EVENT]
                judgement = judge(
                    memory, known.slug, facts, events, route.payload, at,
                    recently=recently, brought=brought, quiet_gap=driver.quiet_gap,
                )  # fmt: skip
                if judgement.news is News.REPLAYED:
                    self._errors["replayed"] += 1
                    memory.refuse("replayed", at)
                    return
                memory.frames[route.match] = route.payload
                memory.counted[route.match] = any(isinstance(f, Counter | Sequence) for f in facts)
                if judgement.news is News.REPEAT:
                    self._count["repeats"] += 1
                    readings = [reading for reading in readings if reading.kind is not Kind.EVENT]
            memory.touch(at, frame.source, frame.rssi if isinstance(frame, Advertisement) else None)
        missed = judgement.missed if known.heard_every is None else 0
        version = f"{route.loaded.name}/{route.loaded.driver.version}"
        taken = self._maker.make(known, memory, readings, version, at, missed)
        await self._hand_over(memory, taken, judgement.guards, at)

    async def _hand_over(self, memory: Memory, taken: Taken, guards: list[Guard], at: Instant) -> None:
        with_routine = taken.guards if taken.events else [*taken.guards, *guards]
        counting = any(guard.name == "counter" for guard in guards)
        lone = with_routine and (not counting or len(with_routine) > 1 or counter_is_due(memory, at))
        if taken.routine or lone:
            try:
                self._sink.routine(taken.routine, with_routine)
                if counting:
                    memory.counter_guard = at
            except Exception:  # contained: a number that cannot be kept must take no call with it
                log.exception("measurements or states could not be kept")
                self._errors["not_kept"] += 1
                memory.forget(taken.routine)
        if taken.events:
            await self._sink.event(taken.events, guards)

    def _quarantined(self, name: str, aside: bool, reason: str) -> None:
        loaded = self.host.drivers[name]
        devices = self._directory.devices.values()
        bound = any(known.calls for known in devices if known.driver is loaded)
        free = any(known.driver is None and not known.wants for known in devices)
        self._tell(
            Trouble(
                kind="driver.quarantined",
                subject=name,
                present=aside,
                detail=reason or "it works again",
                calls_unheard=aside and (bound or (free and carries_calls(loaded, {}))),
            )
        )


def _loaded_host(clock: Clock) -> DriverHost:
    children = Children()
    drivers, findings = load(children)
    for finding in findings:
        log.warning("a driver does not load: %s: %s; %s", finding.where, finding.found, finding.do)
    return DriverHost(
        drivers,
        children=children,
        findings=findings,
        monotonic=lambda: clock.now().mono_ns / NS,
    )
