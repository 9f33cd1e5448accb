"""Records and instants for tests, with sensible defaults."""

from __future__ import annotations

from itertools import count

from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.readings import Kind, Record, Value

START_NS = 1_795_000_000 * NS
_serial = count(1)


def instant(
    after_s: float = 0.0, *, boot: str = "boot-1", quality: ClockQuality = ClockQuality.SYNCED
) -> Instant:
    """Give a moment `after_s` seconds after the start of the tests' time."""
    ns = round(after_s * NS)
    return Instant(START_NS + ns, 1_000 * NS + ns, boot, quality)


def record(
    quantity: str = "temperature",
    value: Value = 21.5,
    *,
    kind: Kind = Kind.MEASUREMENT,
    unit: str | None = "Cel",
    device: str = "klima-01",
    place: str = "room-01",
    channel: int | None = None,
    at: Instant | None = None,
) -> Record:
    """Give a record with an id of its own."""
    moment = at or instant()
    return Record(
        id=f"01999999-0000-7000-8000-{next(_serial):012d}",
        device=device,
        place=place,
        quantity=quantity,
        kind=kind,
        value=value,
        unit=unit if kind is Kind.MEASUREMENT else None,
        channel=channel,
        time_ns=moment.wall_ns,
        at=moment,
        driver="bthome/1.0.0",
    )
