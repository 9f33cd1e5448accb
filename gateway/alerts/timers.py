"""Timers across a restart: what is due, what is due at once, and what starts anew. Pure.

A timer is a row in one table; within a boot it runs on monotonic time, so no wall clock that jumps moves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from gateway.alerts.verdicts import SILENCE_TIMERS
from gateway.model.clock import ClockQuality, Instant
from gateway.model.rows import Timer

OF = "of"
"""In a timer's data: which moment of an earlier boot it waits for."""


def carried_over(timer: Timer, now: Instant, changed: Instant | None = None) -> Timer | None:
    """Give a timer of another boot as it runs in this one; None for one that its owner sets anew.

    Where both clocks were right, the wall clock says how much is left. Else nobody knows, and early beats
    late: escalation, return and shelf are due at once. Only what waits for a silent device starts anew, or
    each power cut would ring once a device. `changed` is when its subject last changed: a clock that stands
    before that is not right, whatever it says of itself.
    """
    due = timer.due
    if due.boot == now.boot:
        return timer
    if ClockQuality.UNSYNCED in (due.quality, now.quality):
        if timer.kind in SILENCE_TIMERS:
            return None
        return _from(timer, now)
    if changed is not None and now.wall_ns < changed.wall_ns:
        return _from(timer, now)
    left = max(due.since(now), timedelta(0))
    return _from(timer, now.plus(left))


def set_anew(timer: Timer, running: Iterable[Timer], now: Instant) -> Timer:
    """Give a timer that waits for a moment which its subject names, perhaps one of an earlier boot.

    One that waits for that moment already goes on as it runs: the wall clock may have jumped since it was
    carried over, and within a boot that moves no timer.
    """
    if timer.due.boot == now.boot:
        return timer
    for each in running:
        if each.kind == timer.kind and each.due.boot == now.boot and each.data.get(OF) == _moment(timer.due):
            return replace(each, rev=timer.rev)
    return carried_over(timer, now) or timer


def _from(timer: Timer, due: Instant) -> Timer:
    return replace(timer, due=due, data={**timer.data, OF: timer.data.get(OF) or _moment(timer.due)})


def _moment(at: Instant) -> str:
    return f"{at.boot}/{at.mono_ns}"
