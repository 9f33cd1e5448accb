"""Events in the ledger: what happened, and the evidence that raised an alert."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.journal.ledger_part import LedgerPart, bounded
from gateway.journal.record_codec import (
    INSERT_EVENT,
    SELECT_EVENT,
    encode_record,
    instant_columns,
    read_instant,
)
from gateway.journal.stored import stored_record
from gateway.journal.wanted import Wanted
from gateway.model.readings import Guard, Record


class EventPart(LedgerPart):
    """Events, evidence and guards."""

    __slots__ = ()

    def add_event(self, record: Record, *, evidence: bool = False, judged: bool = True) -> int | None:
        """Keep an event, or the copy of a reading that raised an alert. None if its id is already there.

        `judged=False` leaves it to be found by `unjudged` after a crash or a failing rule.
        """
        row = self._db.execute(INSERT_EVENT, (*encode_record(record), int(evidence), int(judged))).fetchone()
        if row is None:
            return None
        seq = int(row[0])
        if not evidence:
            self._changes.events.append((seq, record))
        return seq

    def event(self, id: str) -> Record | None:  # noqa: A002  (the field's word)
        """Give an event or evidence by its id."""
        row = self._db.execute(SELECT_EVENT + "WHERE id = ?", (id,)).fetchone()
        return None if row is None else stored_record(row)

    def unjudged(self, limit: int) -> list[Record]:
        """Give the oldest events that no rule has judged yet."""
        rows = self._db.execute(
            SELECT_EVENT + "WHERE judged = 0 ORDER BY seq LIMIT ?",
            (bounded(limit),),
        )
        return [stored_record(row) for row in rows]

    def mark_judged(self, ids: Iterable[str]) -> None:
        """Note that the rules have judged these events."""
        self._db.executemany(
            "UPDATE event SET judged = 1 WHERE id = ? AND judged = 0", ((id_,) for id_ in ids)
        )

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Record]]:
        """Give what follows `seq`, oldest first, at most 1000; without evidence."""
        rows = self._db.execute(
            SELECT_EVENT + "WHERE seq > ? AND evidence = 0 ORDER BY seq LIMIT ?",
            (seq, bounded(limit)),
        )
        return [(row[16], stored_record(row)) for row in rows]

    def find_events(self, wanted: Wanted, after: int, limit: int) -> list[tuple[int, Record, bool]]:
        """Find events and evidence behind `after`; gives (seq, record, whether it is evidence)."""
        rows = self._db.execute(
            SELECT_EVENT + "WHERE seq > ?1 AND time_ns >= ?2 AND time_ns < ?3 AND (?4 IS NULL OR device = ?4)"
            " AND (?5 IS NULL OR place = ?5) AND (?6 IS NULL OR quantity = ?6) ORDER BY seq LIMIT ?7",
            (
                after,
                wanted.since_ns,
                wanted.until_ns,
                wanted.device,
                wanted.place,
                wanted.quantity,
                limit,
            ),
        )
        return [(row[16], stored_record(row), bool(row[17])) for row in rows]

    def event_seq(self) -> int:
        """Give the `seq` of the newest event; 0 where there is none."""
        row = self._db.execute(
            "SELECT seq FROM event WHERE evidence = 0 ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return 0 if row is None else int(row[0])

    def event_count(self) -> int:
        """Give how many events and copies of evidence there are."""
        return int(self._db.execute("SELECT count(*) FROM event").fetchone()[0])

    def evidence_seq(self) -> int:
        """Give the `seq` of the newest evidence; 0 where there is none."""
        row = self._db.execute("SELECT max(seq) FROM event WHERE evidence = 1").fetchone()
        return int(row[0] or 0)

    def evidence_after(self, seq: int, limit: int) -> list[tuple[int, Record]]:
        """Give the evidence that follows `seq`, oldest first, at most 1000."""
        rows = self._db.execute(
            SELECT_EVENT + "WHERE seq > ? AND evidence = 1 ORDER BY seq LIMIT ?", (seq, bounded(limit))
        )
        return [(row[16], stored_record(row)) for row in rows]

    def guards(self) -> list[Guard]:
        """Give what was last accepted of each device with its events.

        `Journal.guards` gives these together with those of measurements.
        """
        rows = self._db.execute("SELECT device, name, value, wall_ns, mono_ns, boot, quality FROM guard")
        return [Guard(row[0], row[1], row[2], read_instant(row[3:7])) for row in rows]

    def put_guard(self, guard: Guard) -> None:
        """Keep what was last accepted, in the transaction of the event that it protects."""
        self._db.execute(
            "INSERT INTO guard (device, name, value, wall_ns, mono_ns, boot, quality)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device, name) DO UPDATE SET"
            " value = excluded.value, wall_ns = excluded.wall_ns, mono_ns = excluded.mono_ns,"
            " boot = excluded.boot, quality = excluded.quality",
            (guard.device, guard.name, guard.value, *instant_columns(guard.at)),
        )

    def forget_device(self, device: str) -> None:
        """Remove the guards of a device that is no longer configured."""
        self._db.execute("DELETE FROM guard WHERE device = ?", (device,))
