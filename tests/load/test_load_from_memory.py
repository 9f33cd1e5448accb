"""A disk that takes nothing at the start, a file that cannot be mended: calls go out all the same."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import alarm_recovery, journal, shelter
from gateway.journal.errors import NotDurable
from gateway.journal.folder import Room, StateFolder
from gateway.journal.journal import Journal
from gateway.journal.ledger import Ledger
from gateway.model.alert import Priority
from gateway.model.problem import Exit, Problem
from gateway.model.refusal import Refused
from support.alarm_house import PEOPLE, AlarmHouse, open_house
from support.journal import HandClock, Told, alert, inline
from support.records import record

READ_ONLY = "Read-only file system"


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory of the test's own, so that it can be looked into."""
    path = tmp_path / "memory"
    path.mkdir()
    monkeypatch.setattr(shelter, "MEMORY", path)
    return path


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """State folders that may not be written; root may write everywhere, so the refusal is made."""
    refused: set[Path] = set()

    def folder(path: Path, room: Room | None = None) -> StateFolder:
        if path in refused:
            raise Problem(str(path), expected="one that may be written", found=READ_ONLY, do="mend it")
        return StateFolder(path, room)

    monkeypatch.setattr(journal, "StateFolder", folder)
    return refused


@asynccontextmanager
async def running(house: AlarmHouse) -> AsyncIterator[None]:
    """Have the journal run: it tells its troubles then."""
    task = asyncio.create_task(house.journal.run())
    try:
        await house.settle()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.looptime
async def test_on_a_disk_that_takes_nothing_calls_are_told_from_memory_and_cannot_be_taken(
    tmp_path: Path, read_only: set[Path], memory: Path
) -> None:
    """What was open is known, a press goes out at once, nobody can take it, and everybody is told why."""
    async with open_house(tmp_path, PEOPLE) as house:
        before = await house.press("kald-12-bad")
        read_only.add(house.state.with_name(f"{house.state.name}+"))
        await house.power_cut()
        assert house.journal.from_memory
        async with running(house):
            assert next(shown.alert.id for shown in house.engine.open()) == before.id
            told = house.alert("journal-failing/alarms")
            assert told.priority is Priority.HIGH
            assert READ_ONLY in told.detail
            with pytest.raises(NotDurable):
                await house.engine.event([house.record("kald-12", "help_call", "press")], [])
            shown = next(s for s in house.engine.open() if s.alert.key == "help-call/kald-12")
            assert not shown.durable
            assert shown.alert.priority is Priority.HIGH
            for taken in (shown.alert, before):
                with pytest.raises(Refused, match="kept"):
                    await house.does(taken, "acknowledge")
            with pytest.raises(NotDurable):
                await house.engine.canary()
            assert house.journal.health()["disk_free"] is None
            await asyncio.sleep(300)
            assert house.alert("help-call/kald-12").step > 1, "it is passed on like any other call"
        assert list(memory.iterdir()) != []
    assert list(memory.iterdir()) == [], "nothing of it outlives the process"


@pytest.mark.looptime
async def test_readings_go_on_in_memory_and_are_bounded(tmp_path: Path, read_only: set[Path]) -> None:
    """Whoever is sent them gets them; a month of them would fill the memory."""
    read_only.add(tmp_path / "state")
    (tmp_path / "state").mkdir()
    async with inline(tmp_path / "state") as opened:
        opened.readings.append([record("temperature", 21.5)])
        await opened.readings.flush()
        assert [each.value for each in opened.readings.latest()] == [21.5]
        assert opened._retention.keeping.readings_bytes == shelter.READINGS_MAX_BYTES
        assert "temperature" not in str(list((tmp_path / "state").iterdir()))


