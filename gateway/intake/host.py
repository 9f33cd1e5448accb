"""Runs drivers: opens a frame for its driver, contains whatever the driver does, and tells the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice

from gateway.driver import Advertisement as AdvertisementView
from gateway.driver import AdvertisementDriver, DecodeError, Fact, GattDriver, Message
from gateway.driver import GattValue as GattView
from gateway.intake.budget import Budget, OverBudget
from gateway.intake.children import Children
from gateway.intake.index import Loaded, Route, build
from gateway.intake.outcome import FACTS_MAX, Fault, Outcome
from gateway.intake.quarantine import SHARE_MAX, Quarantine
from gateway.model import frames
from gateway.model.frames import Frame
from gateway.model.problem import Finding
from gateway.model.views import KeyOf, View, no_key

Changed = Callable[[str, bool, str], None]


def _quiet(_driver: str, _aside: bool, _reason: str) -> None:
    """Tell nobody."""


class DriverHost:
    """All drivers, the index of their matches, and the guard rails around their calls."""

    def __init__(
        self,
        drivers: Iterable[Loaded],
        *,
        children: Children | None = None,
        findings: Iterable[Finding] = (),
        monotonic: Callable[[], float] = time.monotonic,
        changed: Changed = _quiet,
        share_max: float = SHARE_MAX,
    ) -> None:
        """`changed(driver, aside, reason)` hears of quarantine; `findings` are faults met while loading."""
        self.index, self.drivers, clashes = build(drivers)
        self.findings: list[Finding] = [*findings, *clashes]
        """What did not load, and why: the rest is not stopped by it."""
        self.children = children or Children()
        self.quarantine = Quarantine(monotonic, changed, share_max)
        self._budget = Budget()

    def routes(self, frame: Frame) -> list[Route]:
        """Give the drivers of a frame, the most specific first."""
        return self.index.routes(frame)

    def forced(self, loaded: Loaded, frame: Frame) -> Route | None:
        """Give a frame's way through one driver. Messages need no fitting topic: roots are configurable."""
        for route in self.index.routes(frame):
            if route.loaded is loaded:
                return route
        if isinstance(frame, frames.Message) and not isinstance(
            loaded.driver, AdvertisementDriver | GattDriver
        ):
            return Route(loaded, loaded.driver.matches[0], frame.payload)
        return None

    def decode(self, route: Route, frame: Frame, key_of: KeyOf = no_key) -> Outcome:
        """Run the driver to its end; nothing but an outcome comes out. Blocks for the time budget at most."""
        loaded = route.loaded
        if not self.quarantine.admits(loaded.name):
            return Outcome([], Fault("driver_failed", self._aside(loaded.name)))
        if not loaded.shipped:
            return self._judged(loaded.name, *self.children.ask(route, frame, key_of))
        view = view_of(route, frame, key_of)
        began = time.perf_counter()
        facts, fault = self._call(loaded, view)
        took_s = time.perf_counter() - began
        return self._judged(loaded.name, Outcome(facts, fault, view.key_owner), took_s)

    async def decode_in_turn(self, route: Route, frame: Frame, key_of: KeyOf = no_key) -> Outcome:
        """Do the same on the event loop: a driver that runs in a child process is waited for."""
        if route.loaded.shipped:
            return self.decode(route, frame, key_of)
        name = route.loaded.name
        if not self.quarantine.admits(name):
            return Outcome([], Fault("driver_failed", self._aside(name)))
        outcome = await self.children.ask_in_turn(route, frame, key_of)
        if outcome is None:
            return Outcome([], Fault("driver_failed", "its process is being started again"))
        return self._judged(name, outcome, 0.0)  # the time was the child's

    def close(self) -> None:
        """Stop the children and give the timer back."""
        self.children.close()
        self._budget.close()

    def _call(self, loaded: Loaded, view: View) -> tuple[list[Fact], Fault | None]:
        facts: list[Fact] = []
        fault = None
        try:
            self._budget.begin()
            try:
                # extend() keeps what came before the driver raised
                facts.extend(islice(loaded.driver.decode(view), FACTS_MAX + 1))  # type: ignore[arg-type]
            except DecodeError as error:
                fault = Fault(error.code, str(error))
            finally:
                self._budget.end()
        except OverBudget:
            self._end_budget()
            facts, fault = [], Fault("driver_failed", "it did not come to an end and was interrupted")
        except Exception as error:  # noqa: BLE001  (containment is the job: a driver may raise anything)
            facts, fault = [], Fault("driver_failed", f"it raised {type(error).__name__}")
        if len(facts) > FACTS_MAX:
            facts, fault = [], Fault("driver_failed", f"it said more than {FACTS_MAX} things of one frame")
        return facts, fault

    def _end_budget(self) -> None:
        """Stop watching, although the timer may fire once more before it is told."""
        while True:
            try:
                self._budget.end()
            except OverBudget:
                continue
            return

    def _judged(self, name: str, outcome: Outcome, took_s: float) -> Outcome:
        fault = outcome.fault
        if fault is not None and fault.code == "driver_failed":
            self.quarantine.failed(name, took_s, fault.message)
        else:
            self.quarantine.went_well(name, took_s)
        return outcome

    def _aside(self, name: str) -> str:
        return f"set aside: {self.quarantine.aside().get(name, '')}"


def view_of(route: Route, frame: Frame, key_of: KeyOf) -> View:
    """Show a frame to its driver."""
    if isinstance(frame, frames.Advertisement):
        return AdvertisementView(frame, route.payload, route.match, key_of)
    if isinstance(frame, frames.GattValue):
        return GattView(frame, route.payload, route.match, key_of)
    return Message(frame, route.payload, route.match)
