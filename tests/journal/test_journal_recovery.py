"""What outlives a killed process, a damaged file, a migration; and that a folder has one gateway."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal import Journal, Ledger, NotDurable
from gateway.journal.alarm_recovery import SEQ_GAP, copy_alarms
from gateway.journal.alarm_schema import ALARM_MIGRATIONS
from gateway.journal.database import connect, migrate, version_of
from gateway.journal.reading_retention import Plan, bite
from gateway.model.alert import Alert, Handling
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Guard, Kind
from gateway.model.rows import Session, Timer
from support.children import die_with_parent
from support.eventually import eventually
from support.journal import HandClock, Told, alert, inline, opened
from support.records import instant, record

CHILD = Path(__file__).parent.parent / "support" / "journal_child.py"


def confirmed(lines: list[str], what: str) -> list[str]:
    return [line.split()[1] for line in lines if line.startswith(what + " ")]


def run_and_kill(state: Path, lines_wanted: int) -> list[str]:
    """Run the child until it has confirmed so much, kill it in the midst of its work; gives its lines."""
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(state)],
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (one call into libc)
        text=True,
    ) as child:
        assert child.stdout is not None
        lines: list[str] = []
        for line in child.stdout:
            lines.append(line)
            if len(lines) >= lines_wanted:
                child.kill()
        return lines


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_was_confirmed_is_lost_with_a_killed_process(tmp_path: Path, seed: int) -> None:
    state = tmp_path / "state"
    wanted = random.Random(seed).randrange(50, 500)
    lines = run_and_kill(state, wanted)
    told = Told()
    async with opened(state, tell=told) as journal:
        read = journal.alarms.read
        events, alerts = await every_event(journal), await every_alert(journal)
        assert set(confirmed(lines, "event")) <= events
        assert events == set(alerts), "an event and its alert are one transaction"
        for closed in confirmed(lines, "closed"):
            assert alerts[closed].handling is Handling.RESOLVED
        assert journal.readings.head >= max(map(int, confirmed(lines, "readings")), default=0)
        assert await journal.alarms.verify_audit() is None
        assert {each.value for each in await read(Ledger.guards)} <= events
        rows_read = 0
        while rows_read < journal.readings.head:
            batch = await journal.readings.after(rows_read, 1000)
            values = [each.value for _, each in batch.rows]
            assert values == [float(n) for n in range(rows_read, rows_read + len(values))]
            rows_read = batch.end
    assert told == []


async def every_event(journal: Journal) -> set[str]:
    found: dict[int, str] = {}
    while rows := await journal.alarms.read(
        lambda ledger: ledger.events_after(max(found, default=0), 1000)  # noqa: B023
    ):
        found |= {seq: event.id for seq, event in rows}
    return set(found.values())


async def every_alert(journal: Journal) -> dict[str, Alert]:
    found: dict[str, Alert] = {}

    def page(ledger: Ledger) -> list[Alert]:
        after = ledger.alert_mark(next(reversed(found))) if found else None
        return ledger.alerts(after=after, limit=1000)

    while rows := await journal.alarms.read(page):
        found |= {each.id: each for each in rows}
    return found


# Damage.


def damage(path: Path, *, seed: int, pages: int, spare: int = 1) -> None:
    """Overwrite random pages of a closed file."""
    rng = random.Random(seed)
    size = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in rng.sample(range(spare, size), min(pages, size - spare)):
            file.seek(page * 4096)
            file.write(rng.randbytes(4096))


def overwrite_root(path: Path, name: str) -> None:
    """Destroy the first page of a table or index, so that nothing of it can be read."""
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)


async def fill(journal: Journal, number: int, prefix: str = "a") -> None:
    for count in range(number):
        event = record("help_call", "press", kind=Kind.EVENT)

        def work(ledger: Ledger) -> None:
            ledger.add_event(event)  # noqa: B023
            ledger.put_alert(alert(f"{prefix}-{count}", readings=(event.id,)))  # noqa: B023
            ledger.set_timer(Timer(subject=f"alert:{prefix}-{count}", kind="escalate", rev=1, due=instant()))  # noqa: B023
            ledger.audit("raised", by=None, source="rule", alert=f"{prefix}-{count}")  # noqa: B023

        await journal.alarms.write(work)


@pytest.mark.parametrize("whole_loss", [False, True])
async def test_a_damaged_alarm_file_is_made_anew_from_its_copy_and_what_can_be_read(
    tmp_path: Path, whole_loss: bool
) -> None:
    clock = HandClock()
    async with inline(tmp_path, clock) as journal:
        instance = journal.instance
        await fill(journal, 200)
        await journal.alarms.write(
            lambda ledger: ledger.put_session(
                Session(token_hash="t", person="KL", created=instant(), expires=instant(9e6), seen=instant())
            )
        )
        copy_alarms(journal._folder)
        await fill(journal, 50, "late")
        await journal.alarms.write(lambda ledger: ledger.end_session("t"))
        await journal.alarms.write(lambda ledger: ledger.cancel_timer("alert:a-1"))
        newest = journal.alarms.log_seq
    if whole_loss:
        (tmp_path / "alarms.db").write_bytes(b"\0" * 100_000)
    else:
        overwrite_root(tmp_path / "alarms.db", "alert")
    told = Told()
    async with inline(tmp_path, clock, tell=told) as journal:
        assert journal.instance == instance
        alerts = {each.id for each in await journal.alarms.read(Ledger.open_alerts)}
        assert {f"a-{n}" for n in range(200)} <= alerts
        if not whole_loss:
            assert len(alerts) == 250, "what was written after the copy is read from the damaged file's log"
        assert await journal.alarms.verify_audit() is None
        entries = await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000))
        assert entries[-1].what == "journal_repaired"
        if whole_loss:
            assert await journal.alarms.read(lambda ledger: ledger.log_seq()) == 200 + SEQ_GAP
        else:
            assert await journal.alarms.read(lambda ledger: ledger.log_seq()) > newest
        floor = await journal.alarms.read(lambda ledger: ledger.log_floor())
        assert floor >= 200, "a stream begins anew"
        await fill(journal, 1, "new")
        assert told == [], "nobody is there to hear it yet"
        run = asyncio.create_task(journal.run())
        await eventually(lambda: told.kinds().count(("journal.repaired", "alarms", True)) == 1)
        run.cancel()
    assert (tmp_path / "alarms.damaged.db").exists()
    async with inline(tmp_path, clock) as journal:
        assert "new-0" in {each.id for each in await journal.alarms.read(Ledger.open_alerts)}


@pytest.mark.parametrize("seed", range(6))
async def test_a_damaged_alarm_file_without_a_copy_gives_what_can_be_read(tmp_path: Path, seed: int) -> None:
    async with inline(tmp_path) as journal:
        await fill(journal, 100)
    damage(tmp_path / "alarms.db", seed=seed, pages=6)
    async with inline(tmp_path) as journal:
        assert await journal.alarms.verify_audit() is None
        for each in await journal.alarms.read(Ledger.open_alerts):
            assert each.key == f"help-call/{each.id}"
        await fill(journal, 1, "new")


async def test_rows_that_can_be_read_whole_replace_the_copys(tmp_path: Path) -> None:
    """Who signed out since the copy stays signed out, a timer that was cancelled stays cancelled."""
    async with inline(tmp_path) as journal:
        await journal.alarms.write(
            lambda ledger: ledger.put_session(
                Session(token_hash="t", person="KL", created=instant(), expires=instant(9e6), seen=instant())
            )
        )
        await fill(journal, 3)
        copy_alarms(journal._folder)
        await journal.alarms.write(lambda ledger: ledger.end_session("t"))
        await journal.alarms.write(lambda ledger: ledger.cancel_timer("alert:a-1"))
        await fill(journal, 300, "more")
    overwrite_root(tmp_path / "alarms.db", "event_time")
    async with inline(tmp_path) as journal:
        assert await journal.alarms.read(lambda ledger: ledger.session("t")) is None
        assert len(await journal.alarms.read(lambda ledger: ledger.timers())) == 302
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 303
        assert (await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000)))[-1].detail[
            "rows"
        ] > 900


async def test_an_alarm_file_that_breaks_while_the_gateway_runs_is_repaired_under_way(tmp_path: Path) -> None:
    told = Told()
    async with opened(tmp_path, tell=told) as journal:
        await fill(journal, 50)
        copy_alarms(journal._folder)
        await fill(journal, 20, "late")
        run = asyncio.create_task(journal.run())
        await journal._threads.call("upkeep", lambda: checkpoint_all(tmp_path / "alarms.db"))
        with (tmp_path / "alarms.db").open("r+b") as file:
            file.write(b"\xff" * 8192)
        journal.alarms._writer._db.execute("PRAGMA cache_size = 0")
        await fill(journal, 1, "after")
        ids = {each.id for each in await journal.alarms.read(Ledger.open_alerts)}
        assert {f"a-{n}" for n in range(50)} | {"after-0"} <= ids
        await eventually(lambda: ("journal.repaired", "alarms", True) in told.kinds())
        run.cancel()


def checkpoint_all(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def test_a_repair_that_the_power_cut_short_is_finished(tmp_path: Path) -> None:
    """The new file is whole before it takes the damaged one's place; only its name may be missing."""
    async with inline(tmp_path) as journal:
        await fill(journal, 5)
    (tmp_path / "alarms.db").rename(tmp_path / "alarms.mended.db")
    (tmp_path / "alarms.damaged.db").write_bytes(b"x")
    async with inline(tmp_path) as journal:
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 5
    assert not (tmp_path / "alarms.mended.db").exists()


