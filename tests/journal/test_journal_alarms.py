"""The writer of alarms: in order, each work whole or not at all, nobody told before the disk has it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal import Commit, Journal, Ledger, NotDurable, alarm_store
from gateway.journal.errors import WriterDied
from gateway.journal.reader import READ_MAX_S
from gateway.model.readings import Kind
from support.eventually import eventually
from support.journal import alert, opened
from support.records import record


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as it:
        yield it


def bump(ledger: Ledger) -> int:
    count = int((ledger.memo("count") or {"n": 0})["n"]) + 1
    ledger.put_memo("count", {"n": count})
    return count


async def test_each_work_sees_what_those_before_it_did(journal: Journal) -> None:
    results = await asyncio.gather(*(journal.alarms.write(bump) for _ in range(300)))
    assert results == list(range(1, 301))
    assert await journal.alarms.read(lambda ledger: ledger.memo("count")) == {"n": 300}


async def test_works_that_wait_together_share_a_commit(journal: Journal) -> None:
    before = journal.alarms.commits
    await asyncio.gather(*(journal.alarms.write(bump) for _ in range(300)))
    assert journal.alarms.commits - before < 60


async def test_a_work_that_raises_undoes_itself_alone(journal: Journal) -> None:
    def fails(ledger: Ledger) -> None:
        ledger.put_alert(alert("a-bad"))
        ledger.add_event(record("fall", "detected", kind=Kind.EVENT))
        raise ZeroDivisionError

    commits: list[Commit] = []
    journal.alarms.on_commit(commits.append)
    results = await asyncio.gather(
        journal.alarms.write(lambda ledger: ledger.put_alert(alert("a-1"))),
        journal.alarms.write(fails),
        journal.alarms.write(lambda ledger: ledger.put_alert(alert("a-2"))),
        return_exceptions=True,
    )
    assert isinstance(results[1], ZeroDivisionError)
    assert results[0] == 1
    told = [each.id for commit in commits for _, each in commit.alerts]
    assert told == ["a-1", "a-2"]
    assert [event for commit in commits for event in commit.events] == []
    assert await journal.alarms.read(lambda ledger: ledger.alert("a-bad")) is None


async def test_listeners_hear_a_commit_before_its_writers_go_on(journal: Journal) -> None:
    order: list[str] = []

    def heard(commit: Commit) -> None:
        assert sqlite3.connect(journal._folder.alarms).execute("SELECT id FROM alert").fetchall() == [
            ("a-1",)
        ]
        order.append(f"heard {commit.log_seq}")

    off = journal.alarms.on_commit(heard)
    event = record("help_call", "press", kind=Kind.EVENT)

    def work(ledger: Ledger) -> None:
        ledger.add_event(event)
        ledger.put_alert(alert("a-1"))

    await journal.alarms.write(work)
    order.append("goes on")
    assert order == ["heard 1", "goes on"]
    assert (journal.alarms.log_seq, journal.alarms.event_seq) == (1, 1)
    off()
    off()
    await journal.alarms.write(bump)
    assert len(order) == 2


async def test_a_listener_that_raises_holds_up_nobody(journal: Journal) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    heard: list[Commit] = []

    def fails(_: Commit) -> None:
        raise ZeroDivisionError

    journal.alarms.on_commit(fails)
    journal.alarms.on_commit(heard.append)
    assert await journal.alarms.write(bump) == 1
    assert len(heard) == len(complaints) == 1


async def test_cancelling_the_wait_does_not_undo_the_work(journal: Journal) -> None:
    started = threading.Event()
    go_on = threading.Event()

    def slow(ledger: Ledger) -> None:
        started.set()
        go_on.wait(60)
        bump(ledger)

    waiting = asyncio.create_task(journal.alarms.write(slow))
    await asyncio.get_running_loop().run_in_executor(None, started.wait)
    waiting.cancel()
    go_on.set()
    assert await journal.alarms.write(bump) == 2


async def test_the_writer_tells_that_it_is_busy(journal: Journal) -> None:
    """A disk that hangs holds up its writer alone: the loop turns, readers read, and it can be seen."""
    go_on = threading.Event()
    waiting = asyncio.create_task(journal.alarms.write(lambda _: go_on.wait(60)))
    await eventually(lambda: journal.alarms.waiting_s() > 0.05)
    assert journal.alarms.idle_s() == 0.0
    assert await journal.alarms.read(lambda ledger: ledger.log_seq()) == 0
    assert journal.writers()[0].alive
    go_on.set()
    await waiting
    assert journal.alarms.waiting_s() == 0.0


async def test_too_much_that_waits_is_refused(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_store, "WORKS_MAX", 2)
    go_on = threading.Event()
    first = asyncio.create_task(journal.alarms.write(lambda _: go_on.wait(60)))
    await eventually(lambda: journal.alarms.waiting == 0 and journal.alarms.waiting_s() > 0)
    held = [asyncio.create_task(journal.alarms.write(bump)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(NotDurable, match="too much waits"):
        await journal.alarms.write(bump)
    go_on.set()
    await first
    assert await asyncio.gather(*held) == [1, 2]


async def test_a_read_cannot_write_and_cannot_last(journal: Journal) -> None:
    with pytest.raises(sqlite3.OperationalError, match=r"readonly|read-only"):
        await journal.alarms.read(bump)

    def forever(ledger: Ledger) -> None:
        ledger._db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        ).fetchone()

    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="longer than"):
        await journal.alarms.read(forever)
    assert time.monotonic() - begun < READ_MAX_S + 5
    assert await journal.alarms.read(lambda ledger: ledger.log_seq()) == 0


async def test_a_read_sees_what_was_committed_before(journal: Journal) -> None:
    for number in range(1, 20):
        await journal.alarms.write(bump)
        assert await journal.alarms.read(lambda ledger: ledger.memo("count")) == {"n": number}


async def test_closing_commits_what_waits(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        for number in range(100):
            task = asyncio.create_task(
                journal.alarms.write(lambda ledger, n=number: ledger.put_memo(f"{n}", {}))
            )  # type: ignore[misc]
        await asyncio.sleep(0)
        journal.alarms.advance("mqtt/alerts", 7)
    await task
    with pytest.raises(NotDurable, match="closed"):
        await journal.alarms.write(bump)
    async with opened(tmp_path) as journal:
        assert len(await journal.alarms.read(lambda ledger: ledger.memos(""))) == 100
        assert journal.alarms.cursor("mqtt/alerts") == 7


async def test_cursors_are_written_without_an_fsync_of_their_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        assert journal.alarms.cursor("mqtt/alerts") == 0
        measured = len(journal.alarms.timings.recent_ms())
        journal.alarms.advance("mqtt/alerts", 3)
        await journal.alarms.flush_cursors()
        await journal.alarms.flush_cursors()
        assert len(journal.alarms.timings.recent_ms()) == measured
        assert journal.alarms.cursors() == {"mqtt/alerts": 3}
        journal.alarms.advance("mqtt/alerts", 5)
        await journal.alarms.write(bump)
        journal.alarms.advance("gone/alerts", 1)
        await journal.alarms.forget_cursor("gone/alerts")
    async with opened(tmp_path) as journal:
        assert await journal.alarms.read(lambda ledger: ledger.cursors()) == {"mqtt/alerts": 5}


async def test_a_writer_that_died_is_seen_and_starts_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of our own")

    run = asyncio.create_task(journal.run())
    await asyncio.sleep(0)  # it runs: a thread found dead at its beginning would just be started anew
    with monkeypatch.context() as patch:
        patch.setattr(journal.alarms._writer, "apply", broken)
        with pytest.raises(NotDurable, match="died"):
            await journal.alarms.write(bump)
    await eventually(lambda: not journal.writers()[0].alive)
    with pytest.raises(WriterDied, match="alarms"):
        await asyncio.wait_for(run, 60)
    waiting = asyncio.create_task(journal.alarms.write(bump))
    run = asyncio.create_task(journal.run())
    assert await asyncio.wait_for(waiting, 60) == 1
    run.cancel()
    assert "journal-alarms died" in caplog.text
