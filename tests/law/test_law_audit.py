"""The audit log at the command line: whole, changed, cut off, written anew; and who may read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from gateway.journal import upkeep
from gateway.journal.audit_heads import FILE, Head, read_heads, with_head
from gateway.journal.ledger_audit import NOTHING, SELECT_ENTRY, entry_hash
from support.duty_house import DutyHouse, open_duty
from support.eventually import eventually

HOUR = 3600 * 1_000_000_000


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note the head at once and often."""
    monkeypatch.setattr(upkeep, "HEAD_FIRST_S", 0.0)
    monkeypatch.setattr(upkeep, "HEAD_S", 0.02)


async def with_entries(house: DutyHouse, number: int) -> int:
    """Write entries, wait until a head names the last, and give its number."""
    for each in range(number):
        await house.journal.alarms.write(
            lambda ledger, n=each: ledger.audit("tried", by="KL", source="test", detail={"n": n})  # type: ignore[misc]
        )
    last: int = await house.journal.alarms.read(lambda ledger: ledger.audit_head()[0])

    def noted() -> bool:
        heads = read_heads(house.state)
        return bool(heads) and heads[-1].seq >= last

    await eventually(noted)
    return last


def verify(state: Path, *more: str) -> int:
    """Check it as a person would."""
    return int(main(["alert", "audit", "--verify", *more, "--state", str(state)]))


def tamper(state: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change the journal past the gateway."""
    with closing(sqlite3.connect(state / "alarms.db", isolation_level=None)) as db:
        change(db)


def cut_off(db: sqlite3.Connection, last: int) -> None:
    """Take the newest entries away, and what SQLite remembers of them."""
    db.execute("DELETE FROM audit WHERE seq > ?", (last,))
    db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit'", (last,))


def written_anew(db: sqlite3.Connection, seq: int) -> None:
    """Change an entry, and compute every hash from there on as the gateway would."""
    db.execute("UPDATE audit SET by = 'XX' WHERE seq = ?", (seq,))
    before = NOTHING
    for row in db.execute(SELECT_ENTRY + "ORDER BY seq", (0,)).fetchall():
        before = entry_hash(before, row[:10])
        db.execute("UPDATE audit SET hash = ? WHERE seq = ?", (before, row[0]))


@pytest.mark.usefixtures("soon")
async def test_what_was_done_to_the_log_is_found_and_the_first_entry_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that changed, one that is gone, an end cut off, and a log written anew with good hashes."""
    async with open_duty(tmp_path) as house:
        last = await with_entries(house, 8)
    state, sound = tmp_path / "state", (tmp_path / "state" / "alarms.db").read_bytes()
    assert verify(state) == 0
    assert f"up to entry {last}" in capsys.readouterr().err
    for change, broken in (
        (lambda db: db.execute("UPDATE audit SET by = 'AB' WHERE seq = ?", (last - 3,)), last - 3),
        (lambda db: db.execute("DELETE FROM audit WHERE seq = ?", (last - 2,)), last - 2),
        (lambda db: db.execute("DELETE FROM audit WHERE seq > ?", (last - 2,)), last - 1),
        (lambda db: cut_off(db, last - 2), last - 1),
    ):
        tamper(state, change)
        assert verify(state) == 1
        assert f"audit entry {broken}" in capsys.readouterr().err
        (state / "alarms.db").write_bytes(sound)
    assert verify(state) == 0
    tamper(state, lambda db: written_anew(db, last - 1))
    assert verify(state) == 1
    assert "written anew" in capsys.readouterr().err


@pytest.mark.usefixtures("soon")
async def test_a_head_noted_elsewhere_shows_what_was_done_to_both_files(tmp_path: Path) -> None:
    """As the broker has it from the health document, or a sheet of paper."""
    async with open_duty(tmp_path) as house:
        last = await with_entries(house, 3)
        health = await eventually(lambda: _noted(house))
        noted = f"{health['seq']}:{health['hash']}"
        assert health["seq"] == last
    state = tmp_path / "state"
    assert verify(state, "--head", noted) == 0
    tamper(state, lambda db: cut_off(db, last - 1))
    (state / FILE).unlink()
    assert verify(state) == 0
    assert verify(state, "--head", noted) == 1
    assert verify(state, "--head", "12") == 2


def _noted(house: DutyHouse) -> dict[str, Any] | None:
    found: dict[str, Any] = house.journal.health()["audit"]
    return found if found["seq"] else None


@pytest.mark.usefixtures("soon")
async def test_a_gateway_that_goes_on_keeps_the_evidence(tmp_path: Path) -> None:
    """It writes new entries where others were cut off: the head that it belies stays noted."""
    async with open_duty(tmp_path) as house:
        last = await with_entries(house, 5)
    tamper(tmp_path / "state", lambda db: cut_off(db, last - 3))
    async with open_duty(tmp_path) as house:
        await with_entries(house, 9)
        assert verify(house.state) == 1
        await with_entries(house, 1)
        assert verify(house.state) == 1
        await eventually(lambda: "audit-broken/audit" in {each.alert.key for each in house.engine.open()})
        (told,) = [each.alert for each in house.engine.open() if each.alert.kind == "audit.broken"]
        assert told.priority == "technical"
        await house.does(told, "resolve", by="LE", outcome="technical")
    async with open_duty(tmp_path) as house:  # told once, and evident for ever
        await with_entries(house, 2)
        assert verify(house.state) == 1
        assert not [each for each in house.engine.open() if each.alert.kind == "audit.broken"]


async def test_retention_leaves_its_last_hash_as_the_beginning(tmp_path: Path) -> None:
    """Itself an entry; and the check holds from there on, by heads too."""
    async with open_duty(tmp_path) as house:
        for _ in range(6):
            await house.journal.alarms.write(lambda ledger: ledger.audit("tried", by=None, source="test"))
        seq, digest = await house.journal.alarms.read(lambda ledger: ledger.audit_head())
        await house.journal.alarms.write(lambda ledger: ledger.prune_audit(seq - 2, 1000))
        page = (await house.asks("GET", "/api/v1/audit?limit=1000")).json["entries"]
        assert page[0]["seq"] == seq - 1
        told = next(each for each in page if each["what"] == "audit_pruned")
        assert told["detail"]["through"] == seq - 2
        assert verify(house.state, "--head", f"{seq}:{digest}", "--head", f"1:{'0' * 64}") == 0


def test_of_many_heads_one_an_hour_and_one_a_day_are_kept() -> None:
    """And every one that the log belies."""
    heads: list[Head] = []
    for minute in range(6 * 24 * 60):
        heads = with_head(heads, Head(minute + 1, "00", minute * HOUR // 60), 0, frozenset({(77, "00")}))
    assert 77 in {head.seq for head in heads}
    assert 48 <= len(heads) <= 56
    assert with_head(heads, Head(9000, "11", 7 * 24 * HOUR), 8999, frozenset()) == [
        Head(9000, "11", 7 * 24 * HOUR)
    ]


async def test_only_the_right_audit_reads_the_log(tmp_path: Path) -> None:
    """It names people."""
    async with open_duty(tmp_path) as house:
        assert (await house.command("alert", "audit", "--by", "KL")).code == 6
        assert (await house.command("alert", "audit", "--by", "LE")).code == 0


def test_a_damaged_file_of_heads_counts_for_what_can_be_read(tmp_path: Path) -> None:
    """A line that is none is passed over."""
    (tmp_path / FILE).write_bytes(b'{"seq": 3, "hash": "ab", "noted": "2026-11-24T14:00:00Z"}\nnoise\n{}\n')
    assert [head.seq for head in read_heads(tmp_path)] == [3]