@pytest.mark.looptime
async def test_what_a_killed_gateway_left_in_memory_is_removed(
    tmp_path: Path, read_only: set[Path], memory: Path
) -> None:
    """By the next one that needs the memory; never what belongs to one that lives, or is just being made."""
    for name in ("left", "living", "young"):
        (memory / f"velgate-{name}").mkdir()
        (memory / f"velgate-{name}" / "journal.lock").touch()
        if name != "young":
            os.utime(memory / f"velgate-{name}", (1, 1))
    (tmp_path / "state").mkdir()
    read_only.add(tmp_path / "state")
    with (memory / "velgate-living" / "journal.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with inline(tmp_path / "state") as opened:
            names = {path.name for path in memory.iterdir()} - {opened._folder.path.name}
    assert names == {"velgate-living", "velgate-young"}


@pytest.mark.looptime
async def test_a_path_that_never_was_a_state_folder_is_refused(tmp_path: Path, read_only: set[Path]) -> None:
    """Mistyped: whoever typed it must know at once. So is a folder that another gateway has."""
    read_only.add(tmp_path / "mistyped")
    with pytest.raises(Problem, match=READ_ONLY):
        await Journal.open(tmp_path / "mistyped", HandClock(), Told())
    async with inline(tmp_path / "state"):
        with pytest.raises(Problem) as refused:
            await Journal.open(tmp_path / "state", HandClock(), Told())
    assert refused.value.exit is Exit.REFUSED


async def filled(state: Path, number: int) -> int:
    """Write some alerts; gives the newest number of the log."""
    async with inline(state) as opened:

        def put(ledger: Ledger) -> None:
            for count in range(number):
                ledger.put_alert(alert(f"a-{count}"))

        await opened.alarms.write(put)
        return opened.alarms.log_seq


def cannot_be_mended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every repair fail like this."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(alarm_recovery, "repair_alarms", fail)


def coded(code: int) -> sqlite3.OperationalError:
    """Make an error of SQLite with a code."""
    error = sqlite3.OperationalError("the test said so")
    error.sqlite_errorcode = code
    return error


@pytest.mark.looptime
@pytest.mark.parametrize(
    "error",
    [
        sqlite3.DatabaseError("worse"),
        coded(sqlite3.SQLITE_IOERR),
        ValueError("a fault of ours"),
        OSError(5, "EIO"),
    ],
)
async def test_a_file_that_cannot_be_mended_is_kept_and_a_new_one_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Under a name that nothing removes; numbers go on above every one that anybody has seen; told."""
    newest = await filled(tmp_path, 30)
    ruin = b"\0" * 50_000
    (tmp_path / "alarms.db").write_bytes(ruin)
    cannot_be_mended(monkeypatch, error)
    told = Told()
    async with inline(tmp_path, tell=told) as opened:
        assert not opened.from_memory
        assert (tmp_path / "alarms.unreadable-1.db").read_bytes() == ruin
        await opened.alarms.write(lambda ledger: ledger.put_alert(alert("new")))
        assert opened.alarms.log_seq > newest
        assert await opened.alarms.read(Ledger.log_floor) >= newest, "a stream begins anew"
        entries = await opened.alarms.read(lambda ledger: ledger.audit_entries(0, 10))
        assert (entries[0].what, entries[0].detail["kept"]) == (
            "journal_begun_anew",
            "alarms.unreadable-1.db",
        )
        assert await opened.alarms.verify_audit() is None
        run = asyncio.create_task(opened.run())
        await asyncio.sleep(1)
        assert told.kinds().count(("journal.repaired", "alarms", True)) == 1
        assert "do rounds" in told[0].detail
        run.cancel()
        opened._folder.give_up_reserve()
        assert (tmp_path / "alarms.unreadable-1.db").exists(), "not even for room"
    (tmp_path / "alarms.db").write_bytes(ruin)
    async with inline(tmp_path):
        assert (tmp_path / "alarms.unreadable-2.db").exists()


@pytest.mark.looptime
async def test_for_want_of_room_nothing_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room it could be mended: until then calls go out from memory, where it is mended at once."""
    await filled(tmp_path / "state", 30)
    path = tmp_path / "state" / "alarms.db"
    with sqlite3.connect(path) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'session'").fetchone()[0]
    db.close()
    ruin = bytearray(path.read_bytes())
    ruin[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(ruin)
    real = alarm_recovery.repair_alarms

    def no_room(folder: StateFolder, clock: Any) -> Any:
        if folder.path == tmp_path / "state":
            raise coded(sqlite3.SQLITE_FULL)
        return real(folder, clock)

    monkeypatch.setattr(alarm_recovery, "repair_alarms", no_room)
    async with inline(tmp_path / "state") as opened:
        assert opened.from_memory
        assert len(await opened.alarms.read(Ledger.open_alerts)) == 30, "what can be read is known"
        with pytest.raises(NotDurable):
            await opened.alarms.write(lambda ledger: ledger.put_alert(alert("new")))
    assert path.read_bytes() == bytes(ruin)
    assert not list((tmp_path / "state").glob("*unreadable*"))


@pytest.mark.looptime
async def test_files_that_a_worn_card_does_not_give_are_left_out(
    tmp_path: Path, read_only: set[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the alarms then the hourly copy is what is known."""
    state = tmp_path / "state"
    await filled(state, 3)
    (state / "alarms.db").rename(state / "alarms.copy.db")
    (state / "alarms.db").mkdir()
    (state / "instance").unlink()
    read_only.add(state)
    async with inline(state) as opened:
        assert opened.from_memory
        assert opened.instance
