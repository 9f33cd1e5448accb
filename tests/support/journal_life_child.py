"""A journal's whole life in a short time, for a recorded disk: `python journal_life_child.py STATE`.

Beside events, alerts and readings it makes checkpoints, hourly copies, a migration (with the copy before it),
and retention by age and by size, all many times a second, and is closed and opened again in between. What it
has confirmed stands in `STATE/acks`, a line each, in the order of the disk's own steps:
`event ID WALL_NS`, `closed ID`, `readings HEAD`, `open LIFE`, and before the clock moves `clock WALL_NS`.

`LIFE_SYNC=NORMAL` or `OFF` makes it a journal that does not wait for the disk: the tests must see that.
With further folders on its command line it only opens and closes a journal in each (`LIFE_OPEN=1`).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gateway.journal import (
    Journal,
    Ledger,
    alarm_recovery,
    alarm_writer,
    database,
    keeping,
    reading_queue,
    reading_recovery,
    reading_writer,
    upkeep,
)
from gateway.journal.folder import Room
from gateway.model.alert import Handling
from gateway.model.clock import NS, Instant
from gateway.model.readings import Guard, Kind
from gateway.model.rows import Keeping
from support.journal import HandClock, Told, alert
from support.journal_life import KEPT_S, LIVES, READINGS_BYTES, value_of
from support.records import record

EVENTS_A_LIFE = 60
GROUPS_A_LIFE = 12
GROUP = 100
MIGRATION = "CREATE TABLE of_a_later_version (id INTEGER PRIMARY KEY, note TEXT NOT NULL DEFAULT '')"


def hurry() -> None:
    """Do in milliseconds what a gateway does in minutes and hours."""
    upkeep.CHECKPOINT_S = 0.03
    upkeep.CURSORS_S = 0.02
    upkeep.COPY_FIRST_S = upkeep.COPY_S = 0.1
    upkeep.TRUNCATE_BYTES = 100_000
    upkeep.IDLE_S = 0.0
    keeping.EVERY_S = 0.05
    keeping.PAUSE_S = 0.001
    keeping.BITE_ROWS = 20
    reading_queue.GROUP_S = 0.02
    reading_writer.SUM_S = 0.05  # only what is summed up by the hour may go


def sync_as(mode: str) -> None:
    """Let every commit be as careless as SQLite's `synchronous` says."""

    def careless(db: sqlite3.Connection, *, full: bool) -> None:
        del full
        db.execute(f"PRAGMA synchronous = {mode}")

    for module in (database, alarm_writer, reading_writer):
        module.synchronous = careless  # type: ignore[attr-defined]


def migrate_later() -> None:
    """Be a later version, with one more migration for each file."""
    alarm_recovery.ALARM_MIGRATIONS += (MIGRATION,)  # type: ignore[attr-defined]
    reading_recovery.READING_MIGRATIONS += (MIGRATION,)  # type: ignore[attr-defined]


class Acks:
    """Says what was confirmed, on the disk that is recorded."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(self, *words: object) -> None:
        """Write a line."""
        os.write(self._handle, (" ".join(map(str, words)) + "\n").encode())


class SaidClock(HandClock):
    """A clock that says where it goes before it goes there: what may be removed by age is known by then."""

    def __init__(self, acks: Acks) -> None:
        """Begin at the start of the tests' time."""
        super().__init__()
        self._acks = acks

    def forward(self, seconds: float) -> Instant:
        """Say it, and move on."""
        self._acks.say("clock", self.at.wall_ns + round(seconds * NS))
        return super().forward(seconds)


async def presses(journal: Journal, clock: HandClock, acks: Acks, life: int, who: int) -> None:
    """Press a button again and again: an alert each, with what hangs on it, taken and closed."""
    for _ in range(EVENTS_A_LIFE // 3):
        event = record("help_call", "press", kind=Kind.EVENT, device=f"kald-{who}", at=clock.forward(0.5))
        event = replace(event, id=f"{life}-{event.id}")
        raised = alert(event.id, at=event.at, readings=(event.id,))

        def work(ledger: Ledger) -> None:
            ledger.add_event(event)  # noqa: B023  (it is awaited before the loop goes on)
            ledger.put_guard(Guard(event.device, "payload", event.id, event.at))  # noqa: B023
            ledger.put_alert(raised)  # noqa: B023
            ledger.put_memo(f"of/{event.id}", {"text": "x" * 300})  # noqa: B023
            ledger.audit("raised", by=None, source="rule", alert=raised.id)  # noqa: B023

        await journal.alarms.write(work)
        acks.say("event", event.id, event.time_ns)
        closed = replace(raised, rev=2, handling=Handling.RESOLVED, closed=event.at)
        await journal.alarms.write(lambda ledger, a=closed: ledger.put_alert(a))  # type: ignore[misc]
        acks.say("closed", event.id)
        journal.alarms.advance("mqtt/alerts", journal.alarms.log_seq)


async def measures(journal: Journal, clock: HandClock, acks: Acks) -> None:
    """Append readings, a hundred at a time; the value of each is that of its number."""
    for _ in range(GROUPS_A_LIFE):
        first = journal.readings.head + 1
        at = clock.forward(2.0)
        group = [record(value=value_of(first + n), at=at) for n in range(GROUP)]
        journal.readings.append(group)
        await journal.readings.flush()
        acks.say("readings", journal.readings.head)
        await journal.readings.advance("influx/readings", journal.readings.head)
        await asyncio.sleep(0.01)


async def live(state: Path, clock: HandClock, acks: Acks, life: int) -> None:
    """Open, work, and close."""
    kept = timedelta(seconds=KEPT_S)
    aged = Keeping(personal=kept, other=kept, alerts=kept, audit=kept, readings_bytes=READINGS_BYTES)
    room = Room(reserve_bytes=100_000, low_bytes=0)
    journal = await Journal.open(state, clock, Told(), keeping=aged, room=room)
    acks.say("open", life)
    running = asyncio.create_task(journal.run())
    async with asyncio.TaskGroup() as works:
        works.create_task(measures(journal, clock, acks))
        for who in range(3):
            works.create_task(presses(journal, clock, acks, life, who))
    await asyncio.sleep(0.15)  # one more copy, one more pass
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await journal.close()


async def main(states: list[Path]) -> None:
    """Live all lives in one folder; or only open and close a journal in each of several."""
    hurry()
    if mode := os.environ.get("LIFE_SYNC"):
        sync_as(mode)
    if os.environ.get("LIFE_OPEN"):
        for state in states:
            await (await Journal.open(state, HandClock(), Told())).close()
        return
    (state,) = states
    state.mkdir(parents=True, exist_ok=True)
    acks = Acks(state / "acks")
    clock = SaidClock(acks)
    for life in range(LIVES):
        if life == 1:
            migrate_later()
        await live(state, clock, acks, life)
        clock.reboot(f"boot-{life + 2}")


if __name__ == "__main__":
    asyncio.run(main([Path(each) for each in sys.argv[1:]]))
