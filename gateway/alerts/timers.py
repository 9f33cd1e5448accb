"""Timers across a restart: what is due, what is due at once, and what starts anew. Pure.

A timer is a row in one table; within a boot it runs on monotonic time, so no wall clock that jumps moves it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.alerts.verdicts import SILENCE_TIMERS
from gateway.model.clock import ClockQuality, Instant
from gateway.model.rows import Timer


def carried_over(timer: Timer, now: Instant) -> Timer | None:
    """Give a timer of another boot as it runs in this one; None for one that its owner sets anew.

    Where both clocks were right, the wall clock says how much is left. Else nobody knows, and early beats
    late: escalation, return and shelf are due at once. Only what waits for a silent device starts anew, or
    each power cut would ring once a device.
    """
    due = timer.due
    if due.boot == now.boot:
        return timer
    if ClockQuality.UNSYNCED in (due.quality, now.quality):
        if timer.kind in SILENCE_TIMERS:
            return None
        return replace(timer, due=now)
    left = max(due.since(now), timedelta(0))
    return replace(timer, due=now.plus(left))
