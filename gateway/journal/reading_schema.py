"""The tables of `readings.db`, as numbered migrations; additive only, as in `alarm_schema`.

A reading is 40 to 50 bytes: what repeats stands in `series` and `epoch`, and there is no secondary index,
which would touch a page a device each second. `minute` finds a time: the
readings from its `seq` to the next entry's were taken in during that minute (`stepped`: the clock may have
gone back there). `hour` is what charts draw, and tells in which hours a series spoke at all. `late` lists
readings whose own time is more than a minute from when they were taken in.
"""

from __future__ import annotations

READING_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        device TEXT NOT NULL, place TEXT NOT NULL, quantity TEXT NOT NULL, kind TEXT NOT NULL,
        unit TEXT, channel INTEGER, driver TEXT NOT NULL, test INTEGER NOT NULL
    );
    CREATE TABLE epoch (
        id INTEGER PRIMARY KEY, boot TEXT NOT NULL, quality TEXT NOT NULL,
        base_ns INTEGER NOT NULL, ahead_ns INTEGER NOT NULL
    );
    CREATE TABLE reading (
        seq INTEGER PRIMARY KEY,
        series INTEGER NOT NULL, epoch INTEGER NOT NULL, id BLOB NOT NULL,
        since_base_ns INTEGER NOT NULL, late_ns INTEGER NOT NULL, drift_ns INTEGER NOT NULL, value NOT NULL
    );
    CREATE TABLE minute (
        seq INTEGER PRIMARY KEY, minute INTEGER NOT NULL, trusted INTEGER NOT NULL, stepped INTEGER NOT NULL
    );
    CREATE INDEX minute_minute ON minute (minute);
    CREATE TABLE late (
        time_ns INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (time_ns, seq)
    ) WITHOUT ROWID;
    CREATE INDEX late_seq ON late (seq);
    CREATE TABLE hour (
        series INTEGER NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL,
        total REAL, low REAL, high REAL, PRIMARY KEY (series, hour)
    ) WITHOUT ROWID;
    CREATE TABLE newest (series INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
    CREATE TABLE guard (
        device TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL,
        PRIMARY KEY (device, name)
    ) WITHOUT ROWID;
    CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE aside (
        id INTEGER PRIMARY KEY AUTOINCREMENT, outlet TEXT NOT NULL, seq INTEGER NOT NULL,
        record TEXT NOT NULL, device TEXT, quantity TEXT, reason TEXT NOT NULL,
        wall_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, quality TEXT NOT NULL
    );
    CREATE TABLE aside_count (outlet TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """,
)