async def test_a_repair_that_the_disk_refuses_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with opened(tmp_path) as journal:
        await fill(journal, 10)
        await journal.alarms.write(
            lambda ledger: ledger._db.execute("UPDATE alert SET document = x'00' WHERE id = 'a-3'").rowcount
        )
        with monkeypatch.context() as patch:
            patch.setattr("gateway.journal.journal.repair_alarms", refuses)
            with pytest.raises(NotDurable):
                await journal.alarms.read(Ledger.open_alerts)
            with pytest.raises(NotDurable):
                await fill(journal, 1, "unkept")
        assert "could not be repaired" in caplog.text
        await fill(journal, 1, "kept")
        ids = {each.id for each in await journal.alarms.read(Ledger.open_alerts)}
        assert ids == {*(f"a-{n}" for n in range(10)), "kept-0"}
        assert journal.writers()[0].alive


async def test_an_alert_that_holds_nonsense_is_restored(tmp_path: Path) -> None:
    """`quick_check` sees damaged pages, not damaged contents; whoever meets them has the file repaired."""
    told = Told()
    async with opened(tmp_path, tell=told) as journal:
        run = asyncio.create_task(journal.run())
        await fill(journal, 10)
        await journal.alarms.write(
            lambda ledger: ledger._db.execute("UPDATE alert SET document = x'00' WHERE id = 'a-3'").rowcount
        )
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 10
        await journal.alarms.write(
            lambda ledger: ledger._db.execute("UPDATE event SET kind = 'x' WHERE seq = 4").rowcount
        )
        assert len(await journal.alarms.read(lambda ledger: ledger.events_after(0, 100))) == 9
        await fill(journal, 1, "new")
        assert await journal.alarms.verify_audit() is None
        await eventually(lambda: told.kinds().count(("journal.repaired", "alarms", True)) == 1)
        run.cancel()


