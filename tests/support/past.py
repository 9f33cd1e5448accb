"""A home with a past: a configuration folder, and a journal that holds what its devices said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from gateway.journal.journal import Journal
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.quantities import find
from gateway.model.readings import Kind, Record, Value
from gateway.model.rows import Basis
from support.inline_threads import InlineThreads
from support.journal import HandClock, Told

HOME = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}

[place]
room-12 = {label = "Bolig 12"}
room-13 = {label = "Bolig 13"}

[device]
kald-12 = {address = "A4:C1:38:00:00:01", place = "room-12", profile = "call-button"}
seng-12 = {address = "A4:C1:38:00:00:04", place = "room-12", driver = "bthome", profile = "bed"}
doer-12 = {address = "A4:C1:38:00:00:05", place = "room-12", profile = "door"}
uro-12 = {topic = "zigbee2mqtt/uro-12", place = "room-12", profile = "motion"}
klima-12 = {address = "A4:C1:38:00:00:06", place = "room-12", driver = "bthome"}
seng-13 = {address = "A4:C1:38:00:00:07", place = "room-13", profile = "bed"}
"""
EVENING = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # 22:00 in Copenhagen
_PLACES = {"seng-13": "room-13"}
_serial = count(1)


def config_folder(folder: Path, more: str = "") -> Path:
    """Write a configuration folder."""
    config = folder / "config"
    config.mkdir()
    (config / "gateway.toml").write_text(HOME)
    if more:
        (config / "home.toml").write_text(more)
    return config


def moment(after: timedelta, *, boot: str = "boot-1", quality: ClockQuality = ClockQuality.SYNCED) -> Instant:
    """Give the moment so long after ten in the evening."""
    ns = round(after.total_seconds() * NS)
    return Instant(round(EVENING.timestamp()) * NS + ns, 10_000 * NS + ns, boot, quality)


def said(device: str, quantity: str, value: Value, at: Instant, *, late: timedelta = timedelta(0)) -> Record:
    """Make a record of what a device said."""
    kind = (
        Kind.STATE if isinstance(value, bool) else Kind.EVENT if isinstance(value, str) else Kind.MEASUREMENT
    )
    row = find(quantity, kind)
    assert row is not None, quantity
    return Record(
        id=f"01999999-0000-7000-8000-{next(_serial):012d}",
        device=device,
        place=_PLACES.get(device, "room-12"),
        quantity=quantity,
        kind=kind,
        value=value,
        unit=row.unit,
        channel=None,
        time_ns=at.wall_ns - round(late.total_seconds() * NS),
        at=at,
        driver="bthome/1.0.0",
    )


async def keep(state: Path, records: Iterable[Record], *, basis: bool = True) -> None:
    """Keep them as the gateway does: events with the alarms, everything else with the readings."""
    journal = await Journal.open(state, HandClock(), Told(), threads=InlineThreads())
    try:
        for batch in batched_of(records, 500):
            events = [each for each in batch if each.kind is Kind.EVENT]
            if events:
                await journal.alarms.write(lambda ledger, events=events: [*map(ledger.add_event, events)])  # type: ignore[misc]
            journal.readings.append([each for each in batch if each.kind is not Kind.EVENT])
            await journal.readings.flush()
        if basis:
            rows = [_consent(place) for place in ("room-12", "room-13")]
            await journal.alarms.write(lambda ledger: [*map(ledger.put_basis, rows)])
    finally:
        await journal.close()


def _consent(place: str) -> Basis:
    return Basis(
        place=place,
        concern="presence",
        kind="consent",
        until=date(2099, 1, 1),
        case=None,
        recorded=moment(timedelta(days=-30)),
        by="KL",
    )


def batched_of(records: Iterable[Record], size: int) -> Iterable[list[Record]]:
    """Give them in lists of so many."""
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
