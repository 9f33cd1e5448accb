"""Records as rows of the event table: a column for each field, in the order of `INSERT_EVENT`."""

from __future__ import annotations

from typing import Any

from gateway.journal.documents import read_word
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record, Value

EVENT_COLUMNS = (
    *("id", "device", "place", "quantity", "kind", "value", "unit", "channel", "time_ns"),
    *("wall_ns", "mono_ns", "boot", "quality", "driver", "test", "missed"),
)
"""What `decode_record` reads, in order."""
SELECT_EVENT = (
    "SELECT id, device, place, quantity, kind, value, unit, channel, time_ns, wall_ns, mono_ns, boot,"
    " quality, driver, test, missed, seq, evidence FROM event "
)
INSERT_EVENT = (
    "INSERT INTO event (id, device, place, quantity, kind, value, unit, channel, time_ns, wall_ns, mono_ns,"
    " boot, quality, driver, test, missed, evidence, judged)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq"
)


def encode_value(value: Value) -> float | int | str | bytes:
    """Write a value so that its type comes back: a boolean is one byte of blob."""
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    return value


def decode_value(raw: Any) -> Value:
    """Read a value as `encode_value` wrote it."""
    if isinstance(raw, bytes):
        return raw == b"\x01"
    value: Value = raw
    return value


def instant_columns(at: Instant) -> tuple[int, int, str, str]:
    """Write a moment as the columns `wall_ns, mono_ns, boot, quality`."""
    return at.wall_ns, at.mono_ns, at.boot, at.quality.value


def read_instant(row: Any) -> Instant:
    """Read a moment from the columns `wall_ns, mono_ns, boot, quality`."""
    wall_ns, mono_ns, boot, quality = row
    return Instant(wall_ns, mono_ns, boot, read_word(ClockQuality, quality))


def encode_record(record: Record) -> tuple[Any, ...]:
    """Write a record as the first sixteen values of `INSERT_EVENT`."""
    return (
        record.id,
        record.device,
        record.place,
        record.quantity,
        record.kind.value,
        encode_value(record.value),
        record.unit,
        record.channel,
        record.time_ns,
        *instant_columns(record.at),
        record.driver,
        int(record.test),
        record.missed,
    )


def decode_record(row: Any) -> Record:
    """Read a record from a row of `SELECT_EVENT`."""
    return Record(
        id=row[0],
        device=row[1],
        place=row[2],
        quantity=row[3],
        kind=Kind(row[4]),
        value=decode_value(row[5]),
        unit=row[6],
        channel=row[7],
        time_ns=row[8],
        at=read_instant(row[9:13]),
        driver=row[13],
        test=bool(row[14]),
        missed=row[15],
    )
