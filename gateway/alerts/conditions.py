"""How a condition begins, lasts and ends: events, states, limits, and what does not come. Pure functions.

Each is given the rule as it holds here, the key of its condition, and `tell`, which makes an occurrence of it
(or says that no legal basis allows one). Each changes one slot of the memory, its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from gateway.alerts.bound import Bound
from gateway.alerts.memory import Memory
from gateway.alerts.verdicts import Arm, Disarm, Gone, NoBasis, Occurrence, RuleTimerKind, Verdict
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Record

Tell: TypeAlias = Callable[[str | None, str | None], Occurrence | NoBasis]
"""Makes an occurrence of the word of an event (if it is one) and the id of the record that brought it."""

SLACK = 0.1
"""By what share of its own length a `missing` timer may be behind: so seldom is it moved, and so much later,
at most, it fires after a restart, for what came since is not kept by the second."""

SUBJECT = "rule:"


def on_event(bound: Bound, record: Record, tell: Tell) -> list[Verdict]:
    """An event happened: each one counts, none is remembered."""
    word = bound.word(record)
    return [] if word is None else [tell(word, record.id)]


def on_missed(bound: Bound, record: Record, tell: Tell) -> list[Verdict]:
    """Before this event at least one was not heard, and it is none itself: it may have been a call."""
    plain = {"help_call": "press", "button": "press", "fall": "detected"}.get(record.quantity)
    return [] if plain is None else on_event(bound, replace(record, value=plain), tell)


def on_level(
    bound: Bound, key: str, record: Record, now: Instant, memory: Memory, tell: Tell
) -> list[Verdict]:
    """A state or measurement came: only the edges say something."""
    slot = memory[key]
    part = f"{record.device}/{record.quantity}/{record.channel or ''}"
    held = part in slot.holds
    holds = bound.holds(record.value, held=held)
    if holds == held:
        return []
    after = slot.holds | {part} if holds else slot.holds - {part}
    if slot.holds and after:
        memory.change(key, holds=after)
        return []
    return _rise(bound, key, after, record, now, memory, tell) if holds else _fall(key, record, memory)


def _rise(
    bound: Bound,
    key: str,
    holds: frozenset[str],
    record: Record,
    now: Instant,
    memory: Memory,
    tell: Tell,
) -> list[Verdict]:
    if bound.when.held > timedelta(0):
        memory.change(key, holds=holds, since=now, said=record.id)
        return [Arm(SUBJECT + key, "held", now.plus(bound.when.held))]
    told = tell(None, record.id)
    if isinstance(told, Occurrence):
        memory.change(key, holds=holds, active=True)
    return [told]


def _fall(key: str, record: Record, memory: Memory) -> list[Verdict]:
    slot = memory[key]
    memory.forget(key)
    verdicts: list[Verdict] = [Disarm(SUBJECT + key, "held")] if slot.since else []
    return [*verdicts, Gone(key, record.id)] if slot.active else verdicts


def on_sight(bound: Bound, key: str, record: Record, now: Instant, memory: Memory) -> list[Verdict]:
    """Something came that must not be missing. What has never come yet is not missed."""
    span = bound.when.missing
    assert span is not None, "a rule that waits for something says for how long"
    if bound.when.state is not None and not bound.holds(record.value, held=False):
        return []
    was_missing = memory[key].active
    verdicts = seen(key, span, now, memory)
    return [Gone(key, record.id), *verdicts] if was_missing else verdicts


def seen(key: str, span: timedelta, now: Instant, memory: Memory) -> list[Verdict]:
    """Note that it is there now; move its timer only if it has fallen behind, to spare the disk."""
    slot = memory[key]
    memory.lately[key] = now
    before = None if slot.active else slot.seen
    if before is not None and before.boot == now.boot and now.since(before) < span * SLACK:
        return []
    memory.change(key, seen=now, active=False)
    return [Arm(SUBJECT + key, "missing", now.plus(span))]


def waits_on(key: str, span: timedelta, now: Instant, memory: Memory) -> list[Verdict]:
    """A start: go on waiting for what must not be missing; anew where nobody knows how long it was dark."""
    slot = memory[key]
    if slot.seen is None or slot.active:
        return []
    unknown = ClockQuality.UNSYNCED in (slot.seen.quality, now.quality)
    if slot.seen.boot != now.boot and unknown:
        return seen(key, span, now, memory)
    last = memory.lately.get(key) or slot.seen.plus(span * SLACK)
    left = max(span - now.since(last), timedelta(0))
    return [Arm(SUBJECT + key, "missing", now.plus(left))]


def goes_on(key: str, held: timedelta, now: Instant, memory: Memory) -> list[Verdict]:
    """A start, or a changed rule: what must last goes on lasting, as long as the rule now says."""
    slot = memory[key]
    if slot.since is None or not slot.holds:
        return []
    if slot.since.boot != now.boot and ClockQuality.UNSYNCED in (slot.since.quality, now.quality):
        return []  # its timer is due at once: nobody knows how long it has lasted
    return [Arm(SUBJECT + key, "held", now.plus(max(held - now.since(slot.since), timedelta(0))))]


def held_long_enough(key: str, memory: Memory, tell: Tell) -> list[Verdict]:
    """The timer of a condition that must last is due."""
    slot = memory[key]
    if slot.since is None or not slot.holds:
        return []
    told = tell(None, slot.said or None)
    if isinstance(told, Occurrence):
        memory.change(key, since=None, said="", active=True)
    else:
        memory.forget(key)  # the next reading begins it anew, should a basis have come meanwhile
    return [told]


def missed(bound: Bound, key: str, now: Instant, memory: Memory, tell: Tell) -> list[Verdict]:
    """The timer of something that must not be missing is due: it is, or came meanwhile."""
    span, slot = bound.when.missing, memory[key]
    if slot.seen is None or slot.active or span is None:
        return []
    last = memory.lately.get(key) or slot.seen.plus(span * SLACK)
    left = span - now.since(last)
    if left > timedelta(0):
        memory.change(key, seen=last)
        memory.lately.setdefault(key, last)
        return [Arm(SUBJECT + key, "missing", now.plus(left))]
    told = tell(None, None)
    if isinstance(told, Occurrence):
        memory.change(key, active=True)
    else:
        memory.forget(key)
    return [told]


def end(key: str, memory: Memory) -> list[Verdict]:
    """Forget a condition that nobody asks for any more, and what was set for it."""
    slot = memory[key]
    memory.forget(key)
    combined = slot.combined is True
    set_for: dict[RuleTimerKind, Instant | None] = {
        "held": None if combined else slot.since,
        "missing": slot.seen,
        "look": slot.due,
    }
    verdicts: list[Verdict] = [Disarm(SUBJECT + key, kind) for kind, at in set_for.items() if at]
    return [*verdicts, Gone(key)] if slot.active else verdicts
