"""What is removed from `alarms.db`, in the ledger: found by a reader, removed by the writer in small bites.

Order is `seq`, never the clock: everything before the first row that is trusted to be young enough goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.journal.documents import to_json
from gateway.journal.ledger_part import LedgerPart
from gateway.journal.stored import stored_alert
from gateway.model.clock import NS, iso

DAY_NS = 86_400 * NS
EVENTS_MAX = 200_000  # numbers of events kept whatever their age; some 60 MB
ALERTS_MAX = 20_000  # resolved alerts
AUDIT_MAX = 200_000  # entries of the audit log
LOG_KEEP = 2000  # states of alerts that a returning screen can still catch up on
LOG_MAX = 50_000  # states kept for an outlet that is behind; then only the last of each alert

FIRST_YOUNG_EVENT = (
    "SELECT seq FROM event WHERE quality != 'unsynced' AND +wall_ns BETWEEN ? AND ? ORDER BY seq LIMIT 1"
)
LAST_OLD_EVENT = "SELECT coalesce(max(seq), 0) + 1 FROM event WHERE quality != 'unsynced' AND +wall_ns < ?"
FIRST_YOUNG_ALERT = (
    "SELECT changed_seq FROM alert WHERE trusted = 1 AND +changed_ns BETWEEN ? AND ?"
    " ORDER BY changed_seq LIMIT 1"
)
LAST_OLD_ALERT = "SELECT coalesce(max(changed_seq), 0) + 1 FROM alert WHERE trusted = 1 AND +changed_ns < ?"
FIRST_YOUNG_ENTRY = (
    "SELECT seq FROM audit WHERE quality != 'unsynced' AND wall_ns BETWEEN ? AND ? ORDER BY seq LIMIT 1"
)
LAST_OLD_ENTRY = "SELECT coalesce(max(seq), 0) + 1 FROM audit WHERE quality != 'unsynced' AND wall_ns < ?"
OLD_EVENT = "SELECT 1 FROM event WHERE seq < ? AND quality != 'unsynced' AND +wall_ns < ? LIMIT 1"
OLD_ALERT = "SELECT 1 FROM alert WHERE changed_seq < ? AND trusted = 1 AND +changed_ns < ? LIMIT 1"
OLD_ENTRY = "SELECT 1 FROM audit WHERE seq < ? AND quality != 'unsynced' AND wall_ns < ? LIMIT 1"


@dataclass(frozen=True, slots=True)
class Young:
    """From when on things are young, in Unix nanoseconds, and beyond what a time cannot be right."""

    since_ns: int
    now_ns: int

    @property
    def window(self) -> tuple[int, int]:
        """The times that are believed to be young."""
        return self.since_ns, self.now_ns + DAY_NS


class RetentionPart(LedgerPart):
    """Finding and removing what is too old or too much."""

    __slots__ = ()

    def old_events(
        self,
        other: Young | None,
        personal: Young | None,
        is_personal: Callable[[str], bool],
        limit: int,
    ) -> list[int]:
        """Find events and evidence that are too old (by concern) or too many; never those of an open alert.

        Without a trusted time (None) only by number. Events that no rule has judged are kept for it.
        """
        names = [row[0] for row in self._db.execute("SELECT DISTINCT quantity FROM event")]
        span = self._db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0] - EVENTS_MAX
        rows = self._db.execute(
            "SELECT seq FROM event WHERE (seq <= ?1 OR (seq < ?2 AND judged = 1) OR (seq < ?3 AND judged = 1"
            " AND quantity IN (SELECT value FROM json_each(?4))))"
            " AND id NOT IN (SELECT value FROM json_each(?5)) ORDER BY seq LIMIT ?6",
            (
                span,
                self._first_young(other, FIRST_YOUNG_EVENT, LAST_OLD_EVENT, OLD_EVENT),
                self._first_young(personal, FIRST_YOUNG_EVENT, LAST_OLD_EVENT, OLD_EVENT),
                to_json([name for name in names if is_personal(name)]).decode(),
                to_json(self._readings_of_open()).decode(),
                limit,
            ),
        )
        return [row[0] for row in rows]

    def drop_events(self, seqs: Sequence[int]) -> None:
        """Remove events."""
        self._db.executemany("DELETE FROM event WHERE seq = ?", ((seq,) for seq in seqs))

    def old_alerts(self, young: Young | None, limit: int) -> list[str]:
        """Find resolved alerts that are too old or too many."""
        before = self._first_young(young, FIRST_YOUNG_ALERT, LAST_OLD_ALERT, OLD_ALERT)
        surplus = self._db.execute("SELECT count(*) FROM alert").fetchone()[0] - ALERTS_MAX
        rows = self._db.execute(
            "SELECT id FROM alert WHERE open = 0 AND changed_seq < ? ORDER BY changed_seq LIMIT ?",
            (before if surplus <= 0 else 1 << 62, limit if surplus <= 0 else min(limit, surplus)),
        )
        return [row[0] for row in rows]

    def drop_alerts(self, ids: Sequence[str]) -> None:
        """Remove alerts with what hangs on them; what stays is their number by month, rule and outcome."""
        for each in ids:
            row = self._db.execute("SELECT document FROM alert WHERE id = ?", (each,)).fetchone()
            if row is None:
                continue
            alert = stored_alert(row[0])
            if not alert.test:
                self._db.execute(
                    "INSERT INTO alert_count (month, rule, kind, priority, outcome, count)"
                    " VALUES (?, ?, ?, ?, ?, 1)"
                    " ON CONFLICT (month, rule, kind, priority, outcome) DO UPDATE SET count = count + 1",
                    (
                        iso(alert.raised.wall_ns)[:7],
                        alert.rule,
                        alert.kind,
                        alert.priority.value,
                        alert.outcome.value if alert.outcome else "",
                    ),
                )
            self._db.execute("DELETE FROM notification WHERE alert = ?", (each,))
            self._db.execute("DELETE FROM timer WHERE subject = ?", (f"alert:{each}",))
            self._db.execute("DELETE FROM alert WHERE id = ?", (each,))

    def alert_counts(self) -> list[tuple[str, str, str, str, str, int]]:
        """Give how many alerts were removed: (month, rule, kind, priority, outcome, count)."""
        return self._db.execute(
            "SELECT month, rule, kind, priority, outcome, count FROM alert_count ORDER BY month, rule"
        ).fetchall()

    def old_log(self, passed: int, limit: int) -> list[int]:
        """Find states of alerts that nobody needs: not of the `LOG_KEEP` newest, and passed by every lane.

        `passed` is up to where all lanes are. Beyond `LOG_MAX` also states that a later one has replaced,
        and everywhere those of alerts that are removed.
        """
        newest = self._db.execute("SELECT coalesce(max(seq), 0) FROM alert_log").fetchone()[0]
        rows = self._db.execute(
            "SELECT seq FROM alert_log LEFT JOIN alert ON alert.id = alert_log.alert"
            " WHERE seq <= min(?1, ?2) OR (seq <= ?3 AND seq != changed_seq) OR changed_seq IS NULL"
            " ORDER BY seq LIMIT ?4",
            (newest - LOG_KEEP, passed, newest - LOG_MAX, limit),
        )
        return [row[0] for row in rows]

    def drop_log(self, seqs: Sequence[int]) -> None:
        """Remove states, and move the floor: who stands before it must fetch everything anew."""
        if seqs:
            self._db.executemany("DELETE FROM alert_log WHERE seq = ?", ((seq,) for seq in seqs))
            self._raise_floor(max(seqs))

    def old_audit(self, young: Young | None) -> int:
        """Find the last entry of the audit log that is too old or too much; 0 where there is none."""
        first, newest = self._db.execute("SELECT min(seq), max(seq) FROM audit").fetchone()
        if first is None:
            return 0
        old = self._first_young(young, FIRST_YOUNG_ENTRY, LAST_OLD_ENTRY, OLD_ENTRY) - 1
        through = old
        if newest - first >= AUDIT_MAX:  # a tenth at once, for each removal is an entry itself
            through = max(old, newest - AUDIT_MAX * 9 // 10)
        return through if through >= first else 0

    def _first_young(self, young: Young | None, first_young: str, last_old: str, old: str) -> int:
        """Give the `seq` before which everything is too old; 0 without a trusted time.

        Where nothing before it is trusted to be old there is only what an unsynced boot wrote: a new gateway
        may have written it a minute ago, so it stays as long as what comes after it.
        """
        if young is None:
            return 0
        row = self._db.execute(first_young, young.window).fetchone()
        if row is None:
            row = self._db.execute(last_old, (young.since_ns,)).fetchone()
        elif self._db.execute(old, (row[0], young.since_ns)).fetchone() is None:
            return 0
        return int(row[0])

    def _readings_of_open(self) -> list[str]:
        rows = self._db.execute("SELECT document FROM alert WHERE open = 1")
        return [reading for row in rows for reading in stored_alert(row[0]).readings]

    def _raise_floor(self, seq: int) -> None:
        self._db.execute(
            "INSERT INTO mark (name, value) VALUES ('log_floor', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (seq,),
        )
