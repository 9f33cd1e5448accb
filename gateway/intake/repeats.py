"""Telling news from repeats and replays. A repeat must be proved, a press need not be.

Repeats are: an equal packet id (with equal events under it), an equal anti-replay counter, or, where nothing
in a format counts, equal bytes inside one burst. A counter that falls is a replay. Everything else is news:
doubled, a press adds to a count; lost, nobody comes.

BlueZ reports the merged state of a device, so an old press comes again with each change of signal strength:
`Advertisement.brought` says what the packet itself carried, and the last accepted id, counter or payload is
kept in the journal with its event, so that a restart neither repeats a press nor swallows one.
"""

from __future__ import annotations

from collections.abc import Sequence as List
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from gateway.driver import Counter, Fact, Reading, Sequence
from gateway.intake.memory import Memory, digest, signature
from gateway.model.clock import NS, Instant
from gateway.model.readings import Guard

BURST = timedelta(seconds=4)  # how long one transmission may be repeated, and come late by another radio
COUNTER_GUARD_S = (
    60.0  # at most this much of a device's counter is reopened by a crash, where nothing is stored
)
MISSED_MAX = 64  # a larger gap in packet ids is a new count, not presses that were missed


class News(Enum):
    """What a frame is."""

    NEW = "new"
    REPEAT = "repeat"
    REPLAYED = "replayed"


@dataclass(slots=True)
class Judgement:
    """What a frame is, what is to be kept with its events, and how many before it were missed."""

    news: News
    guards: list[Guard] = field(default_factory=list)
    missed: int = 0


def judge(
    memory: Memory,
    device: str,
    facts: List[Fact],
    events: List[Reading],
    payload: bytes,
    at: Instant,
    *,
    recently: bool,
    brought: bool | None,
    quiet_gap: timedelta,
) -> Judgement:
    """Judge an advertisement and move the memory on.

    `recently`: these bytes were heard within the quiet gap. `brought`: the packet carried them itself;
    None where that is not known.
    """
    counter = next((fact.value for fact in facts if isinstance(fact, Counter)), None)
    sequence = next((fact for fact in facts if isinstance(fact, Sequence)), None)
    judgement = Judgement(News.NEW)
    if counter is not None:
        if memory.counter is not None and counter <= memory.counter:
            repeats = counter == memory.counter and memory.recent.get((counter, payload)) is not None
            restored = counter == memory.counter and not any(
                isinstance(key, tuple) and key[0] == counter for key in memory.recent
            )
            if not (repeats or restored):
                return Judgement(News.REPLAYED)
            memory.recently((counter, payload), at.mono_ns, quiet_gap)
            return Judgement(News.REPEAT)
        memory.recently((counter, payload), at.mono_ns, quiet_gap)
        memory.counter = counter
        judgement.guards.append(memory.guard(device, "counter", str(counter), at))
    if sequence is not None:
        _by_sequence(memory, device, sequence, events, at, judgement, quiet_gap, counted=counter is not None)
    elif counter is None and events:
        if recently:
            judgement.news = News.REPEAT
        else:
            _by_bytes(memory, device, payload, at, judgement, brought, quiet_gap)
    return judgement


def _by_sequence(
    memory: Memory,
    device: str,
    sequence: Sequence,
    events: List[Reading],
    at: Instant,
    judgement: Judgement,
    quiet_gap: timedelta,
    *,
    counted: bool,
) -> None:
    key = f"{sequence.value} {signature(events)}"
    recently = memory.recently(key, at.mono_ns, max(BURST, quiet_gap))
    # where a counter rose, the packet is new; then an equal id says "the same press" only inside the burst
    if recently or (key == memory.sequence and not counted):
        judgement.news = News.REPEAT
        return
    if memory.sequence is not None:
        ahead = (sequence.value - int(memory.sequence.partition(" ")[0])) % sequence.modulus
        judgement.missed = ahead - 1 if 1 < ahead <= MISSED_MAX else 0
    memory.sequence = key
    if events:
        judgement.guards.append(memory.guard(device, "sequence", key, at))


def _by_bytes(
    memory: Memory,
    device: str,
    payload: bytes,
    at: Instant,
    judgement: Judgement,
    brought: bool | None,
    quiet_gap: timedelta,
) -> None:
    mark = digest(payload)
    if mark == memory.payload and brought is not True and (brought is False or memory.payload_restored):
        memory.payload_restored = False
        judgement.news = News.REPEAT  # what the radio remembers, from before the restart or from long ago
        return
    if mark == memory.payload and memory.payload_restored and memory.payload_at is not None:
        memory.payload_restored = False
        if at.since(memory.payload_at) <= quiet_gap:
            judgement.news = News.REPEAT  # the restart was shorter than the burst
            return
    memory.payload, memory.payload_at, memory.payload_restored = mark, at, False
    judgement.guards.append(memory.guard(device, "payload", mark, at))


def counter_is_due(memory: Memory, at: Instant) -> bool:
    """Tell whether the counter should go to the journal although there is no row to write it with."""
    kept = memory.counter_guard
    return kept is None or kept.boot != at.boot or at.mono_ns - kept.mono_ns > COUNTER_GUARD_S * NS
