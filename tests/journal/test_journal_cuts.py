"""Three hundred power cuts over the whole life of a journal: what was confirmed is kept, and it is right.

The life has checkpoints, copies, a migration, retention, and is closed and opened again; a cut may come at
any step of it, and another one while what the first has left is being opened.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.journal.alarm_schema import ALARM_MIGRATIONS
from gateway.model.clock import NS
from support.journal import opened
from support.journal_disk import Disk
from support.journal_disk_cut import Step, cuts, put, read_log
from support.journal_life import KEPT_S, LIVES, value_of

CHILD = Path(__file__).parents[1] / "support" / "journal_life_child.py"
PARTS, CUTS = 6, 50
AGAIN = 15
CARELESS_CUTS = 30


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What had been confirmed before a cut."""

    events: frozenset[str]
    closed: frozenset[str]
    readings: int
    young: frozenset[str]
    """Of the events those that retention may not have removed."""

    @classmethod
    def of(cls, acks: bytes) -> Confirmed:
        """Read the lines that were whole."""
        rows = [line.split() for line in acks.decode().splitlines()]
        events = {row[1]: int(row[2]) for row in rows if row[0] == "event"}
        since = max((int(row[1]) for row in rows if row[0] == "clock"), default=0) - round(KEPT_S * NS)
        return cls(
            frozenset(events),
            frozenset(row[1] for row in rows if row[0] == "closed"),
            max((int(row[1]) for row in rows if row[0] == "readings"), default=0),
            frozenset(name for name, at in events.items() if at >= since),
        )


def run_child(disk: Disk, *states: Path, **environment: str) -> None:
    """Run the child to its end on a disk that is recorded."""
    command = [sys.executable, str(CHILD), *map(str, states)]
    env = disk.environment(record=True) | environment
    subprocess.run(command, env=env, check=True, timeout=120)


def record_life(folder: Path, **environment: str) -> tuple[Disk, list[Step]]:
    """Record a whole life."""
    disk = Disk(folder / "state", folder / "orders")
    run_child(disk, disk.folder, **environment)
    return disk, read_log(disk.log)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Disk, list[Step]]:
    """Record it once."""
    return record_life(tmp_path_factory.mktemp("recorded"))


def acks_before(steps: Sequence[Step]) -> bytes:
    """Give what was confirmed by then: a line is written after the commit that it confirms."""
    return b"".join(step.data for step in steps if step.what == "W" and step.path.endswith("/acks"))


