"""What every simulated device has: a specification from the scenario, a voice, and actions."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from firmware_sim.agenda import Agenda
from firmware_sim.air import Air
from firmware_sim.problem import Exit, SimProblem

COUNTER: Final = "counter/"
PACKET: Final = "packet/"
STATE: Final = "state/"
FIRST_BEAT_MAX_S: Final = 3.0  # a home that starts is heard within a few seconds

Action = Callable[[str | None], Awaitable[str]]
"""Does something and returns what it did, in words, once the first frame of it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A device as a scenario describes it."""

    name: str
    kind: str
    interval_s: float
    address: str | None = None
    random_address: bool = False
    topic: str | None = None
    key: bytes | None = None
    battery: int = 87
    place: str | None = None

    @property
    def radio_address(self) -> str:
        """The address of a device that speaks by radio. Raises ValueError where the scenario gave none."""
        if self.address is None:
            raise ValueError(f"{self.name}: a radio device needs an address")
        return self.address


class Publisher(Protocol):
    """A way to a broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish and return when it was sent. Raises SimProblem if there is no broker."""

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish when there is a connection; dropped if there is none."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a device finds again when the simulator was started anew: its counters and its state."""

    values: dict[str, int]

    def counter(self, name: str) -> int:
        """Return an anti-replay counter's next value: higher than any used before, also after a crash.

        Seconds since 1970 rise faster than any of these devices counts, so nothing must be on the disk.
        """
        key = f"{COUNTER}{name}"
        value = max(self.values.get(key, 0) + 1, int(time.time()))
        self.values[key] = value
        return value

    def rolling(self, name: str, first: int) -> int:
        """Return a packet id's next value, modulo 256."""
        key = f"{PACKET}{name}"
        value = (self.values.get(key, first - 1) + 1) % 256
        self.values[key] = value
        return value

    def state(self, name: str, first: int) -> int:
        """Return a state as it was last kept."""
        return self.values.get(f"{STATE}{name}", first)

    def keep(self, name: str, value: int) -> None:
        """Keep a state."""
        self.values[f"{STATE}{name}"] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a device stands in."""

    air: Air
    agenda: Agenda
    publisher: Publisher
    memory: Memory
    seed: int


class Device(ABC):
    """Base of all devices: silence, battery, and the table of actions."""

    profile: str | None = None
    driver: str = ""

    def __init__(self, spec: Spec, place: Place) -> None:
        """Build it; `start` lets it speak."""
        self.spec = spec
        self.name = spec.name
        self.battery = place.memory.state(f"{spec.name}/battery", spec.battery)
        self.silent = False
        self.air = place.air
        self.agenda = place.agenda
        self.memory = place.memory
        self.publisher = place.publisher
        self.random = random.Random(f"{place.seed}/{spec.name}")
        self.actions: dict[str, Action] = {
            "battery": self._battery,
            "silence": self._silence,
            "wake": self._wake,
        }

    def start(self) -> None:
        """Begin to speak, at a moment of its own within one interval."""
        self.agenda.after(
            self.random.uniform(0.05, min(self.spec.interval_s, FIRST_BEAT_MAX_S)), self.beat_on
        )

    def beat_on(self) -> None:
        """Say what it says regularly, and come back after the interval."""
        if not self.silent:
            self.beat()
        self.agenda.after(self.spec.interval_s * self.random.uniform(0.95, 1.05), self.beat_on)

    @abstractmethod
    def beat(self) -> None:
        """Say what the device says regularly."""

    async def act(self, action: str, value: str | None) -> str:
        """Do an action by name. Raises SimProblem."""
        work = self.actions.get(action)
        if work is None:
            raise SimProblem(
                f"{self.name} ({self.spec.kind})",
                expected=f"one of: {', '.join(sorted(self.actions))}",
                found=f"the action {action!r}",
                do=f"Choose one, for example  velgate-sim do {self.name} {next(iter(sorted(self.actions)))}",
                exit_code=Exit.USAGE,
            )
        if self.silent and action not in {"wake", "silence"}:
            raise SimProblem(
                self.name,
                expected="a device that sends",
                found="one that was silenced",
                do=f"Wake it first:  velgate-sim do {self.name} wake",
                exit_code=Exit.FAILED,
            )
        return await work(value)

    def number(self, value: str | None, *, what: str, low: float, high: float) -> float:
        """Read an action's value. Raises SimProblem with the range that is possible."""
        try:
            number = float(value if value is not None else "")
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise SimProblem(
                f"{self.name} {what}",
                expected=f"a number from {low:g} to {high:g}",
                found="nothing" if value is None else repr(value),
                do=f"Give it after the action, for example  velgate-sim do {self.name} {what} {low:g}",
                exit_code=Exit.USAGE,
            )
        return number

    def set_battery(self, value: str | None) -> None:
        """Take the value of the action `battery`. Raises SimProblem."""
        self.battery = round(self.number(value, what="battery", low=0, high=100))
        self.memory.keep(f"{self.name}/battery", self.battery)

    async def _battery(self, value: str | None) -> str:
        self.set_battery(value)
        self.beat()
        return f"its battery is at {self.battery} %"

    async def _silence(self, _value: str | None) -> str:
        self.silent = True
        self.hush()
        return "sends nothing any more"

    async def _wake(self, _value: str | None) -> str:
        self.silent = False
        self.roused()
        self.beat()
        return "sends again"

    def hush(self) -> None:  # noqa: B027  (most devices send nothing that goes on)
        """End what is being sent: the device falls silent."""

    def roused(self) -> None:  # noqa: B027  (as above)
        """Take notice that the device may speak again."""
