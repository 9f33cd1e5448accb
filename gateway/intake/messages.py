"""What of another system's message is news: standing events at their edge, presses once, nothing retained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.driver import Availability, Fact, Kind, LastSeen, Reading, Standing
from gateway.intake.memory import Memory, signature
from gateway.intake.repeats import BURST
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.frames import Message
from gateway.model.readings import Guard

STANDING_MAX = 16  # of one device; a guest that invents names must not fill the journal
SAID_MAX = 64  # words of one device remembered for the length of a burst
LATE_NS = 60 * NS  # another system's word about a device is not news of it when it is older than this
BURST_NS = int(BURST.total_seconds() * NS)


@dataclass(slots=True)
class Said:
    """What a message comes to."""

    readings: list[Reading] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    repeats: int = 0


def judge_message(memory: Memory, device: str, frame: Message, facts: Sequence[Fact], at: Instant) -> Said:
    """Judge a message, note that its device was heard, and move the memory on."""
    said = Said([fact for fact in facts if isinstance(fact, Reading)])
    alive = bool(said.readings)
    seen: int | None = None
    for fact in facts:
        if isinstance(fact, Availability):
            memory.available = fact.online
            alive = alive or fact.online
        elif isinstance(fact, LastSeen):
            seen = fact.wall_ns
        elif isinstance(fact, Standing):
            alive = True
            if not frame.retained:
                _stands(memory, device, fact, said, at)
    if frame.retained:
        # it may be old: no event, no number of now; a state that differs is still the last that is known
        said.readings = [reading for reading in said.readings if reading.kind is Kind.STATE]
        return said
    if alive:
        _heard_by_word(memory, seen, at)
    heard, said.readings = said.readings, []
    for reading in heard:
        if _said_before(memory, frame, reading, at):
            said.repeats += 1
        else:
            said.readings.append(reading)
    return said


def _stands(memory: Memory, device: str, fact: Standing, said: Said, at: Instant) -> None:
    """Take an event that a system says again and again when it appears, and note when it is over."""
    value = signature([fact.reading]) if fact.reading is not None else ""
    if value == memory.standing.get(fact.name, ""):
        return
    if fact.name not in memory.standing and len(memory.standing) >= STANDING_MAX:
        return
    memory.standing[fact.name] = value
    said.guards.append(Guard(device, f"standing/{fact.name}", value, at))
    if fact.reading is not None:
        said.readings.append(fact.reading)


def _said_before(memory: Memory, frame: Message, reading: Reading, at: Instant) -> bool:
    """Tell whether an event was told a moment ago on another topic: the same press, said twice."""
    if reading.kind is not Kind.EVENT:
        return False
    told = (reading.quantity, reading.value, reading.channel)
    topic, when_ns = memory.said.pop(told, (frame.topic, 0))
    memory.said[told] = (frame.topic, at.mono_ns)
    if len(memory.said) > SAID_MAX:
        del memory.said[next(iter(memory.said))]
    return topic != frame.topic and at.mono_ns - when_ns <= BURST_NS


def _heard_by_word(memory: Memory, seen: int | None, at: Instant) -> None:
    """Note a device as heard, but not later than the other system says that it was."""
    late_ns = at.wall_ns - seen if seen is not None and at.quality is ClockQuality.SYNCED else 0
    if late_ns > LATE_NS:
        at = replace(at, wall_ns=at.wall_ns - late_ns, mono_ns=at.mono_ns - late_ns)
        if memory.last is not None and at.since(memory.last).total_seconds() <= 0:
            return
    memory.touch(at, "", None)
