"""One run, as the checkers are given it: what happened, how it ended, and what left."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from sim.broker import Broker
from sim.database import Database
from sim.home import Steps, Thing
from sim.trace import Event, Trace
from sim.wires import Leaving
from sim.world import Ended, World


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
    def calls(self) -> list[Call]:
        """Every press and fall, in the order they were made."""
        copies: dict[int, list[Event]] = defaultdict(list)
        for event in self.trace.of("heard"):
            if event["whole"] and event["number"] is not None:
                copies[event["number"]].append(event)
        return [
            Call(
                made["device"],
                made["number"],
                made["counter"],
                made,
                tuple(copies.get(made["number"], ())),
            )
            for made in self.trace.of("press")
        ]

    @cached_property
    def lives(self) -> dict[int, Life]:
        """The lives of the gateway, by number."""
        begun = {event["number"]: event.at_s for event in self.trace.of("life")}
        return {
            event["life"]: Life(event["life"], begun[event["life"]], event.at_s, event["how"])
            for event in self.trace.of("life_ends")
        }

    def during(self, kind: str, over: str) -> list[tuple[float, float]]:
        """Give the spans from each fault of a kind to the next event that says it is over."""
        spans, begun = [], None
        for event in self.trace.events:
            if event.what == "fault" and event["kind"] == kind and begun is None:
                begun = event.at_s
            elif event.what in (over, "calm") and begun is not None:
                spans.append((begun, event.at_s))
                begun = None
        return spans
