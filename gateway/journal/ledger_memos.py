"""Small durable facts in the ledger: memos of the rooms, cursors of the outlets, the order of boots."""

from __future__ import annotations

from typing import Any

from gateway.journal.documents import to_json
from gateway.journal.ledger_part import LedgerPart
from gateway.journal.stored import stored_json

MEMO_MAX_BYTES = 65_536  # one memo; what is larger or grows needs a table of its own
BOOTS_MAX = 64  # boots whose order is remembered


class MemoPart(LedgerPart):
    """Memos, cursors of the event and alert lanes, boots."""

    __slots__ = ()

    def memo(self, key: str) -> dict[str, Any] | None:
        """Give a memo."""
        row = self._db.execute("SELECT value FROM memo WHERE key = ?", (key,)).fetchone()
        return None if row is None else stored_json(row[0])

    def memos(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Give every memo whose key begins so."""
        rows = self._db.execute(
            "SELECT key, value FROM memo WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key", (prefix,)
        )
        return {row[0]: stored_json(row[1]) for row in rows}

    def put_memo(self, key: str, value: dict[str, Any]) -> None:
        """Keep a memo of at most `MEMO_MAX_BYTES`. Raises ValueError for a larger one."""
        document = to_json(value)
        if len(document) > MEMO_MAX_BYTES:
            raise ValueError(f"memo {key}: {len(document)} bytes, at most {MEMO_MAX_BYTES}")
        self._db.execute(
            "INSERT INTO memo (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, document),
        )

    def end_memo(self, key: str) -> None:
        """Remove a memo; one that is not there is no mistake."""
        self._db.execute("DELETE FROM memo WHERE key = ?", (key,))

    def cursors(self) -> dict[str, int]:
        """Give the cursors as last written; `AlarmStore.cursor` knows the present ones."""
        return {row[0]: row[1] for row in self._db.execute("SELECT name, seq FROM cursor")}

    def put_cursor(self, name: str, to: int) -> None:
        """Write a cursor."""
        self._db.execute(
            "INSERT INTO cursor (name, seq) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
            (name, to),
        )

    def end_cursor(self, name: str) -> None:
        """Remove the cursor of an outlet that is no longer configured, so that nothing waits for it."""
        self._db.execute("DELETE FROM cursor WHERE name = ?", (name,))

    def begin_boot(self, boot: str) -> None:
        """Note the present boot, so that moments of different boots have an order without a clock."""
        newest = self._db.execute("SELECT boot FROM boot ORDER BY seq DESC LIMIT 1").fetchone()
        if newest is None or newest[0] != boot:
            self._db.execute("DELETE FROM boot WHERE boot = ?", (boot,))
            self._db.execute("INSERT INTO boot (boot) VALUES (?)", (boot,))
            self._db.execute("DELETE FROM boot WHERE seq <= (SELECT max(seq) FROM boot) - ?", (BOOTS_MAX,))

    def boots(self) -> dict[str, int]:
        """Give the number of each remembered boot; a later boot has a higher one."""
        return {row[0]: row[1] for row in self._db.execute("SELECT boot, seq FROM boot")}

    def mark(self, name: str) -> int:
        """Give a number of the journal's own housekeeping; 0 where it was never set."""
        row = self._db.execute("SELECT value FROM mark WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def put_mark(self, name: str, value: int) -> None:
        """Set a number of the journal's own housekeeping."""
        self._db.execute(
            "INSERT INTO mark (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