async def test_readings_that_cannot_be_removed_are_begun_anew(tmp_path: Path) -> None:
    """A file that retention cannot shorten would grow for ever."""
    async with inline(tmp_path) as journal:
        for number in range(20):
            journal.readings.append([record(value=float(number * 500 + n)) for n in range(500)])
            await journal.readings.flush()
    overwrite_root(tmp_path / "readings.db", "late_seq")
    async with inline(tmp_path) as journal:
        planned = Plan(
            other_seq=5000,
            personal_seq=0,
            personal=frozenset(),
            personal_mark=0,
            hours=(),
            bytes_max=2**40,
            aside_ns=0,
        )
        with pytest.raises(sqlite3.DatabaseError, match="malformed"):
            await journal.readings.queue.chore(lambda writer: writer.work(lambda db: bite(db, planned)))
        journal.readings.append([record()])
        await journal.readings.flush()
        assert journal.readings.head == 10_001
        assert len((await journal.readings.after(0, 10)).rows) == 1


async def test_damaged_readings_are_begun_anew_while_calls_go_on(tmp_path: Path) -> None:
    clock = HandClock()
    async with inline(tmp_path, clock) as journal:
        journal.readings.append([record() for _ in range(300)], [Guard("bed-12", "counter", "5", instant())])
        await journal.readings.flush()
        await journal.readings.advance("mqtt/readings", 250)
        await fill(journal, 3)
    (tmp_path / "readings.db").write_bytes(b"\xff" * 40_000)
    told = Told()
    async with inline(tmp_path, clock, tell=told) as journal:
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 3
        journal.readings.append([record()])
        await journal.readings.flush()
        assert journal.readings.head == 1
        run = asyncio.create_task(journal.run())
        await eventually(lambda: told.kinds().count(("journal.repaired", "readings", True)) == 1)
        run.cancel()
    assert (tmp_path / "readings.damaged.db").exists()


