"""What is derived from readings in bulk, by SQLite: sums by hour for charts, the newest of each series."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gateway.journal.errors import malformed
from gateway.journal.reading_rows import SELECT_READING, Numbers
from gateway.model.clock import NS
from gateway.model.readings import Record
from gateway.model.rows import HourSum

HOUR_NS = 3600 * NS


def roll_up(db: sqlite3.Connection, after: int, through: int) -> None:
    """Add the readings with `after` < seq <= `through` to the sums of their hours. Each only once."""
    db.execute(
        "INSERT INTO hour (series, hour, count, total, low, high)"
        " SELECT series, hour, count(*), sum(number), min(number), max(number) FROM ("
        "  SELECT r.series, (e.base_ns + r.since_base_ns) / ?1 AS hour, CASE s.kind WHEN 'measurement'"
        "   THEN r.value END AS number FROM reading AS r JOIN epoch AS e ON e.id = r.epoch"
        "   JOIN series AS s ON s.id = r.series WHERE r.seq > ?2 AND r.seq <= ?3"
        " ) GROUP BY series, hour"
        " ON CONFLICT (series, hour) DO UPDATE SET count = count + excluded.count,"
        " total = total + excluded.total, low = min(low, excluded.low), high = max(high, excluded.high)",
        (HOUR_NS, after, through),
    )
    db.execute(
        "INSERT INTO newest (series, seq) SELECT series, max(seq) FROM reading WHERE seq > ? AND seq <= ?"
        " GROUP BY series ON CONFLICT (series) DO UPDATE SET seq = excluded.seq",
        (after, through),
    )


def newest(db: sqlite3.Connection, numbers: Numbers, summed_seq: int) -> list[tuple[int, Record]]:
    """Give the last reading of each series with its `seq`, the oldest first."""
    at = dict(db.execute("SELECT series, seq FROM newest"))
    at.update(db.execute("SELECT series, max(seq) FROM reading WHERE seq > ? GROUP BY series", (summed_seq,)))
    found: list[tuple[int, Record]] = []
    for seq in sorted(at.values()):
        try:
            row = db.execute(SELECT_READING + "WHERE seq = ?", (seq,)).fetchone()
        except sqlite3.DatabaseError as error:
            if not malformed(error):
                raise
            continue  # one damaged page is not worth the whole file
        if row is not None:
            found.append((seq, numbers.decode(row)))
    return found


def hours(
    db: sqlite3.Connection, numbers: Numbers, series: Sequence[int], since_ns: int, until_ns: int, limit: int
) -> list[HourSum]:
    """Give the sums of some series for the hours that begin from `since_ns` and before `until_ns`."""
    first, end = -(-since_ns // HOUR_NS), -(-until_ns // HOUR_NS)
    found: list[HourSum] = []
    for number in series:
        each = numbers.series[number]
        if each.test:
            continue
        rows = db.execute(
            "SELECT hour, count, total, low, high FROM hour WHERE series = ? AND hour >= ? AND hour < ?"
            " AND total IS NOT NULL ORDER BY hour LIMIT ?",
            (number, first, end, limit - len(found)),
        )
        found.extend(
            HourSum(
                device=each.device,
                place=each.place,
                quantity=each.quantity,
                channel=each.channel,
                hour_ns=row[0] * HOUR_NS,
                count=row[1],
                mean=row[2] / row[1],
                low=row[3],
                high=row[4],
            )
            for row in rows
        )
    return sorted(found, key=lambda each: (each.hour_ns, each.device, each.quantity, each.channel or 0))
