"""The audit log: a changed, removed, added or cut-off entry shows; retention leaves a new beginning."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.journal import Journal, Ledger
from gateway.journal.ledger_audit import PRUNED
from support.journal import HandClock, inline

ENTRIES = 12


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    clock = HandClock()
    async with inline(tmp_path, clock) as opened:
        for number in range(ENTRIES):
            clock.forward(1)
            await opened.alarms.write(
                lambda ledger, n=number: ledger.audit(  # type: ignore[misc]
                    "acknowledged", by="KL", source="page", alert=f"a-{n % 3}", detail={"rev": n}
                )
            )
        yield opened


def tamper(tmp_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(tmp_path / "alarms.db", isolation_level=None)) as db:
        db.execute(statement)


async def test_entries_are_read_back_in_order(journal: Journal) -> None:
    entries = await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))
    assert [entry.seq for entry in entries] == list(range(1, ENTRIES + 1))
    assert entries[3].detail == {"rev": 3}
    assert entries[3].by == "KL"
    page = await journal.alarms.read(lambda ledger: ledger.audit_entries(5, 2))
    assert page == entries[5:7]
    of_one = await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100, alert="a-1"))
    assert [entry.seq for entry in of_one] == [2, 5, 8, 11]


async def test_an_untouched_chain_holds(journal: Journal) -> None:
    assert await journal.alarms.verify_audit() is None
    assert await journal.alarms.read(Ledger.verify_audit) is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET by = 'AB' WHERE seq = 5", 5),
        ("UPDATE audit SET detail = '{\"rev\":9}' WHERE seq = 4", 4),
        ("UPDATE audit SET wall_ns = wall_ns + 1 WHERE seq = 1", 1),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 12", 12),
        ("UPDATE audit SET alert = NULL WHERE seq = 6", 6),
        ("DELETE FROM audit WHERE seq = 7", 7),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq > 9", 10),
        ("DELETE FROM audit", 1),
        (
            (
                "INSERT INTO audit SELECT 13, wall_ns, mono_ns, boot, quality, what, by, source, alert,"
                " detail, hash FROM audit WHERE seq = 12"
            ),
            13,
        ),
        ("UPDATE sqlite_sequence SET seq = 99 WHERE name = 'audit'", 13),
    ],
)
async def test_what_was_tampered_with_is_named(
    journal: Journal, tmp_path: Path, statement: str, broken: int
) -> None:
    tamper(tmp_path, statement)
    assert await journal.alarms.verify_audit() == broken
    assert await journal.alarms.read(Ledger.verify_audit) == broken


async def test_pages_of_the_check_meet(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for size in (1, 4, ENTRIES, ENTRIES + 1):
        monkeypatch.setattr("gateway.journal.ledger_audit.PAGE_MAX", size)
        assert await journal.alarms.verify_audit() is None
    monkeypatch.setattr("gateway.journal.ledger_audit.PAGE_MAX", 4)
    tamper(tmp_path, "UPDATE audit SET source = 'socket' WHERE seq = 9")
    assert await journal.alarms.verify_audit() == 9


async def test_retention_leaves_a_new_beginning_that_is_told(journal: Journal, tmp_path: Path) -> None:
    assert await journal.alarms.write(lambda ledger: ledger.prune_audit(through=5, limit=3)) == 3
    assert await journal.alarms.write(lambda ledger: ledger.prune_audit(through=5, limit=3)) == 2
    assert await journal.alarms.write(lambda ledger: ledger.prune_audit(through=5, limit=3)) == 0
    entries = await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))
    assert [entry.seq for entry in entries] == list(range(6, ENTRIES + 3))
    assert [entry.what for entry in entries[-2:]] == [PRUNED, PRUNED]
    assert await journal.alarms.verify_audit() is None
    tamper(tmp_path, "DELETE FROM audit WHERE seq = 6")
    assert await journal.alarms.verify_audit() == 6


async def test_a_beginning_that_nobody_told_is_broken(journal: Journal, tmp_path: Path) -> None:
    """Removing the oldest entries and moving the beginning by hand leaves no entry that says so."""
    tamper(
        tmp_path,
        "INSERT INTO audit_beginning (seq, hash) SELECT seq, hash FROM audit WHERE seq = 4",
    )
    tamper(tmp_path, "DELETE FROM audit WHERE seq <= 4")
    assert await journal.alarms.verify_audit() == 5


async def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    note: Callable[[Ledger], None] = lambda ledger: ledger.audit("x", by=None, source="test")  # noqa: E731
    for _ in range(3):
        async with inline(tmp_path, clock) as journal:
            await journal.alarms.write(note)
            assert await journal.alarms.verify_audit() is None
    async with inline(tmp_path, clock) as journal:
        assert [entry.seq for entry in await journal.alarms.read(Ledger.audit_entries)] == [1, 2, 3]
