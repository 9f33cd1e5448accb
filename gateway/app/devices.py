"""The devices as `GET /api/v1/devices`, MQTT and the staff page show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.alerts.watched import Watched
from gateway.intake.memory import Heard
from gateway.model.alert import Alert
from gateway.model.clock import Instant, iso
from gateway.settings.models import Settings

PUBLISHED = ("device", "place", "driver", "available", "last_seen", "battery", "signal")
"""The fields that other programs rely on; the others are for the staff page."""
SILENT_KINDS = frozenset({"device.silent", "call_device.silent"})
SILENCE_FLOOR_S = 60.0
SILENCE_INTERVALS = 3


def device_rows(
    settings: Settings,
    watched: Mapping[str, Watched],
    heard: Mapping[str, Heard],
    last_seen_ns: Mapping[str, int],
    open_alerts: Iterable[Alert],
    now: Instant,
) -> list[dict[str, Any]]:
    """Give a row a device. `last_seen_ns` is what the journal knows from before this start."""
    told = {(alert.device, alert.kind) for alert in open_alerts}
    return [
        _row(name, settings, device, heard.get(name), last_seen_ns.get(name), told, now)
        for name, device in watched.items()
    ]


def _row(
    name: str,
    settings: Settings,
    device: Watched,
    heard: Heard | None,
    before_ns: int | None,
    told: set[tuple[str | None, str]],
    now: Instant,
) -> dict[str, Any]:
    last = heard.last if heard else None
    profile = settings.profiles.get(settings.device[name].profile or "")
    battery = heard.battery if heard else None
    silent = any((name, kind) in told for kind in SILENT_KINDS)
    seen_ns = last.wall_ns if last else before_ns
    return {
        "device": name,
        "place": device.place,
        "driver": device.driver,
        "available": _available(device, heard, now, silent=silent),
        "last_seen": iso(seen_ns) if seen_ns else None,
        "battery": battery,
        "signal": heard.signal if heard else None,
        "label": settings.label(device.place),
        "title": profile.title.model_dump() if profile and profile.title else None,
        "silent": silent,
        "refused": heard.refused.code if heard and heard.refused else None,
        "battery_low": (name, "battery.low") in told
        or (battery is not None and battery <= device.battery_low),
        "battery_type": device.battery_type,
        "calls": device.calls,
        "pressed_only": device.heard_every is None,
    }


def _available(device: Watched, heard: Heard | None, now: Instant, *, silent: bool) -> bool | None:
    """Whether it was heard within its time; None where nobody can know (yet)."""
    if silent or (heard and (heard.available is False or heard.refused)):
        return False
    if heard is None or heard.last is None or device.heard_every is None:
        return heard.available if heard else None
    limit = max(device.heard_every.total_seconds() * SILENCE_INTERVALS, SILENCE_FLOOR_S)
    return now.since(heard.last).total_seconds() <= limit


def published(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a row other programs see."""
    return {key: row[key] for key in PUBLISHED}
