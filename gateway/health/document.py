"""The health of the gateway as one document, schema `velgate/health/1`: on MQTT, HTTP and `velgate status`.

What cannot be measured is null, never a good value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.model.alert import Alert, Handling, Priority
from gateway.model.clock import ClockQuality, Instant, iso

Level = Literal["ok", "warn", "error"]

DISK_WARN, DISK_ERROR = 0.20, 0.10  # share of the disk that is free
FSYNC_WARN_MS, FSYNC_ERROR_MS = 60.0, 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the rooms say of themselves."""

    gateway: str
    version: str
    started: Instant
    adapters: Sequence[Mapping[str, Any]]
    rooms: Sequence[Mapping[str, Any]]
    outlets: Sequence[Mapping[str, Any]]
    journal: Mapping[str, Any]
    devices: Sequence[Mapping[str, Any]]
    alerts: Sequence[Alert]
    quarantined: Sequence[str]


def health_document(parts: Parts, now: Instant) -> dict[str, Any]:
    """Give the document as of `now`."""
    return {
        "schema": "velgate/health/1",
        "time": iso(now.wall_ns),
        "gateway": parts.gateway,
        "version": parts.version,
        "level": level_of(parts, now),
        "uptime_s": round(now.since(parts.started).total_seconds()),
        "clock": now.quality.value,
        "adapters": [dict(adapter) for adapter in parts.adapters],
        "rooms": [dict(room) for room in parts.rooms],
        "outlets": [dict(outlet) for outlet in parts.outlets],
        "journal": dict(parts.journal),
        "devices": {
            "known": len(parts.devices),
            "heard": sum(1 for device in parts.devices if in_its_time(device)),
        },
        "alerts": {
            "unacknowledged": _count(parts.alerts, Handling.UNACKNOWLEDGED),
            "acknowledged": _count(parts.alerts, Handling.ACKNOWLEDGED),
            "technical": sum(
                1 for a in parts.alerts if a.priority is Priority.TECHNICAL and a.handling in _STANDING
            ),
        },
        "drivers": {"quarantined": list(parts.quarantined)},
    }


def in_its_time(device: Mapping[str, Any]) -> bool:
    """Whether a device is heard as often as it should be: one that speaks only when pressed always is."""
    available = device.get("available")
    return bool(available) or (available is None and bool(device.get("pressed_only")))


_STANDING = {Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED}


def _count(alerts: Sequence[Alert], handling: Handling) -> int:
    return sum(1 for a in alerts if a.handling is handling and a.priority is not Priority.TECHNICAL)


def level_of(parts: Parts, now: Instant) -> Level:
    """Say how the gateway is: `error` where calls may go unheard or unkept, `warn` where help is needed."""
    free, fsync = parts.journal.get("disk_free"), parts.journal.get("fsync_p99_ms")
    bad = (
        any(adapter.get("state") in {"off", "gone", "deaf"} for adapter in parts.adapters)
        or any(room.get("state") == "stopped" for room in parts.rooms)
        or (free is not None and free < DISK_ERROR)
        or (fsync is not None and fsync > FSYNC_ERROR_MS)
    )
    if bad:
        return "error"
    poor = (
        any(room.get("state") == "restarting" for room in parts.rooms)
        or any(outlet.get("state") == "down" or outlet.get("aside") for outlet in parts.outlets)
        or any(not in_its_time(device) for device in parts.devices)
        or (free is not None and free < DISK_WARN)
        or (fsync is not None and fsync > FSYNC_WARN_MS)
        or now.quality is not ClockQuality.SYNCED
        or bool(parts.quarantined)
    )
    return "warn" if poor else "ok"
