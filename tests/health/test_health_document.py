"""The health document: what it counts, and that it calls nothing good that nobody measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.health.document import Parts, health_document, level_of
from gateway.model.alert import Concern, Handling, Priority
from gateway.model.clock import ClockQuality
from support.outlet_house import alert
from support.records import instant

GOOD = Parts(
    gateway="gw-1",
    version="0.1.0",
    started=instant(),
    adapters=[{"name": "hci0", "state": "up", "silent_s": 0.4}],
    rooms=[{"name": "intake", "state": "running", "restarts": 0, "queue": 0}],
    outlets=[{"name": "mqtt", "state": "up", "lag": 0, "aside": 0}, {"name": "influx", "state": "off"}],
    journal={"records": 1, "fsync_p99_ms": 6.1, "disk_free": 0.63},
    devices=[{"device": "kald-01", "available": True}],
    alerts=[],
    quarantined=[],
)


def test_a_good_house_is_ok() -> None:
    """All keys of the contract are there."""
    document = health_document(GOOD, instant(86_400))
    assert document["level"] == "ok"
    assert document["uptime_s"] == 86_400
    assert set(document) == {
        "schema", "time", "gateway", "version", "level", "uptime_s", "clock", "adapters", "rooms", "outlets",
        "journal", "devices", "alerts", "drivers",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"adapters": [{"name": "hci0", "state": "deaf"}]}, "error"),
        ({"adapters": [{"name": "hci0", "state": "off"}]}, "error"),
        ({"adapters": [{"name": "hci0", "state": "gone"}]}, "error"),
        ({"rooms": [{"name": "alerts", "state": "stopped"}]}, "error"),
        ({"rooms": [{"name": "alerts", "state": "restarting"}]}, "warn"),
        ({"outlets": [{"name": "mqtt", "state": "down", "lag": 3, "aside": 0}]}, "warn"),
        ({"outlets": [{"name": "mqtt", "state": "up", "lag": 0, "aside": 2}]}, "warn"),
        ({"journal": {"records": 1, "fsync_p99_ms": 6.1, "disk_free": 0.05}}, "error"),
        ({"journal": {"records": 1, "fsync_p99_ms": 300.0, "disk_free": 0.5}}, "error"),
        ({"journal": {"records": 1, "fsync_p99_ms": 100.0, "disk_free": 0.5}}, "warn"),
        ({"devices": [{"device": "kald-01", "available": False}]}, "warn"),
        ({"quarantined": ["acme"]}, "warn"),
    ],
)
def test_what_is_wrong_shows_in_the_level(change: dict[str, Any], level: str) -> None:
    """Calls unheard or unkept are an error, what wants a hand is a warning."""
    assert level_of(replace(GOOD, **change), instant()) == level


def test_what_cannot_be_measured_is_null_and_not_good() -> None:
    """An unsynced clock warns; a disk that tells nothing stays null."""
    unknown = replace(GOOD, journal={"records": 1, "fsync_p99_ms": None, "disk_free": None})
    document = health_document(unknown, instant(quality=ClockQuality.UNSYNCED))
    assert document["level"] == "warn"
    assert document["journal"]["disk_free"] is None


def test_a_device_that_speaks_only_when_pressed_is_not_missed() -> None:
    """Nobody can say that it should have spoken; one that refuses or is called offline is missed."""
    quiet = {"device": "sos-09", "available": None, "pressed_only": True}
    unheard = {"device": "klima-01", "available": None, "pressed_only": False}
    lost = {"device": "fald-02", "available": False, "pressed_only": True}
    document = health_document(replace(GOOD, devices=[quiet, unheard, lost]), instant())
    assert document["devices"] == {"known": 3, "heard": 1}
    assert level_of(replace(GOOD, devices=[quiet]), instant()) == "ok"


def test_alerts_are_counted_by_handling_and_technical_apart() -> None:
    """A technical alert is no waiting resident."""
    alerts = [
        alert(),
        alert("b", handling=Handling.ACKNOWLEDGED),
        alert("c", priority=Priority.TECHNICAL, concern=Concern.TECHNICAL),
        alert("d", handling=Handling.SHELVED),
    ]
    counted = health_document(replace(GOOD, alerts=alerts), instant())["alerts"]
    assert counted == {"unacknowledged": 1, "acknowledged": 1, "technical": 1}
