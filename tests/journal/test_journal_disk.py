"""A disk that is full, broken, slow, or loses its power: what was confirmed is kept, and alarms come last."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from gateway.journal import Journal
from support.eventually import eventually
from support.journal import opened
from support.journal_disk import Disk, child, cut, read_log

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
        await eventually(lambda: not reserve.exists(), within_s=20)
        assert running.said("refused") == [], "alarms found the room that the reserve left"
        await running.says("event", 20)
        disk.end("quota")
        await eventually(reserve.exists, within_s=20)
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
        await eventually(lambda: len(running.said("event")) > before + 5, within_s=20)
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


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """Record what a journal under load brings to its disk; what it confirms is recorded in between."""
    folder = tmp_path_factory.mktemp("recorded")
    disk = Disk(folder / "state", folder / "orders")

    async def record() -> None:
        async with child(disk, record=True, CHILD_ACKS=str(disk.folder / "acks")) as running:
            await running.says("event", 60)
            await running.says("readings", 3)
            await running.kill()

    asyncio.run(record())
    return disk


@pytest.mark.parametrize("part", range(4))
async def test_no_power_cut_takes_what_was_confirmed(recorded: Disk, tmp_path: Path, part: int) -> None:
    """25 cuts each: at any step, with any part of what was not synced, torn or not."""
    steps = read_log(recorded.log)
    rng = random.Random(part)
    cuts = 0
    for number in range(25):
        upto = rng.randrange(len(steps) // 10, len(steps))
        done = steps[:upto]
        confirmed = b"".join(step.data for step in done if step.path.endswith("/acks")).decode().splitlines()
        target = tmp_path / f"cut-{number}"
        cut([step for step in done if not step.path.endswith("/acks")], recorded.folder, target, rng)
        async with opened(target) as journal:
            events, readings = await kept(journal)
            assert {line.split()[1] for line in confirmed if line.startswith("event")} <= events
            assert readings >= max(
                (int(line.split()[1]) for line in confirmed if line.startswith("readings")), default=0
            )
            assert {
                each.id for each in await journal.alarms.read(lambda ledger: ledger.alerts(limit=1000))
            } == events
            assert await journal.alarms.verify_audit() is None
            assert not (target / "alarms.damaged.db").exists()
            assert not (target / "readings.damaged.db").exists()
        cuts += 1
    assert cuts == 25
