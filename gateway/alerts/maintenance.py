"""A device in maintenance is held back, for 4 h at most, whatever the configuration says.

The configuration names only an end. When that end was first seen is remembered, so that neither a date far
off nor a restart makes a device quiet for longer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.alerts.memory import Memory
from gateway.alerts.watched import Watched
from gateway.model.clock import ClockQuality, Instant

MAINTENANCE_MAX = timedelta(hours=4)

OWN = ":"
"""Memory of ours that is no condition begins with this; no rule's name can."""


def maintained_until(device: Watched | None, now: Instant, memory: Memory) -> Instant | None:
    """Give the end of a device's maintenance; None if it is in none, or nobody knows what time it is."""
    if device is None:
        return None
    key, until_ns = f"{OWN}maintenance/{device.device}", device.maintenance_until_ns
    if until_ns is None or now.quality is ClockQuality.UNSYNCED or now.wall_ns >= until_ns:
        if until_ns is None or now.quality is not ClockQuality.UNSYNCED:
            memory.forget(key)
        return None
    slot = memory[key]
    if slot.said != str(until_ns) or slot.seen is None:
        slot = memory.change(key, said=str(until_ns), seen=now)
    assert slot.seen is not None, "it was just noted"
    latest = slot.seen.plus(MAINTENANCE_MAX)
    left = min(until_ns, latest.wall_ns) - now.wall_ns
    return replace(now, wall_ns=now.wall_ns + left, mono_ns=now.mono_ns + left) if left > 0 else None
