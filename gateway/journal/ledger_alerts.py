"""Alerts in the ledger: their present state, and the log of their states that streams and outlets follow."""

from __future__ import annotations

from gateway.journal.alert_codec import encode_alert
from gateway.journal.ledger_part import LedgerPart, bounded
from gateway.journal.stored import stored_alert
from gateway.model.alert import Alert
from gateway.model.clock import ClockQuality


class AlertPart(LedgerPart):
    """Alerts and their log."""

    __slots__ = ()

    def alert(self, id: str) -> Alert | None:  # noqa: A002  (the field's word)
        """Give an alert by its whole id."""
        row = self._db.execute("SELECT document FROM alert WHERE id = ?", (id,)).fetchone()
        return None if row is None else stored_alert(row[0])

    def open_by_key(self, key: str) -> Alert | None:
        """Give the open alert with a key; there is at most one."""
        row = self._db.execute("SELECT document FROM alert WHERE key = ? AND open = 1", (key,)).fetchone()
        return None if row is None else stored_alert(row[0])

    def open_alerts(self) -> list[Alert]:
        """Give every alert that is not resolved, the one that changed longest ago first."""
        rows = self._db.execute("SELECT document FROM alert WHERE open = 1 ORDER BY changed_seq")
        return [stored_alert(row[0]) for row in rows]

    def alerts(
        self,
        *,
        open: bool | None = None,  # noqa: A002  (the contract's word)
        since_ns: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Alert]:
        """Give alerts by their last change, the oldest change first, at most 1000.

        `open` True: not resolved, False: resolved, None: all. `since_ns`: changed at or after that Unix
        time. `after` is the `alert_mark` of the last one of the page before; an alert that changes meanwhile
        comes again on a later page, and none is missed. Raises ValueError for an `after` that is no mark.
        """
        rows = self._db.execute(
            "SELECT document FROM alert WHERE changed_seq > ? AND changed_ns >= ? AND open IN (?, ?)"
            " ORDER BY changed_seq LIMIT ?",
            (
                int(after or 0),
                since_ns if since_ns is not None else -(1 << 63),
                int(open is not False),
                int(open is True),
                bounded(limit),
            ),
        )
        return [stored_alert(row[0]) for row in rows]

    def alert_mark(self, id: str) -> str:  # noqa: A002  (the field's word)
        """Give the place of an alert in the order of `alerts`, as a page's `next`. Raises KeyError."""
        row = self._db.execute("SELECT changed_seq FROM alert WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise KeyError(id)
        return str(row[0])

    def ids_ending(self, tail: str, limit: int = 2) -> list[str]:
        """Give ids of alerts that end so, for people who type only the last characters."""
        rows = self._db.execute(
            "SELECT id FROM alert WHERE substr(id, -length(?1)) = ?1 ORDER BY changed_seq DESC LIMIT ?2",
            (tail, bounded(limit)),
        )
        return [row[0] for row in rows]

    def put_alert(self, alert: Alert) -> int:
        """Keep an alert's new state and append it to the log; gives the log's `seq` (the stream's id)."""
        document = encode_alert(alert)
        seq = self._db.execute(
            "INSERT INTO alert_log (alert, document) VALUES (?, ?)", (alert.id, document)
        ).lastrowid
        assert seq is not None
        self._put_state(seq, alert, document)
        self._changes.alerts.append((seq, alert))
        return seq

    def _put_state(self, seq: int, alert: Alert, document: bytes) -> None:
        trusted = alert.changed.quality is not ClockQuality.UNSYNCED
        self._db.execute(
            "INSERT INTO alert (id, key, open, changed_seq, changed_ns, trusted, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET key = excluded.key,"
            " open = excluded.open, changed_seq = excluded.changed_seq, changed_ns = excluded.changed_ns,"
            " trusted = excluded.trusted, document = excluded.document",
            (alert.id, alert.key, int(alert.open), seq, alert.changed.wall_ns, int(trusted), document),
        )

    def restate_alerts(self) -> int:
        """Make alerts that are missing, or older than the log's last word on them, from the log; how many."""
        newer = self._db.execute(
            "SELECT max(seq), alert_log.document FROM alert_log LEFT JOIN alert ON alert.id = alert_log.alert"
            " GROUP BY alert_log.alert HAVING max(seq) > coalesce(changed_seq, 0)"
        ).fetchall()
        for seq, document in newer:
            self._put_state(seq, stored_alert(document), document)
        return len(newer)

    def log_after(self, seq: int, limit: int) -> list[tuple[int, Alert]]:
        """Give the states that follow `seq`, oldest first, at most 1000. See `log_floor`."""
        rows = self._db.execute(
            "SELECT seq, document FROM alert_log WHERE seq > ? ORDER BY seq LIMIT ?", (seq, bounded(limit))
        )
        return [(row[0], stored_alert(row[1])) for row in rows]

    def log_seq(self) -> int:
        """Give the newest `seq` of the log, also after it was pruned; 0 at the very beginning."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alert_log'").fetchone()
        return 0 if row is None else int(row[0])

    def log_floor(self) -> int:
        """Give the newest `seq` that was pruned: who stands before it must fetch everything anew."""
        row = self._db.execute("SELECT value FROM mark WHERE name = 'log_floor'").fetchone()
        return 0 if row is None else int(row[0])
