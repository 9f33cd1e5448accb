"""The audit log: append-only, each entry carrying the hash of the one before.

An entry's hash is SHA-256 over the previous hash and the entry as JSON. `audit_beginning` holds number and
hash of the last entry that retention removed: the new beginning, itself told in an entry `audit_pruned`. The
newest number stands in SQLite's own table of sequences, so that a cut-off end shows as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import orjson

from gateway.journal.audit_heads import Head, Mark
from gateway.journal.documents import to_json
from gateway.journal.ledger_part import PAGE_MAX, LedgerPart, bounded
from gateway.journal.record_codec import instant_columns, read_instant
from gateway.model.rows import AuditEntry

NOTHING = bytes(32)
"""The hash before the first entry."""
PRUNED = "audit_pruned"
SELECT_ENTRY = (
    "SELECT seq, wall_ns, mono_ns, boot, quality, what, by, source, alert, detail, hash FROM audit"
    " WHERE seq > ? "
)
INSERT_ENTRY = (
    "INSERT INTO audit (seq, wall_ns, mono_ns, boot, quality, what, by, source, alert, detail, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class AuditPart(LedgerPart):
    """The audit log."""

    __slots__ = ()

    def audit(
        self,
        what: str,
        *,
        by: str | None,
        source: str,
        alert: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Append an entry, with the present time. `detail` holds no name, key or health value."""
        seq, before = self._last_entry()
        columns = (*instant_columns(self._clock.now()), what, by, source, alert, to_json(detail or {}))
        digest = entry_hash(before, (seq + 1, *columns))
        self._db.execute(
            INSERT_ENTRY,
            (seq + 1, *columns, digest),
        )

    def audit_entries(
        self, after: int = 0, limit: int = 100, *, alert: str | None = None, what: str | None = None
    ) -> list[AuditEntry]:
        """Give entries that follow `after` (a `seq`), oldest first, at most 1000.

        Of one alert or of all; of one kind or of every.
        """
        rows = self._db.execute(
            SELECT_ENTRY
            + "AND (?2 IS NULL OR alert = ?2) AND (?3 IS NULL OR what = ?3) ORDER BY seq LIMIT ?4",
            (after, alert, what, bounded(limit)),
        )
        return [read_entry(row) for row in rows]

    def verify_audit(self) -> int | None:
        """Check the whole chain; gives the `seq` of the first broken entry, None where it holds.

        It reads everything in one go: `AlarmStore.verify_audit` does it page by page.
        """
        place: tuple[int, bytes] | int | None = self.audit_begin()
        while isinstance(place, tuple):
            place = self.check_audit(*place)
        return place

    def audit_head(self) -> tuple[int, str]:
        """Give number and hash of the newest entry."""
        seq, digest = self._last_entry()
        return seq, digest.hex()

    def head_to_note(self, heads: Sequence[Head]) -> tuple[Head, int, frozenset[Mark]]:
        """Give the newest entry as a head, where the log begins, and which of the noted heads it belies."""
        begin, (seq, digest) = self.audit_begin()[0], self.audit_head()
        belied = {
            head.mark for head in heads if head.seq > begin and self.first_unlike([head.mark]) is not None
        }
        return Head(seq, digest, self._clock.now().wall_ns), begin, frozenset(belied)

    def first_unlike(self, heads: Iterable[tuple[int, str]]) -> int | None:
        """Compare entries with heads noted elsewhere, by number: the first entry that may be another.

        None where each head is still in the log, or older than its beginning.
        """
        begin, digest = self.audit_begin()
        right = begin
        for seq, noted in heads:
            if seq < begin:
                continue
            row = self._db.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
            found = digest.hex() if seq == begin else None if row is None else bytes(row[0]).hex()
            if found is None:
                return min(self._last_entry()[0], seq - 1) + 1
            if found != noted:
                return right + 1
            right = seq
        return None

    def audit_begin(self) -> tuple[int, bytes]:
        """Give where a check begins: the `seq` and hash of the last entry that retention removed."""
        row = self._db.execute("SELECT seq, hash FROM audit_beginning").fetchone()
        return (0, NOTHING) if row is None else (int(row[0]), bytes(row[1]))

    def check_audit(self, after: int, before: bytes) -> tuple[int, bytes] | int | None:
        """Check the next page of the chain behind entry `after`, whose hash is `before`.

        Gives where the next page begins, the `seq` of the first broken entry, or None at a sound end.
        """
        rows = self._db.execute(
            SELECT_ENTRY + "ORDER BY seq LIMIT ?",
            (after, PAGE_MAX),
        ).fetchall()
        for row in rows:
            if not _follows(row, after, before):
                return after + 1
            after, before = row[0], bytes(row[10])
        if len(rows) == PAGE_MAX:
            return after, before
        if self._audit_seq() != after:
            return after + 1
        return None if self._beginning_is_told() else self.audit_begin()[0] + 1

    def _beginning_is_told(self) -> bool:
        seq, digest = self.audit_begin()
        if not seq:
            return True
        told = to_json({"through": seq, "hash": digest.hex()})
        rows = self._db.execute("SELECT 1 FROM audit WHERE what = ? AND detail = ?", (PRUNED, told))
        return rows.fetchone() is not None

    def _tell_beginning(self, seq: int, digest: bytes, *, source: str) -> None:
        self.audit(PRUNED, by=None, source=source, detail={"through": seq, "hash": digest.hex()})

    def prune_audit(self, through: int, limit: int) -> int:
        """Remove at most `limit` entries up to `through`, and tell it in a new entry; gives how many."""
        rows = self._db.execute(
            "SELECT seq, hash FROM audit WHERE seq <= ? ORDER BY seq LIMIT ?", (through, limit)
        ).fetchall()
        if not rows:
            return 0
        seq, digest = rows[-1]
        self._db.execute("DELETE FROM audit WHERE seq <= ?", (seq,))
        self._begin_audit(seq, bytes(digest))
        self._tell_beginning(seq, bytes(digest), source="retention")
        return len(rows)

    def adopt_audit(self, rows: Iterable[tuple[Any, ...]], beginning: tuple[int, bytes] | None) -> int:
        """Append entries saved from a damaged file, as far as their chain holds; gives how many.

        Where there is nothing to append to, the chain begins anew behind `beginning`, or where that is not
        what the first of them follows, behind that first entry; either is told in an entry, as a removal is.
        """
        after, before = self._last_entry()
        adopted = 0
        for row in rows:
            if row[0] <= after:
                continue
            if not after:
                follows = beginning if beginning and beginning[0] + 1 == row[0] else None
                after, before = follows or (row[0], bytes(row[10]))
                self._begin_audit(after, before)
                if follows is None:
                    continue
            if not _follows(row, after, before):
                break
            self._db.execute(INSERT_ENTRY, row)
            after, before = row[0], bytes(row[10])
            adopted += 1
        if after and not self._beginning_is_told():
            self._tell_beginning(*self.audit_begin(), source="journal")
        return adopted

    def _last_entry(self) -> tuple[int, bytes]:
        row = self._db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        return self.audit_begin() if row is None else (int(row[0]), bytes(row[1]))

    def _audit_seq(self) -> int:
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
        return 0 if row is None else int(row[0])

    def _begin_audit(self, seq: int, digest: bytes) -> None:
        self._db.execute("DELETE FROM audit_beginning")
        self._db.execute("INSERT INTO audit_beginning (seq, hash) VALUES (?, ?)", (seq, digest))


def entry_hash(before: bytes, columns: tuple[Any, ...]) -> bytes:
    """Hash an entry (its columns without the hash) behind the hash of the one before."""
    *plain, detail = columns
    return sha256(before + to_json([*plain, detail.decode()])).digest()


def _follows(row: tuple[Any, ...], after: int, before: bytes) -> bool:
    """Tell whether an entry is the next of the chain. One whose columns are of other types is not."""
    try:
        return bool(row[0] == after + 1 and row[10] == entry_hash(before, row[:10]))
    except (TypeError, AttributeError, ValueError):
        return False


def read_entry(row: Any) -> AuditEntry:
    """Read an entry from its columns."""
    return AuditEntry(
        seq=row[0],
        at=read_instant(row[1:5]),
        what=row[5],
        by=row[6],
        source=row[7],
        alert=row[8],
        detail=_detail(row[9]),
        hash=bytes(row[10]).hex(),
    )


def _detail(document: Any) -> dict[str, Any]:
    """Read what an entry says; of one that was tampered with, that it cannot be read."""
    try:
        return dict(orjson.loads(document))
    except (TypeError, ValueError):
        return {"unreadable": True}
