"""A disk that is full, broken or slow: what was confirmed is kept, and alarms come last."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.journal import Journal
from support.eventually import eventually
from support.journal import opened
from support.journal_disk import Disk, child

MB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "state", tmp_path / "orders")


async def kept(journal: Journal) -> tuple[set[str], int]:
    """Give the events that are kept and the number of readings."""
    events: dict[int, str] = {}
    while rows := await journal.alarms.read(
        lambda ledger: ledger.events_after(max(events, default=0), 1000)  # noqa: B023
    ):
        events |= {seq: event.id for seq, event in rows}
    return set(events.values()), journal.readings.head


async def test_on_a_full_disk_readings_stop_and_alarms_go_on_and_the_reserve_comes_back(disk: Disk) -> None:
    async with child(disk, CHILD_RESERVE=str(4 * MB), CHILD_LOW=str(MB), CHILD_PAUSE="0.3") as running:
        await running.says("readings", 3)
        reserve = disk.folder / "reserve"
        await eventually(reserve.exists)
        disk.order("quota", disk.used() + 200_000)
        await eventually(lambda: not reserve.exists())
        assert running.said("refused") == [], "alarms found the room that the reserve left"
        await running.says("event", 20)
        disk.end("quota")
        await eventually(reserve.exists)
        await running.says("readings", 3)
        await running.says("event", 3)
        assert running.said("refused") == []
        await running.kill()
    async with opened(disk.folder) as journal:
        events, readings = await kept(journal)
        assert set(running.said("event")) <= events
        assert readings >= max(map(int, running.said("readings")))
        assert await journal.alarms.verify_audit() is None


async def test_when_the_reserve_is_gone_too_nothing_is_confirmed_that_is_not_kept(disk: Disk) -> None:
    async with child(disk, CHILD_RESERVE="100000") as running:
        await running.says("event", 3)
        disk.order("quota", 0)
        await running.says("refused", 5)
        assert "the disk is full" in running.said("refused")
        await running.says("beat", 5)
        disk.end("quota")
        before = len(running.said("event"))
        await eventually(lambda: len(running.said("event")) > before + 5)
        await running.says("readings", 2)
        await running.kill()
    async with opened(disk.folder) as journal:
        events, readings = await kept(journal)
        assert set(running.said("event")) <= events
        assert readings >= max(map(int, running.said("readings")))


@pytest.mark.parametrize("order", ["fail_write", "fail_sync"])
async def test_a_disk_that_breaks_confirms_nothing_until_it_works_again(disk: Disk, order: str) -> None:
    async with child(disk) as running:
        await running.says("event", 5)
        disk.order(order)
        await running.says("refused", 5)
        assert any("the disk refuses: SQLITE_IOERR" in reason for reason in running.said("refused"))
        confirmed = len(running.said("event"))
        await running.says("refused", 10)
        assert len(running.said("event")) <= confirmed + 3, "at most what was confirmed before the order"
        disk.end(order)
        await running.says("event", 10)
        await running.says("readings", 2)
        await running.kill()
    async with opened(disk.folder) as journal:
        events, readings = await kept(journal)
        assert set(running.said("event")) <= events
        assert readings >= max(map(int, running.said("readings")))
        assert await journal.alarms.verify_audit() is None


async def test_a_disk_that_hangs_holds_up_the_writers_and_nothing_else(disk: Disk) -> None:
    async with child(disk) as running:
        await running.says("event", 5)
        disk.order("sync_ms", 3000)
        hung = len(running.lines)
        await running.says("beat", 30)
        beats = sum(line == "beat" for line in running.lines[hung:])
        assert beats >= 30, "the loop turns"
        disk.end("sync_ms")
        await running.says("event", 5)
        assert running.said("refused") == []


async def test_a_gateway_starts_on_a_full_disk(disk: Disk) -> None:
    async with child(disk) as running:
        await running.says("event", 5)
        await running.kill()
    disk.order("quota", disk.used())
    async with child(disk) as running:
        await running.says("open")
        await running.says("event", 5)
        await running.kill()
