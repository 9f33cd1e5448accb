"""How things stand at the end: what the gateway's own documents and files say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.app.house import House
from gateway.journal.ledger import Ledger
from gateway.model.readings import Record
from gateway.model.rows import AuditEntry
from sim.broker import Broker

PAGE = 500


@dataclass
class Ended:
    """How things stand at the end: what the gateway's own documents and files say."""

    open_alerts: list[dict[str, Any]] = field(default_factory=list)
    every_alert: list[dict[str, Any]] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)
    readings: list[Record] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=dict)
    retained: dict[str, bytes] = field(default_factory=dict)
    unrecovered: str = ""
    broken_audit: int | None = None
    audit: list[tuple[str, str | None, str | None]] = field(default_factory=list)


async def look(ended: Ended, house: House, broker: Broker) -> None:
    """Read how things stand."""
    await house.journal.readings.flush()
    alarms, readings = house.journal.alarms, house.journal.readings
    ended.broken_audit = await alarms.verify_audit()
    for _ in range(200):
        if not any(row["lag"] for row in house.health()["outlets"]):
            break
        await asyncio.sleep(0.05)
    # at one moment, without a pause between:
    ended.health, ended.retained = house.health(), dict(broker.retained)
    ended.open_alerts = [shown.alert.document() for shown in house.engine.open() if shown.durable]
    every = await alarms.read(lambda ledger: ledger.alerts(open=None, since_ns=None, after=None, limit=1000))
    ended.every_alert = [alert.document() for alert in every]
    after = 0
    while events := await alarms.read(partial(_events_after, after)):
        ended.events.extend(record for _, record in events)
        after = events[-1][0]
    after = 0
    while entries := await alarms.read(partial(_audit_after, after)):
        ended.audit.extend((entry.what, entry.by, entry.alert) for entry in entries)
        after = entries[-1].seq
    after = 0
    while after < readings.head:
        batch = await readings.after(after, PAGE)
        ended.readings.extend(record for _, record in batch.rows)
        after = batch.end


def _events_after(after: int, ledger: Ledger) -> list[tuple[int, Record]]:
    return ledger.events_after(after, PAGE)


def _audit_after(after: int, ledger: Ledger) -> list[AuditEntry]:
    return ledger.audit_entries(after, PAGE)
