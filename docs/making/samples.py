"""Real documents of each kind, made by the code that makes them in a running gateway.

The schemas are held against these: a key that the code adds or loses is found when the documentation is made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from docs.making.alert_states import call, in_state
from gateway.alerts.inputs import Acknowledge, Join, Presence
from gateway.alerts.lifecycle import step
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.alerts.wording import message
from gateway.app.devices import published
from gateway.board.documents import public_form
from gateway.health.document import Parts, health_document
from gateway.health.supervise import Room
from gateway.model.alert import Alert, Handling
from gateway.model.catalogue import shipped
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.settings.alerting import Policy, Step

START = Instant(wall_ns=1_795_530_000 * NS, mono_ns=NS, boot="one")
POLICY = Policy(steps=(Step(targets=("page", "group:nat"), after=timedelta(minutes=2)),))
ALERT_ID = "01a25f0b-1c80-7000-8000-0000000000aa"
READING_ID = "01a25f0b-1c80-7000-8000-000000000001"


def readings() -> list[dict[str, Any]]:
    """Give a measurement, a state and an event."""
    pulse = Record(
        id=READING_ID,
        device="hjerte-05",
        place="room-05",
        quantity="heart_rate",
        kind=Kind.MEASUREMENT,
        value=71,
        unit="/min",
        channel=None,
        time_ns=START.wall_ns,
        at=START,
        driver="gatt-heart-rate/1.0.0",
    )
    bed = replace(
        pulse,
        device="seng-03",
        place="room-03",
        quantity="bed_occupancy",
        kind=Kind.STATE,
        value=False,
        unit=None,
        driver="bthome/1.0.0",
        at=replace(START, quality=ClockQuality.HOLDOVER),
    )
    press = replace(
        bed,
        device="kald-01",
        place="room-01",
        quantity="help_call",
        kind=Kind.EVENT,
        value="press",
        channel=2,
    )
    return [record.document() for record in (pulse, bed, press)]


def alerts() -> list[dict[str, Any]]:
    """Give a call in each state, with everybody on it, closed long ago, and as visitors see it on a wall."""
    opened = replace(call(), id=ALERT_ID, readings=(READING_ID,))
    alerts = [in_state(state, opened) for state in Handling]
    taken: Alert | None = alerts[0]
    for given in (Acknowledge("KL"), Join("AB"), Presence("KL", "page")):
        taken, _ = step(taken, given, START, lambda _: POLICY)
    assert taken is not None
    shown = [*(alert.document() for alert in alerts), taken.document(durable=False)]
    return [*shown, alerts[-1].document(anonymous=True), public_form(shown[0])]


def devices() -> list[dict[str, Any]]:
    """Give a device that was heard and one that never was."""
    heard = {
        "device": "kald-01",
        "place": "room-01",
        "driver": "bthome",
        "available": True,
        "last_seen": "2026-11-24T14:00:00.123Z",
        "battery": 87,
        "signal": -61,
    }
    unknown = dict.fromkeys(heard) | {"device": "kald-02", "place": "room-02"}
    return [published(heard), published(unknown)]


def healths() -> list[dict[str, Any]]:
    """Give a gateway that is well, and one that has just started and knows little."""
    well = Parts(
        gateway="gw-1",
        version="0.1.0",
        started=START,
        adapters=[{"name": "hci0", "state": "up", "silent_s": 0.4}],
        rooms=[Room("intake", state="running").document()],
        outlets=[{"name": "mqtt", "state": "up", "lag": 0, "aside": 0, "reason": ""}],
        journal={
            "records": 120_345,
            "fsync_p99_ms": 6.1,
            "disk_free": 0.63,
            "dropped": 0,
            "audit": {"seq": 812, "hash": "5f" * 32},
        },
        devices=devices(),
        alerts=[in_state(Handling.UNACKNOWLEDGED, call())],
        quarantined=[],
    )
    young = replace(
        well,
        adapters=[{"name": "hci0", "state": "deaf", "silent_s": None}],
        outlets=[{"name": "influx", "state": "down", "lag": 12, "aside": 1, "reason": "503: it is starting"}],
        journal={
            "records": 0,
            "fsync_p99_ms": None,
            "disk_free": None,
            "dropped": 0,
            "audit": {"seq": None, "hash": None},
        },
        quarantined=["bthome"],
    )
    unsynced = replace(START, quality=ClockQuality.UNSYNCED)
    return [health_document(well, START.plus(timedelta(days=1))), health_document(young, unsynced)]


def notifications() -> list[dict[str, Any]]:
    """Give what a channel is told: the whole, and place and urgency only."""
    alert = in_state(Handling.UNACKNOWLEDGED, replace(call(), id=ALERT_ID))
    row = row_for(alert, Address(target="group:nat", channel="sms", person="KL"), START)
    return [
        dict(message(row, alert, START, short=short, language="da", words=shipped()).document)
        for short in (False, True)
    ]
