"""One run, as the checkers are given it: what happened, how it ended, and what left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sim.broker import Broker
from sim.database import Database
from sim.ended import Ended
from sim.home import Steps, Thing
from sim.trace import Event, Trace
from sim.wires import Leaving
from sim.world import World

Span = tuple[float, float]


@dataclass(frozen=True)
class Call:
    """One press or fall that a resident made, and what the gateway heard of it."""

    device: str
    number: int
    counter: int | None
    made: Event
    heard: tuple[Event, ...]
    """Its whole copies, in the order in which they were heard."""


@dataclass(frozen=True)
class Life:
    """One life of the gateway."""

    number: int
    begun_s: float
    standing_s: float
    ended_s: float
    how: str


@dataclass(frozen=True)
class Facts:
    """What the checkers look at."""

    seed: int
    trace: Trace
    ended: Ended
    leaving: Leaving
    broker: Broker
    database: Database
    things: tuple[Thing, ...]
    steps: Steps

    @classmethod
    def of(cls, world: World) -> Facts:
        """Take them from a world that has been played."""
        return cls(
            world.seed,
            world.trace,
            world.ended,
            world.leaving,
            world.broker,
            world.database,
            tuple(world.things),
            world.steps,
        )

    @cached_property
    def _by_kind(self) -> dict[str, list[Event]]:
        by_kind: dict[str, list[Event]] = defaultdict(list)
        for event in self.trace.events:
            by_kind[event.what].append(event)
        return dict(by_kind)

    def every(self, kind: str) -> list[Event]:
        """Give the events of a kind, in order."""
        return self._by_kind.get(kind, [])

    @cached_property
    def end_s(self) -> float:
        """When it ended."""
        return self.trace.events[-1].at_s

    @cached_property
    def copies(self) -> dict[int, list[Event]]:
        """The whole copies of each transmission that were heard."""
        copies: dict[int, list[Event]] = defaultdict(list)
        for event in self.every("heard"):
            if event["whole"] and event["number"] is not None:
                copies[event["number"]].append(event)
        return copies

    @cached_property
    def calls(self) -> list[Call]:
        """Every press and fall, in the order they were made."""
        return [
            Call(
                made["device"],
                made["number"],
                made["counter"],
                made,
                tuple(self.copies.get(made["number"], ())),
            )
            for made in self.every("press")
        ]

    @cached_property
    def calls_of(self) -> dict[str, list[Call]]:
        """The same, by device."""
        by_device: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            by_device[call.device].append(call)
        return by_device

    @cached_property
    def taken(self) -> dict[tuple[int, int], Event]:
        """What the gateway said of frames that it took without failing, by life and time heard."""
        return {
            (event["life"], event["wall_ns"]): event
            for event in self.every("taken")
            if event["failed"] is None
        }

    @cached_property
    def heard_of(self) -> dict[str, list[Event]]:
        """The whole frames that were heard, by address."""
        by_address: dict[str, list[Event]] = defaultdict(list)
        for event in self.every("heard"):
            if event["whole"]:
                by_address[event["address"]].append(event)
        return by_address

    @cached_property
    def address_of(self) -> dict[str, str]:
        """The address of each device."""
        return {thing.name: thing.address for thing in self.things}

    @cached_property
    def asks(self) -> dict[int, Event]:
        """What people asked, by number."""
        return {event["number"]: event for event in self.every("ask")}

    @cached_property
    def asks_of(self) -> dict[str, list[Event]]:
        """The same, by alert."""
        by_alert: dict[str, list[Event]] = defaultdict(list)
        for event in self.every("ask"):
            by_alert[event["alert"]].append(event)
        return by_alert

    @cached_property
    def callers(self) -> dict[str, str]:
        """The device of each alert that is a call or a fall, by the alert's id."""
        devices = {thing.name for thing in self.things if thing.kind in ("call", "fall")}
        found: dict[str, str] = {}
        for event in self.every("page"):
            rule, _, device = event["key"].partition("/")
            if device in devices and rule in ("help-call", "fall"):
                found[event["alert"]] = device
        return found

    @cached_property
    def lives(self) -> dict[int, Life]:
        """The lives of the gateway, by number."""
        begun = {event["number"]: event.at_s for event in self.every("life")}
        standing = {event["life"]: event.at_s for event in self.every("standing")}
        return {
            event["life"]: Life(
                event["life"],
                begun[event["life"]],
                standing.get(event["life"], event.at_s),
                event.at_s,
                event["how"],
            )
            for event in self.every("life_ends")
        }

    def during(self, kinds: Iterable[str], over: str) -> list[Span]:
        """Give the spans from each fault of some kinds to the next event that says it is over."""
        spans: list[Span] = []
        begun: float | None = None
        for event in self.trace.events:
            if event.what == "fault" and event["kind"] in kinds and begun is None:
                begun = event.at_s
            elif event.what in (over, "calm") and begun is not None:
                spans.append((begun, event.at_s))
                begun = None
        if begun is not None:
            spans.append((begun, self.end_s))
        return spans

    @cached_property
    def disk_troubles(self) -> list[Span]:
        """When the disk was full or did not answer."""
        return [
            *self.during(("disk_full",), "disk_free"),
            *self.during(("disk_hangs",), "disk_goes_on"),
        ]

    @cached_property
    def dark(self) -> list[Span]:
        """When no gateway was there, or it had not begun to work yet."""
        spans, since = [], 0.0
        for life in self.lives.values():
            spans.append((since, life.standing_s))
            since = life.ended_s
        return [*spans, (since, self.end_s + 1e9)]