def without_acks(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Leave out what is no file of the journal's."""
    return {path: content for path, content in files.items() if not path.endswith("/acks")}


async def check(target: Path, confirmed: Confirmed) -> None:
    """Open what a cut has left, and look for all that was confirmed."""
    async with opened(target) as journal:
        await _check_alarms(journal, confirmed)
        await _check_readings(journal, confirmed)
    assert not list(target.glob("*.damaged.db")), "nothing was found damaged"


async def _check_alarms(journal: Journal, confirmed: Confirmed) -> None:
    events: set[str] = set()
    after = 0
    while rows := await journal.alarms.read(lambda ledger, seq=after: ledger.events_after(seq, 1000)):  # type: ignore[misc]
        events |= {event.id for _, event in rows}
        after = rows[-1][0]
    assert confirmed.young <= events, f"lost: {sorted(confirmed.young - events)[:3]}"
    alerts = {each.id: each for each in await journal.alarms.read(lambda ledger: ledger.alerts(limit=1000))}
    assert events <= alerts.keys(), "an event is in one transaction with its alert"
    for name in confirmed.young:
        memo = await journal.alarms.read(lambda ledger, key=f"of/{name}": ledger.memo(key))  # type: ignore[misc]
        assert memo == {"text": "x" * 300}
    taken_back = [name for name in confirmed.closed & confirmed.young if alerts[name].open]
    assert not taken_back, f"closed and open again: {taken_back[:3]}"
    assert await journal.alarms.verify_audit() is None


async def _check_readings(journal: Journal, confirmed: Confirmed) -> None:
    head = journal.readings.head
    assert head >= confirmed.readings, f"{confirmed.readings} readings were confirmed, {head} are kept"
    at, last = 0, None
    while at < head:
        batch = await journal.readings.after(at, 1000)
        for seq, reading in batch.rows:
            assert reading.value == value_of(seq)
            assert last is None or seq == last + 1, "retention removes from the beginning, a cut at the end"
            last = seq
        at = batch.end
    assert last in (None, head)


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_power_cut_takes_what_was_confirmed(
    recorded: tuple[Disk, list[Step]], tmp_path: Path, part: int
) -> None:
    """50 cuts each: at any step, with any part of what was not synced, torn or not."""
    disk, steps = recorded
    done = 0
    for number, (upto, left) in enumerate(cuts(steps, random.Random(part), CUTS)):
        target = tmp_path / f"cut-{number}"
        put(without_acks(left), disk.folder, target)
        await check(target, Confirmed.of(acks_before(steps[:upto])))
        done += 1
    assert done == CUTS


async def test_no_second_cut_during_the_recovery_takes_it_either(
    recorded: tuple[Disk, list[Step]], tmp_path: Path
) -> None:
    """What a cut has left is opened on a recorded disk, and the power fails again."""
    disk, steps = recorded
    again = Disk(tmp_path / "again", tmp_path / "orders")
    rng = random.Random(7)
    confirmed: list[Confirmed] = []
    states: list[Path] = []
    for number, (upto, left) in enumerate(cuts(steps, rng, AGAIN)):
        states.append(again.folder / f"cut-{number}")
        put(without_acks(left), disk.folder, states[-1])
        confirmed.append(Confirmed.of(acks_before(steps[:upto])))
    before = {state: {str(file): file.read_bytes() for file in state.iterdir()} for state in states}
    run_child(again, *states, LIFE_OPEN="1")
    opening = read_log(again.log)
    assert opening
    for state, kept in zip(states, confirmed, strict=True):
        own = [step for step in opening if Path(step.path) == state or Path(step.path).parent == state]
        for upto, left in cuts(own, rng, 2, before[state]):
            target = tmp_path / f"{state.name}-{upto}-{rng.random()}"
            put(left, state, target)
            await check(target, kept)


def test_the_recorded_life_has_all_that_a_life_has(recorded: tuple[Disk, list[Step]]) -> None:
    """Else the cuts would prove less than they say."""
    disk, steps = recorded
    written = {(step.what, Path(step.path).name) for step in steps}
    names = {"alarms.db", "readings.db"}
    assert {("W", each) for each in names} <= written, "checkpoints"
    assert {("S", each) for each in names} <= written
    assert {("T", f"{each}-wal") for each in names} <= written, "a log was given back"
    renamed = {Path(step.other).name for step in steps if step.what == "R"}
    later = len(ALARM_MIGRATIONS) + 1
    assert {"alarms.copy.db", f"alarms.before-{later}.db", f"readings.before-{later}.db"} <= renamed
    assert acks_before(steps).decode().count("open") == LIVES
    confirmed = Confirmed.of(acks_before(steps))
    assert len(confirmed.young) < len(confirmed.events), "something was old enough to be removed"
    asyncio.run(_something_was_removed(disk.folder, confirmed))


async def _something_was_removed(state: Path, confirmed: Confirmed) -> None:
    async with opened(state) as journal:
        rows = await journal.alarms.read(lambda ledger: ledger.events_after(0, 1000))
        assert len(rows) < len(confirmed.events)
        batch = await journal.readings.after(0, 1)
        assert batch.rows[0][0] > 1


@pytest.mark.parametrize("mode", ["NORMAL", "OFF"])
async def test_a_journal_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path, mode: str) -> None:
    """The method tells right from wrong: without the syncs the same cuts find what is lost."""
    disk, steps = record_life(tmp_path, LIFE_SYNC=mode)
    lost = 0
    for number, (upto, left) in enumerate(cuts(steps, random.Random(1), CARELESS_CUTS)):
        target = tmp_path / f"cut-{number}"
        put(without_acks(left), disk.folder, target)
        try:
            await check(target, Confirmed.of(acks_before(steps[:upto])))
        except AssertionError:
            lost += 1
    assert lost > CARELESS_CUTS // 5, f"only {lost} of {CARELESS_CUTS} cuts were found out"
