"""The tables of `alarms.db`, as numbered migrations.

An alarm's commit writes each page that it touches, so there are few indexes, and what is written together
stands together; an alert's row is keyed by the number of its last change, which is also its order.

Additive only: tables and columns with a default are added, never removed or renamed, so that the version
before can still open the file. Statements name their columns for the same reason.
"""

from __future__ import annotations

ALARM_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        device TEXT NOT NULL, place TEXT NOT NULL, quantity TEXT NOT NULL, kind TEXT NOT NULL,
        value BLOB NOT NULL, unit TEXT, channel INTEGER, time_ns INTEGER NOT NULL,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL,
        driver TEXT NOT NULL, test INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0,
        evidence INTEGER NOT NULL DEFAULT 0, judged INTEGER NOT NULL DEFAULT 1
    );
    CREATE INDEX event_unjudged ON event (seq) WHERE judged = 0;
    CREATE INDEX event_time ON event (wall_ns);
    CREATE TABLE alert (
        changed_seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, open INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL, trusted INTEGER NOT NULL, document BLOB NOT NULL
    );
    CREATE INDEX alert_open_key ON alert (key) WHERE open = 1;
    CREATE TABLE alert_count (
        month TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL, priority TEXT NOT NULL,
        outcome TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (month, rule, kind, priority, outcome)
    ) WITHOUT ROWID;
    CREATE TABLE alert_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL, document BLOB NOT NULL
    );
    CREATE TABLE timer (
        subject TEXT NOT NULL, kind TEXT NOT NULL, rev INTEGER NOT NULL,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY (subject, kind)
    ) WITHOUT ROWID;
    CREATE TABLE notification (
        id TEXT PRIMARY KEY, alert TEXT NOT NULL, state TEXT NOT NULL, document BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX notification_alert ON notification (alert);
    CREATE INDEX notification_waiting ON notification (state) WHERE state IN ('pending', 'sending');
    CREATE TABLE guard (
        device TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL,
        PRIMARY KEY (device, name)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL,
        what TEXT NOT NULL, by TEXT, source TEXT NOT NULL, alert TEXT, detail BLOB NOT NULL,
        hash BLOB NOT NULL
    );
    CREATE INDEX audit_alert ON audit (alert) WHERE alert IS NOT NULL;
    CREATE TABLE audit_beginning (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL);
    CREATE TABLE basis (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        place TEXT NOT NULL, concern TEXT NOT NULL, rule TEXT NOT NULL, recorded_ns INTEGER NOT NULL,
        document BLOB NOT NULL, UNIQUE (place, concern, rule, recorded_ns)
    );
    CREATE TABLE session (
        token_hash TEXT PRIMARY KEY, person TEXT NOT NULL, document BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE screen (
        token_hash TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, document BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE memo (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE boot (seq INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL UNIQUE);
    CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """,
)