async def test_damaged_readings_keep_cursors_and_guards_that_can_be_read(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        for _ in range(40):
            journal.readings.append([record() for _ in range(500)])
            await journal.readings.flush()
        journal.readings.append([], [Guard("bed-12", "counter", "5", instant())])
        await journal.readings.advance("mqtt/readings", 19_990)
    overwrite_root(tmp_path / "readings.db", "reading")
    async with inline(tmp_path) as journal:
        assert [each.value for each in journal.readings.guards()] == ["5"]
        assert await journal.readings.cursor("mqtt/readings") == 19_990
        new = record()
        journal.readings.append([new])
        await journal.readings.flush()
        assert [each for _, each in (await journal.readings.after(19_990, 10)).rows] == [new]
        assert journal.readings.head > 19_990, "no number is given twice"


async def test_readings_that_break_while_the_gateway_runs_are_begun_anew_under_way(tmp_path: Path) -> None:
    told = Told()
    async with opened(tmp_path, tell=told) as journal:
        run = asyncio.create_task(journal.run())
        journal.readings.append([record() for _ in range(100)])
        await journal.readings.flush()
        await journal.readings.advance("mqtt/readings", 60)
        await journal._threads.call("upkeep", lambda: checkpoint_all(tmp_path / "readings.db"))
        with (tmp_path / "readings.db").open("r+b") as file:
            file.write(b"\xff" * 8192)
        journal.readings.queue.writer.db.execute("PRAGMA cache_size = 0")
        new = [record(), record()]
        journal.readings.append(new)
        await journal.readings.flush()
        assert (await journal.readings.after(60, 10)).rows == ((101, new[0]), (102, new[1]))
        await fill(journal, 2)
        await eventually(lambda: ("journal.repaired", "readings", True) in told.kinds())
        run.cancel()
    async with opened(tmp_path) as journal:
        assert await journal.readings.cursor("mqtt/readings") == 60
        assert journal.readings.head == 102


async def test_a_damaged_page_of_readings_stops_neither_outlet_nor_history(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        for number in range(20):
            journal.readings.append([record(value=float(number * 500 + n)) for n in range(500)])
            await journal.readings.flush()
    overwritten = 5
    with closing(sqlite3.connect(tmp_path / "readings.db")) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'reading'").fetchone()[0]
    with (tmp_path / "readings.db").open("r+b") as file:
        content = file.read()
        leaves = [at for at in range(0, len(content), 4096) if content[at] == 0x0D and at // 4096 + 1 > root]
        for at in leaves[40 : 40 + overwritten]:
            file.seek(at)
            file.write(b"\xff" * 4096)
    told = Told()
    async with inline(tmp_path, tell=told) as journal:
        read, cursor = list[float](), 0
        while cursor < journal.readings.head:
            batch = await journal.readings.after(cursor, 700)
            read += [each.value for _, each in batch.rows]
            cursor = batch.end
        assert 9000 < len(read) < 10_000
        assert read == sorted(set(read))
        assert (read[0], read[-1]) == (0.0, 9999.0)
        found, after = await journal.readings.history(since_ns=0, until_ns=2**62, limit=1000)
        while after is not None:
            page, after = await journal.readings.history(since_ns=0, until_ns=2**62, limit=1000, after=after)
            found += page
        assert [each.value for each in found] == read
        run = asyncio.create_task(journal.run())
        await eventually(lambda: told.kinds().count(("readings.dropped", "damaged", True)) == 1)
        run.cancel()


# Evidence.


async def test_evidence_that_is_missing_among_the_readings_is_put_back(tmp_path: Path) -> None:
    """A crash took the last second of readings; the copy of one that raised an alert was kept."""
    kept, lost = (record("bed_occupancy", value, kind=Kind.STATE) for value in (True, False))
    async with inline(tmp_path / "a") as journal:
        journal.readings.append([kept])
        await journal.readings.flush()
        journal.readings.append([lost, record()])
        for each in (kept, lost):
            await journal.alarms.write(lambda ledger, e=each: ledger.add_event(e, evidence=True))  # type: ignore[misc]
        shutil.copytree(tmp_path / "a", tmp_path / "b")
    for _ in range(2):
        async with inline(tmp_path / "b") as journal:
            await journal.readings.flush()
            assert [each for _, each in (await journal.readings.after(0, 10)).rows] == [kept, lost]
            found, _ = await journal.readings.history(since_ns=0, until_ns=2**62)
            assert [each.id for each in found] == [kept.id, lost.id]


async def test_evidence_whose_reading_still_waits_for_the_disk_is_not_put_back_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came while the evidence was being settled; found by the simulation (seed 10145)."""
    from gateway.journal.evidence import settle_evidence

    one, two = (record("opening", value, kind=Kind.STATE) for value in (True, False))
    async with inline(tmp_path) as journal:
        flush = journal.readings.flush

        async def meanwhile() -> None:
            await flush()
            if journal.readings.head == 0:
                journal.readings.append([one])
                await journal.alarms.write(lambda ledger: ledger.add_event(one, evidence=True))

        monkeypatch.setattr(journal.readings, "flush", meanwhile)
        await settle_evidence(journal.alarms, journal.readings)
        journal.readings.append([two])
        await flush()
        assert [row for _, row in (await journal.readings.after(0, 10)).rows] == [one, two]
        await settle_evidence(journal.alarms, journal.readings)
        assert journal.readings.head == 2


async def test_evidence_that_was_seen_to_is_not_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.journal.evidence import settle_evidence

    async with inline(tmp_path) as journal:
        one = record("bed_occupancy", True, kind=Kind.STATE)
        journal.readings.append([one])
        await journal.alarms.write(lambda ledger: ledger.add_event(one, evidence=True))
        await settle_evidence(journal.alarms, journal.readings)
    monkeypatch.setattr("gateway.journal.evidence.holds", lambda *_: pytest.fail("looked for again"))
    async with inline(tmp_path) as journal:
        assert journal.readings.head == 1


# Migrations.


NEXT = "ALTER TABLE alert ADD COLUMN mood TEXT NOT NULL DEFAULT ''; CREATE TABLE later (x INTEGER)"


async def test_a_migration_keeps_everything_and_the_version_before_can_still_open_it(tmp_path: Path) -> None:
    path = tmp_path / "alarms.db"
    async with inline(tmp_path) as journal:
        await fill(journal, 5)
    db = connect(path)
    migrate(db, path, (*ALARM_MIGRATIONS, NEXT))
    assert version_of(db) == len(ALARM_MIGRATIONS) + 1
    assert db.execute("SELECT count(*), max(mood) FROM alert").fetchone() == (5, "")
    migrate(db, path, (*ALARM_MIGRATIONS, NEXT))
    db.close()
    copy = tmp_path / f"alarms.before-{len(ALARM_MIGRATIONS) + 1}.db"
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("PRAGMA user_version").fetchone() == (len(ALARM_MIGRATIONS),)
        assert before.execute("SELECT count(*) FROM alert").fetchone() == (5,)
    async with inline(tmp_path) as journal:
        await fill(journal, 5, "b")
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 10
    with closing(sqlite3.connect(path)) as again:
        assert again.execute("PRAGMA user_version").fetchone() == (len(ALARM_MIGRATIONS) + 1,)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "alarms.db"
    async with inline(tmp_path) as journal:
        await fill(journal, 5)
    db = connect(path)
    with pytest.raises(Problem) as problem:
        migrate(db, path, (*ALARM_MIGRATIONS, NEXT, "CREATE TABLE alert (x)"))
    db.close()
    assert "version 1 to 3" in problem.value.findings[0].expected
    async with inline(tmp_path) as journal:
        assert len(await journal.alarms.read(Ledger.open_alerts)) == 5


# The folder.


async def test_a_second_gateway_on_one_folder_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(Problem) as problem:
            await Journal.open(tmp_path, HandClock(), Told())
        assert problem.value.exit is Exit.REFUSED
        child = subprocess.run(
            [sys.executable, str(CHILD), str(tmp_path), "1"], capture_output=True, text=True, check=False
        )
        assert child.returncode != 0
        assert "Problem" in child.stderr
    async with opened(tmp_path):
        pass


async def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as problem:
        await Journal.open(tmp_path / "file", HandClock(), Told())
    assert problem.value.exit is Exit.FAILED


async def test_the_instance_is_that_of_the_folder(tmp_path: Path) -> None:
    async with inline(tmp_path / "a") as journal:
        first = journal.instance
    async with inline(tmp_path / "a") as again, inline(tmp_path / "b") as other:
        assert again.instance == first
        assert other.instance != first


async def test_a_copy_is_made_each_hour_in_which_something_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.upkeep.COPY_FIRST_S", 0.0)
    monkeypatch.setattr("gateway.journal.upkeep.COPY_S", 0.05)
    async with opened(tmp_path) as journal:
        await fill(journal, 3)
        run = asyncio.create_task(journal.run())
        copy = tmp_path / "alarms.copy.db"

        def count() -> int:
            if not copy.exists():
                return 0
            with closing(sqlite3.connect(copy)) as db:
                return int(db.execute("SELECT count(*) FROM alert").fetchone()[0])

        await eventually(lambda: count() == 3)
        await journal.alarms.write(lambda ledger: ledger.put_alert(alert("last")))
        await eventually(lambda: count() == 4)
        run.cancel()


async def test_a_boot_with_a_clock_in_the_past_changes_no_order(tmp_path: Path) -> None:
    clock = HandClock()
    async with inline(tmp_path, clock) as journal:
        journal.readings.append([record(value=1.0, at=clock.now())])
    clock.jump(-9e8)
    clock.reboot("boot-2")
    async with inline(tmp_path, clock) as journal:
        journal.readings.append([replace(record(value=2.0, at=clock.now()))])
        await journal.readings.flush()
        assert [each.value for _, each in (await journal.readings.after(0, 9)).rows] == [1.0, 2.0]
