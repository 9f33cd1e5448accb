"""Conditions that hold together: of several devices of a place, in certain hours, or at a certain rate.

A combination is looked at whenever one of its parts may have changed: with a record, or with a timer where
time alone changes it (something has not come for long enough, hours begin or end, it has lasted). Nothing is
remembered of it but the last word of each device, so a restart in the middle changes nothing. Pure functions,
each changing one slot of the memory, its own.

What was never said is not fulfilled: a door of which nothing was heard since the rule was made is neither
open nor closed, and nobody is missed where nobody was ever seen.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.alerts.bound import Bound, Part, fulfils
from gateway.alerts.conditions import SLACK, SUBJECT, Tell
from gateway.alerts.hours import is_open, opened, turns
from gateway.alerts.memory import Memory
from gateway.alerts.verdicts import Arm, Disarm, Gone, Occurrence, Verdict
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record

PIECES = 12
"""In how many pieces the time of a rate is kept. What is older than it by a piece may still be compared, and
a restart forgets a piece at most."""

ROUNDED = 1e-9  # 21.3 is 3 above 18.3, whatever floats make of it
NOT_SO = "!"
"""Marks what a device said that does not fulfil a part of which every device must."""


def on_record(
    bound: Bound,
    key: str,
    record: Record,
    now: Instant,
    memory: Memory,
    zone: ZoneInfo,
    tell: Tell,
    *,
    fresh: bool = True,
) -> list[Verdict]:
    """A record came that one of its parts watches. One that is not `fresh` says only what was last so."""
    if record.kind is Kind.EVENT and bound.when.watches == "event" and record.quantity in bound.when.quantity:
        word = bound.word(record)
        return [tell(word, record.id)] if word is not None and _now(bound, key, now, memory, zone)[0] else []
    parts = [part for part in bound.parts if part.concerns(record)]
    changed = [_note(part, key, record, now, memory, fresh=fresh) for part in parts]
    return settle(bound, key, record.id, now, memory, zone, tell) if any(changed) else []


def look(bound: Bound, key: str, now: Instant, memory: Memory, zone: ZoneInfo, tell: Tell) -> list[Verdict]:
    """Its timer is due: time alone may have changed it."""
    memory.change(key, due=None)
    return settle(bound, key, "", now, memory, zone, tell)


def go_on(bound: Bound, key: str, now: Instant, memory: Memory, zone: ZoneInfo, tell: Tell) -> list[Verdict]:
    """A start, or a changed rule: forget what it does not ask for any more, and set its timer anew.

    Where nobody knows how long it was dark, what must not be missing is waited for anew.
    """
    slot, tags = memory[key], {part.tag for part in bound.parts}
    sights = tuple((tag, _trusted(at, now)) for tag, at in slot.sights if tag in tags)
    memory.change(
        key,
        holds=frozenset(each for each in slot.holds if _tag(each).removesuffix(NOT_SO) in tags),
        sights=sights,
        lows=tuple(each for each in slot.lows if _tag(each[0]) in tags and _comparable(each[1][0], now)),
        due=None,
    )
    return settle(bound, key, slot.said, now, memory, zone, tell)


def settle(
    bound: Bound, key: str, reading: str, now: Instant, memory: Memory, zone: ZoneInfo, tell: Tell
) -> list[Verdict]:
    """Say whether it holds, has ended, or when to look again."""
    holds, again = _now(bound, key, now, memory, zone)
    slot, verdicts = memory[key], list[Verdict]()
    if bound.when.watches == "event":
        return []  # it is asked when the event happens
    if not holds:
        if slot.active:
            verdicts.append(Gone(key, reading or None))
        memory.change(key, active=False, since=None, said="")
    elif not slot.active:
        since = slot.since or now
        left = bound.when.held - now.since(since) if _comparable(since, now) else timedelta(0)
        if left > timedelta(0):
            memory.change(key, since=since, said=slot.said or reading)
            again = min((each for each in (again, now.plus(left)) if each), key=lambda at: at.mono_ns)
        else:
            told = tell(None, reading or slot.said or None)
            if not isinstance(told, Occurrence):
                set_before = slot.due is not None
                forget(bound, key, memory)  # what comes next begins it anew, should there be a basis then
                return [told, Disarm(SUBJECT + key, "look")] if set_before else [told]
            memory.change(key, active=True, since=None, said="")
            verdicts.append(told)
    return [*verdicts, *_set(key, again, memory)]


def forget(bound: Bound, key: str, memory: Memory) -> None:
    """Forget it, and what is not kept of it."""
    for part in bound.parts:
        memory.lately.pop(f"{key}#{part.tag}", None)
    for series in [each for each in memory.buckets if each.startswith(f"{key}|")]:
        del memory.buckets[series]
    memory.forget(key)


def _set(key: str, again: Instant | None, memory: Memory) -> list[Verdict]:
    before = memory[key].due
    if again == before:
        return []
    memory.change(key, due=again)
    return [Disarm(SUBJECT + key, "look")] if again is None else [Arm(SUBJECT + key, "look", again)]


def _now(bound: Bound, key: str, now: Instant, memory: Memory, zone: ZoneInfo) -> tuple[bool, Instant | None]:
    """Tell whether it holds now, and when time alone may change that."""
    slot, during = memory[key], bound.when.during
    for part in bound.parts:
        if part.condition.missing is None and not _said(part, slot.holds):
            return False, None
    open_now = during is None or is_open(during, now, zone)
    turn = None if during is None else turns(during, now, zone)
    if not open_now:
        return False, turn
    begun = None if during is None else opened(during, now, zone)
    left = [
        _left(part, key, begun, now, memory) for part in bound.parts if part.condition.missing is not None
    ]
    if None in left:
        return False, None
    most = max((each for each in left if each is not None), default=timedelta(0))
    if most > timedelta(0):
        return False, now.plus(most)
    return True, turn


def _said(part: Part, holds: frozenset[str]) -> bool:
    said = any(_tag(each) == part.tag for each in holds)
    return said and not (part.every and any(_tag(each) == part.tag + NOT_SO for each in holds))


def _left(part: Part, key: str, begun: Instant | None, now: Instant, memory: Memory) -> timedelta | None:
    """Tell how long until it is missing; None where it has never come, and so is not missed."""
    span, seen = part.condition.missing, dict(memory[key].sights).get(part.tag)
    if seen is None or span is None:
        return None
    waited = now.since(memory.lately.get(f"{key}#{part.tag}") or seen.plus(span * SLACK))
    if begun is not None:
        waited = min(waited, now.since(begun))
    return span - waited


def _note(part: Part, key: str, record: Record, now: Instant, memory: Memory, *, fresh: bool) -> bool:
    """Note what a record says of a part; tell whether that may change anything."""
    if part.condition.missing is not None:
        return fresh and _sight(part, key, record, now, memory)
    slot = memory[key]
    said = f"{record.device}/{record.quantity}/{record.channel or ''}#{part.tag}"
    held = said in slot.holds
    if part.condition.rate:
        if not fresh or isinstance(record.value, bool | str):
            return False
        rose, fell = _moved(part, key, said, float(record.value), now, memory)
        holds = _beyond(part, rose, fell, held=held)
    else:
        holds = fulfils(part.condition, record.value, held=held)
    after = slot.holds - {said, said + NOT_SO}
    if holds:
        after |= {said}
    elif part.every:
        after |= {said + NOT_SO}
    if after == slot.holds:
        return False
    memory.change(key, holds=after)
    return True


def _sight(part: Part, key: str, record: Record, now: Instant, memory: Memory) -> bool:
    """Something came that must not be missing; its timer is moved only if it has fallen behind."""
    if part.condition.state is not None and not fulfils(part.condition, record.value, held=False):
        return False
    span = part.condition.missing
    assert span is not None, "a part that waits for something says for how long"
    sights = dict(memory[key].sights)
    before, at = sights.get(part.tag), f"{key}#{part.tag}"
    last = memory.lately.get(at, before)
    memory.lately[at] = now
    waits = last is not None and last.boot == now.boot and now.since(last) < span
    if waits and before is not None and before.boot == now.boot and now.since(before) < span * SLACK:
        return False
    memory.change(key, sights=tuple(sorted({**sights, part.tag: now}.items(), key=lambda each: each[0])))
    return True


def _moved(
    part: Part, key: str, series: str, value: float, now: Instant, memory: Memory
) -> tuple[float, float]:
    """Add a value, and tell how far it is above the lowest and below the highest of the time that counts."""
    within = part.condition.within
    assert within is not None, "a rate says in which time"
    piece, at = within / PIECES, f"{key}|{series}"
    kept = memory.buckets.get(at)
    if kept is None:
        kept = [bucket for name, bucket in memory[key].lows if name == series]
    kept = [each for each in kept if _comparable(each[0], now) and now.since(each[0]) <= within + piece]
    if kept and timedelta(0) <= now.since(kept[-1][0]) < piece:
        begin, low, high = kept[-1]
        kept[-1] = (begin, min(low, value), max(high, value))
    else:
        others = tuple(each for each in memory[key].lows if each[0] != series)
        memory.change(key, lows=(*others, *((series, bucket) for bucket in kept)))
        kept.append((now, value, value))
    memory.buckets[at] = kept
    return value - min(bucket[1] for bucket in kept), max(bucket[2] for bucket in kept) - value


def _beyond(part: Part, rose: float, fell: float, *, held: bool) -> bool:
    condition = part.condition
    slack = (condition.hysteresis if held else 0.0) + ROUNDED
    return (condition.rises_by is not None and rose >= condition.rises_by - slack) or (
        condition.falls_by is not None and fell >= condition.falls_by - slack
    )


def _tag(said: str) -> str:
    return said.rpartition("#")[2]


def _comparable(earlier: Instant, now: Instant) -> bool:
    """Tell whether anybody knows how long ago that was."""
    return earlier.boot == now.boot or ClockQuality.UNSYNCED not in (earlier.quality, now.quality)


def _trusted(at: Instant, now: Instant) -> Instant:
    return at if _comparable(at, now) else now
