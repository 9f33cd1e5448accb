"""Readings as rows of numbers, and back without loss.

`series` holds what a device says again and again; `epoch` holds boot and quality of the clock, a base for
wall time and how far it stood ahead of monotonic time. Of a UUIDv7 whose first 48 bits are the
milliseconds of the reading's own time only the other ten bytes are kept.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from gateway.journal.documents import read_word
from gateway.journal.record_codec import decode_value, encode_value
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record

SELECT_READING = "SELECT seq, series, epoch, id, since_base_ns, late_ns, drift_ns, value FROM reading "
INSERT_READING = (
    "INSERT INTO reading (seq, series, epoch, id, since_base_ns, late_ns, drift_ns, value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
Row: TypeAlias = tuple[Any, ...]

SIX_BYTES = 1 << 47  # a column of SQLite takes six bytes up to here; a later reading begins a new epoch
FOUR_BYTES = 1 << 31
INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Series:
    """What readings of one series have in common."""

    device: str
    place: str
    quantity: str
    kind: str
    unit: str | None
    channel: int | None
    driver: str
    test: bool


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of time with one clock. `ahead_ns` is wall time minus monotonic time at its beginning."""

    boot: str
    quality: str
    base_ns: int
    ahead_ns: int

    def fits(self, at: Instant) -> bool:
        """Tell whether a moment can be written in this epoch in few bytes.

        A reading from long before (a device's own memory) takes eight bytes for its time instead of six.
        """
        return (
            self.boot == at.boot
            and self.quality == at.quality.value
            and abs(at.wall_ns - self.base_ns) < SIX_BYTES
            and abs(at.wall_ns - at.mono_ns - self.ahead_ns) < FOUR_BYTES
        )


class Numbers:
    """The numbers of series and epochs. The writer's thread adds; any thread may decode what is committed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Read them from the file."""
        self.series: dict[int, Series] = {}
        self._epochs: dict[int, Epoch] = {}
        self._series_ids: dict[Series, int] = {}
        self._epoch_id = 0
        self.load(db)

    def load(self, db: sqlite3.Connection) -> None:
        """Read them anew: after a transaction that was undone."""
        rows = db.execute("SELECT id, device, place, quantity, kind, unit, channel, driver, test FROM series")
        series = {row[0]: _series(row) for row in rows}
        epochs = {
            row[0]: Epoch(*row[1:])
            for row in db.execute("SELECT id, boot, quality, base_ns, ahead_ns FROM epoch")
        }
        self.series, self._epochs = series, epochs
        self._series_ids = {each: number for number, each in series.items()}
        self._epoch_id = max(epochs, default=0)

    def refresh(self, db: sqlite3.Connection) -> None:
        """Read them anew where others were added."""
        newest = db.execute("SELECT (SELECT max(id) FROM series), (SELECT max(id) FROM epoch)").fetchone()
        if newest != (max(self.series, default=None), max(self._epochs, default=None)):
            self.load(db)

    def encode(self, db: sqlite3.Connection, seq: int, record: Record) -> Row:
        """Write a record as the values of `INSERT_READING`, adding series and epoch where they are new."""
        at, time_ns = record.at, record.time_ns
        epoch_id = self._epoch_id
        epoch = self._epochs.get(epoch_id)
        if epoch is None or not epoch.fits(at):
            epoch_id, epoch = self._add_epoch(db, at)
        return (
            seq,
            self._series_id(db, record),
            epoch_id,
            short_id(record.id, time_ns),
            time_ns - epoch.base_ns,
            at.wall_ns - time_ns,
            at.wall_ns - at.mono_ns - epoch.ahead_ns,
            encode_value(record.value),
        )

    def decode(self, row: Row) -> Record:
        """Read a record from a row of `SELECT_READING`."""
        series, epoch = self.series[row[1]], self._epochs[row[2]]
        time_ns = epoch.base_ns + row[4]
        wall_ns = time_ns + row[5]
        return Record(
            id=long_id(row[3], time_ns),
            device=series.device,
            place=series.place,
            quantity=series.quantity,
            kind=Kind(series.kind),
            value=decode_value(row[7]),
            unit=series.unit,
            channel=series.channel,
            time_ns=time_ns,
            at=Instant(
                wall_ns, wall_ns - epoch.ahead_ns - row[6], epoch.boot, read_word(ClockQuality, epoch.quality)
            ),
            driver=series.driver,
            test=series.test,
        )

    def matching(self, device: str | None, place: str | None, quantity: str | None) -> list[int]:
        """Give the series that match every name that is given."""
        return [
            number
            for number, each in tuple(self.series.items())
            if device in (None, each.device)
            and place in (None, each.place)
            and quantity in (None, each.quantity)
        ]

    def _series_id(self, db: sqlite3.Connection, record: Record) -> int:
        series = Series(
            record.device,
            record.place,
            record.quantity,
            record.kind.value,
            record.unit,
            record.channel,
            record.driver,
            record.test,
        )
        number = self._series_ids.get(series)
        if number is None:
            cursor = db.execute(
                "INSERT INTO series (device, place, quantity, kind, unit, channel, driver, test)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    series.device,
                    series.place,
                    series.quantity,
                    series.kind,
                    series.unit,
                    series.channel,
                    series.driver,
                    int(series.test),
                ),
            )
            assert cursor.lastrowid is not None
            number = cursor.lastrowid
            self.series[number] = series
            self._series_ids[series] = number
        return number

    def _add_epoch(self, db: sqlite3.Connection, at: Instant) -> tuple[int, Epoch]:
        epoch = Epoch(at.boot, at.quality.value, at.wall_ns, at.wall_ns - at.mono_ns)
        cursor = db.execute(
            "INSERT INTO epoch (boot, quality, base_ns, ahead_ns) VALUES (?, ?, ?, ?)",
            (epoch.boot, epoch.quality, epoch.base_ns, epoch.ahead_ns),
        )
        assert cursor.lastrowid is not None
        self._epoch_id = cursor.lastrowid
        self._epochs[self._epoch_id] = epoch
        return self._epoch_id, epoch


def _series(row: Row) -> Series:
    return Series(
        device=row[1],
        place=row[2],
        quantity=row[3],
        kind=row[4],
        unit=row[5],
        channel=row[6],
        driver=row[7],
        test=bool(row[8]),
    )


def check_storable(record: Record) -> None:
    """Refuse what a column cannot hold. Raises ValueError; the value is not in its text."""
    value = record.value
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"{record.device}/{record.quantity}: not a number is no reading")
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise ValueError(f"{record.device}/{record.quantity}: an integer of more than 64 bits")


def short_id(text: str, time_ns: int) -> bytes | str:
    """Write an id: ten bytes where it is a UUIDv7 of that time, sixteen for another UUID, else as it is."""
    try:
        raw = UUID(text).bytes
    except ValueError:
        return text
    if str(UUID(bytes=raw)) != text:
        return text
    ms = max(time_ns, 0) // 1_000_000 & (1 << 48) - 1
    return raw[6:] if raw[:6] == ms.to_bytes(6, "big") else raw


def long_id(raw: bytes | str, time_ns: int) -> str:
    """Read an id as `short_id` wrote it."""
    if isinstance(raw, str):
        return raw
    if len(raw) == 10:
        raw = (max(time_ns, 0) // 1_000_000 & (1 << 48) - 1).to_bytes(6, "big") + raw
    return str(UUID(bytes=raw))
