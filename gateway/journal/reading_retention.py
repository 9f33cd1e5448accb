"""What is removed from `readings.db`, in small bites, by `seq`; run in the writer's thread between groups.

Found by a reader: up to which `seq` things are too old. Bound by bytes whatever the clock says. The newest
reading always stays, so that no `seq` is given twice.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

from gateway.journal.ledger_retention import DAY_NS, Young
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_scan import end_of_minute
from gateway.journal.reading_sums import HOUR_NS
from gateway.journal.reading_writer import MINUTE_NS, mark, put_mark

BITE_ROWS = 200
BITE_S = 0.010
SCAN_ROWS = 1000  # rows looked at for personal ones between two looks at the time
VACUUM_PAGES = 64  # pages given back to the disk a bite
SLACK_BYTES = 64 << 20  # free space inside the file that is kept for what comes


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go: every reading before `other_seq`, personal ones before `personal_seq`."""

    other_seq: int
    personal_seq: int
    personal: frozenset[int]
    """The series whose readings are personal."""
    personal_mark: int
    """Changes when the set of personal quantities does."""
    hours: tuple[tuple[int, int], ...]
    """Series, and the hour before which its sums go."""
    bytes_max: int
    aside_ns: int
    """What was set aside before this wall time goes."""


def plan(
    db: sqlite3.Connection,
    numbers: Numbers,
    *,
    other: Young | None,
    personal: Young | None,
    is_personal: Callable[[str], bool],
    bytes_max: int,
) -> Plan:
    """Find what is too old; without a trusted time (None) nothing is. Runs in a reader."""
    names = sorted({each.quantity for each in numbers.series.values() if is_personal(each.quantity)})
    series = frozenset(number for number, each in numbers.series.items() if each.quantity in names)
    hours = []
    for number in numbers.series:
        young = personal if number in series else other
        if young is not None:
            hours.append((number, young.since_ns // HOUR_NS))
    return Plan(
        other_seq=_first_young(db, other),
        personal_seq=_first_young(db, personal),
        personal=series,
        personal_mark=crc32(",".join(names).encode()),
        hours=tuple(hours),
        bytes_max=bytes_max,
        aside_ns=other.since_ns if other is not None else 0,
    )


def bite(db: sqlite3.Connection, plan: Plan) -> int:
    """Remove at most `BITE_ROWS` readings, or what `BITE_S` allow; gives how many, -1 where only others went.

    0: nothing is left to be removed.
    """
    end = mark(db, "summed_seq")
    before = end if used_bytes(db) > plan.bytes_max else min(plan.other_seq, end)
    removed = _drop_oldest(db, before) or _drop_personal(db, plan, min(plan.personal_seq, end))
    if removed > 0:
        db.execute("UPDATE mark SET value = value - ? WHERE name = 'rows'", (removed,))
    return removed or _give_back(db)


def drop_asides(db: sqlite3.Connection, plan: Plan) -> int:
    """Remove some of what was set aside too long ago; gives how many."""
    return db.execute(
        "DELETE FROM aside WHERE id IN (SELECT id FROM aside WHERE wall_ns < ? AND quality != 'unsynced'"
        " ORDER BY id LIMIT ?)",
        (plan.aside_ns, BITE_ROWS),
    ).rowcount


def drop_hours(db: sqlite3.Connection, plan: Plan, place: int) -> None:
    """Remove old sums of the series at `place` in the plan."""
    series, before = plan.hours[place]
    first = db.execute("SELECT minute FROM minute ORDER BY seq LIMIT 1").fetchone()
    if first is not None and used_bytes(db) > plan.bytes_max:
        before = max(before, first[0] * MINUTE_NS // HOUR_NS)
    db.execute("DELETE FROM hour WHERE series = ? AND hour < ?", (series, before))


def first_seq(db: sqlite3.Connection) -> int:
    """Give the oldest `seq` that is left; 0 where there is none."""
    row = db.execute("SELECT seq FROM reading ORDER BY seq LIMIT 1").fetchone()
    return 0 if row is None else int(row[0])


def used_bytes(db: sqlite3.Connection) -> int:
    """Give what the file's contents take, without free pages."""
    pages, free, size = (
        db.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _first_young(db: sqlite3.Connection, young: Young | None) -> int:
    """Give the `seq` before which everything is too old; 0 without a trusted time.

    It is that of the first minute that is trusted to be young enough, or the end of the last that is not.
    What an unsynced boot wrote before it goes with what is trusted to be old before that; alone it stays.
    """
    if young is None:
        return 0
    row = db.execute(
        "SELECT seq FROM minute WHERE trusted = 1 AND +minute BETWEEN ? AND ? ORDER BY seq LIMIT 1",
        (young.since_ns // MINUTE_NS, (young.now_ns + DAY_NS) // MINUTE_NS),
    ).fetchone()
    since = young.since_ns // MINUTE_NS
    if row is not None:
        before = "SELECT 1 FROM minute WHERE seq < ? AND trusted = 1 AND +minute < ? LIMIT 1"
        return 0 if db.execute(before, (row[0], since)).fetchone() is None else int(row[0])
    old = db.execute("SELECT max(seq) FROM minute WHERE trusted = 1 AND +minute < ?", (since,)).fetchone()[0]
    return 0 if old is None else end_of_minute(db, old)


def _drop_oldest(db: sqlite3.Connection, before: int) -> int:
    rows = db.execute(
        "SELECT seq FROM reading WHERE seq < ? ORDER BY seq LIMIT ?", (before, BITE_ROWS)
    ).fetchall()
    if not rows:
        return 0
    through = rows[-1][0]
    db.execute("DELETE FROM reading WHERE seq <= ?", (through,))
    db.execute("DELETE FROM late WHERE seq <= ?", (through,))
    db.execute("DELETE FROM minute WHERE seq < (SELECT max(seq) FROM minute WHERE seq <= ?)", (through + 1,))
    db.execute(
        "DELETE FROM epoch WHERE id < (SELECT epoch FROM reading WHERE seq > ? ORDER BY seq LIMIT 1)",
        (through,),
    )
    return len(rows)


def _drop_personal(db: sqlite3.Connection, plan: Plan, before: int) -> int:
    """Walk on from where the walk before ended; readings that were walked past are young or not personal."""
    if not plan.personal:
        return 0
    if mark(db, "personal_set") != plan.personal_mark:
        put_mark(db, "personal_set", plan.personal_mark)
        put_mark(db, "personal_seq", 0)
    walked, victims = mark(db, "personal_seq"), list[tuple[int]]()
    until_s = time.monotonic() + BITE_S
    moved = False
    while len(victims) < BITE_ROWS and time.monotonic() < until_s:
        rows = db.execute(
            "SELECT seq, series FROM reading WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?",
            (walked, before, SCAN_ROWS),
        ).fetchall()
        for seq, series in rows:
            walked, moved = seq, True
            if series in plan.personal:
                victims.append((seq,))
                if len(victims) == BITE_ROWS:
                    break
        if len(rows) < SCAN_ROWS:
            break
    put_mark(db, "personal_seq", walked)
    db.executemany("DELETE FROM reading WHERE seq = ?", victims)
    db.executemany("DELETE FROM late WHERE seq = ?", victims)
    return len(victims) or (-1 if moved else 0)


def _give_back(db: sqlite3.Connection) -> int:
    """Give some free pages back to the disk where there are far more than will be filled again."""
    pages, free, size = (
        db.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "freelist_count", "page_size")
    )
    if free * size <= max(SLACK_BYTES, pages * size // 4):
        return 0
    for _ in range(VACUUM_PAGES):  # Python's module makes one step of this statement, which is one page
        db.execute("PRAGMA incremental_vacuum(1)")
    return -1
