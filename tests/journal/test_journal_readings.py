"""Readings: committed in groups, at most one fsync a second; read by cursors; bounded in memory."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import Batch, Journal, NotDurable, reading_queue
from gateway.journal.reading_rows import long_id, short_id
from gateway.model.clock import NS, ClockQuality
from gateway.model.ids import uuid7
from gateway.model.readings import Guard, Kind, Record
from gateway.model.rows import SetAside
from support.journal import HandClock, Told, inline, opened
from support.records import instant, record

looptime = pytest.mark.looptime


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def rows(journal: Journal, cursor: int = 0, limit: int = 1000) -> Batch:
    async with asyncio.timeout(60):
        return await journal.readings.after(cursor, limit)


@looptime
async def test_a_reading_is_committed_within_a_second(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        one = record()
        journal.readings.append([one])
        await asyncio.sleep(0.9)
        assert journal.readings.head == 0
        await asyncio.sleep(0.2)
        assert await rows(journal) == Batch(rows=((1, one),), end=1, head=1)


@looptime
async def test_five_hundred_readings_do_not_wait_for_the_second(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        await asyncio.sleep(10)
        journal.readings.append([record() for _ in range(500)])
        await settle()
        assert journal.readings.head == 500


@looptime
async def test_there_is_at_most_one_fsync_a_second_however_much_comes(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        heads: list[tuple[float, int]] = []
        before = len(journal._timings.recent_ms())
        begun = now_s()
        for _ in range(100):
            journal.readings.append([record() for _ in range(60)])  # 600 a second
            await asyncio.sleep(0.1)
            if not heads or heads[-1][1] != journal.readings.head:
                heads.append((now_s() - begun, journal.readings.head))
        commits = len(journal._timings.recent_ms()) - before
        assert 9 <= commits <= 11
        assert journal.readings.queue.waiting <= 660


@looptime
async def test_flushing_waits_for_everything_before(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        await journal.readings.flush()
        for number in range(1, 4):
            journal.readings.append([record() for _ in range(600)])  # on its way at once
            journal.readings.append([record()])
            await asyncio.gather(journal.readings.flush(), journal.readings.flush())
            assert journal.readings.head == 601 * number
        assert now_s() < 0.5


@looptime
async def test_readers_wait_for_what_is_new(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        waiting = [asyncio.create_task(journal.readings.after(0, 10)) for _ in range(2)]
        await asyncio.sleep(5)
        assert not any(task.done() for task in waiting)
        one = record()
        journal.readings.append([one])
        await asyncio.sleep(1.1)
        assert [task.result().rows for task in waiting] == [((1, one),)] * 2
        assert (await rows(journal, 0, 1)).end == 1


async def test_pages_are_bounded_and_go_on_where_they_ended(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        written = [record() for _ in range(2500)]
        journal.readings.append(written)
        await journal.readings.flush()
        read: list[Record] = []
        cursor = 0
        while cursor < journal.readings.head:
            batch = await rows(journal, cursor, 100_000)
            assert len(batch.rows) <= 1000
            assert batch.head == 2500
            read += [each for _, each in batch.rows]
            cursor = batch.end
        assert read == written


@looptime
async def test_what_there_is_no_room_for_is_dropped_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_queue, "ROWS_MAX", 600)
    told = Told()
    async with inline(tmp_path, tell=told) as journal:
        run = asyncio.create_task(journal.run())
        await asyncio.sleep(3)
        written = [record() for _ in range(610)]
        journal.readings.append(written)
        assert journal.readings.queue.dropped == 10
        assert journal.health()["dropped"] == 10
        await asyncio.sleep(3)
        assert [each for _, each in (await rows(journal)).rows] == written[:600], "the newest are dropped"
        assert told.kinds() == [
            ("readings.dropped", "readings", True),
            ("readings.dropped", "readings", False),
        ]
        run.cancel()


@looptime
async def test_cursors_outlive_a_restart(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        assert await journal.readings.cursor("mqtt/readings") == 0
        journal.readings.append([record()])
        await journal.readings.advance("mqtt/readings", 1)
        assert await journal.readings.cursor("mqtt/readings") == 1
    async with inline(tmp_path) as journal:
        assert await journal.readings.cursor("mqtt/readings") == 1
        before = len(journal._timings.recent_ms())
        for to in range(2, 60):
            await journal.readings.advance("mqtt/readings", to)
            await asyncio.sleep(0.5)
        assert len(journal._timings.recent_ms()) - before <= 7, "a cursor alone costs an fsync each 5 s"


def aside(seq: int, outlet: str = "influx/readings") -> SetAside:
    return SetAside(
        outlet=outlet,
        seq=seq,
        record=f"r-{seq}",
        device="klima-01",
        quantity="temperature",
        reason="400 field type conflict",
        at=instant(),
    )


async def test_what_is_set_aside_is_kept_with_its_reason_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.reading_writer.ASIDE_MAX", 3)
    async with inline(tmp_path) as journal:
        await journal.readings.advance("influx/readings", 2, [aside(1), aside(2)])
        journal.readings.set_aside([aside(9, "mqtt/alerts")])
        await journal.readings.flush()
        await journal.readings.advance("influx/readings", 5, [aside(3), aside(4), aside(5)])
        await journal.readings.flush()
        assert [each.seq for each in await journal.readings.asides("influx/readings")] == [5, 4, 3]
        assert await journal.readings.asides("mqtt/alerts") == [aside(9, "mqtt/alerts")]
        assert journal.readings.aside_counts() == {"influx/readings": 5, "mqtt/alerts": 1}
    async with inline(tmp_path) as journal:
        assert journal.readings.aside_counts() == {"influx/readings": 5, "mqtt/alerts": 1}
        assert len(await journal.readings.asides(limit=2)) == 2


async def test_the_latest_of_each_point_is_known_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 4)
    async with inline(tmp_path) as journal:
        for number in range(12):
            journal.readings.append([record(device=f"klima-{number % 3}", value=float(number))])
            journal.readings.append([record(device="klima-0", value=float(number), channel=2)])
            await journal.readings.flush()
        latest = sorted(journal.readings.latest(), key=lambda each: (each.device, each.channel or 0))
        assert [each.value for each in latest] == [9.0, 11.0, 10.0, 11.0]
    async with inline(tmp_path) as journal:
        again = sorted(journal.readings.latest(), key=lambda each: (each.device, each.channel or 0))
        assert again == latest
        assert journal.health()["records"] == 24


async def test_a_row_is_small_and_there_is_no_index(tmp_path: Path) -> None:
    """47 bytes or less each, with real clocks and random ids."""
    rng = random.Random(1)
    async with inline(tmp_path) as journal:
        for second in range(200):
            at = replace(instant(second), mono_ns=instant(second).mono_ns + rng.randrange(-50_000, 50_000))
            journal.readings.append(
                [
                    replace(record(value=rng.random(), device=f"klima-{n}", at=at), id=uuid7(at.wall_ns))
                    for n in range(100)
                ]
            )
            await journal.readings.flush()
        db = journal.readings.queue.writer.db
        pages = (
            db.execute("PRAGMA page_count").fetchone()[0] - db.execute("PRAGMA freelist_count").fetchone()[0]
        )
        indexes = db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'reading'")
        assert indexes.fetchall() == []
        assert pages * 4096 / 20_000 <= 47


VALUES = st.one_of(
    st.floats(allow_nan=False), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text("abc", max_size=4)
)
TIMES = st.integers(0, 2**61)


@st.composite
def anything(draw: st.DrawFn) -> Record:
    at = replace(
        instant(),
        wall_ns=draw(TIMES),
        mono_ns=draw(TIMES),
        boot=draw(st.sampled_from(["b-1", "b-2"])),
        quality=draw(st.sampled_from(ClockQuality)),
    )
    time_ns = draw(st.just(at.wall_ns) | TIMES)
    ids = st.sampled_from(
        [uuid7(time_ns), uuid7(at.wall_ns), "not a uuid", "0193F0AA-0000-7000-8000-00000000000A"]
    )
    return replace(
        record(
            draw(st.sampled_from(["temperature", "motion"])),
            draw(VALUES),
            kind=draw(st.sampled_from(Kind)),
            channel=draw(st.none() | st.integers(1, 9)),
            at=at,
        ),
        id=draw(ids),
        time_ns=time_ns,
        test=draw(st.booleans()),
        unit=draw(st.none() | st.just("Cel")),
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(anything(), max_size=8))
def test_every_record_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, written: list[Record]
) -> None:
    async def there_and_back() -> list[Record]:
        async with inline(tmp_path_factory.mktemp("state")) as journal:
            journal.readings.append(written)
            await journal.readings.flush()
            return [each for _, each in (await rows(journal)).rows] if written else []

    read = asyncio.run(there_and_back())
    assert read == written
    assert [type(each.value) for each in read] == [type(each.value) for each in written]


@given(st.uuids(), TIMES)
def test_an_id_comes_back_from_its_short_form(uuid: object, time_ns: int) -> None:
    assert long_id(short_id(str(uuid), time_ns), time_ns) == str(uuid)
    own = uuid7(time_ns)
    assert len(short_id(own, time_ns)) == 10
    assert long_id(short_id(own, time_ns), time_ns) == own


@pytest.mark.parametrize("value", [float("nan"), 2**63, -(2**63) - 1])
async def test_what_no_column_can_hold_is_refused_at_once(tmp_path: Path, value: float) -> None:
    async with inline(tmp_path) as journal:
        with pytest.raises(ValueError, match="klima-01/temperature") as refused:
            journal.readings.append([record(), record(value=value)])
        assert str(value) not in str(refused.value)
        assert journal.readings.queue.waiting == 0


async def test_one_record_that_cannot_be_written_holds_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be (half a surrogate pair in a word) is left out and logged; the rest stays."""
    async with inline(tmp_path) as journal:
        good = [record(), record()]
        journal.readings.append([good[0], record("button", "\ud800", kind=Kind.STATE), good[1]])
        await journal.readings.flush()
        assert [each for _, each in (await rows(journal)).rows] == good
        journal.readings.append([record()])
        await journal.readings.flush()
        assert journal.readings.head == 3
    assert "klima-01/button could not be written" in caplog.text


async def test_guards_are_committed_with_their_group(tmp_path: Path) -> None:
    async with inline(tmp_path) as journal:
        for number in range(5):
            journal.readings.append([record()], [Guard("klima-01", "counter", str(number), instant(number))])
        await journal.readings.flush()
    async with inline(tmp_path) as journal:
        assert journal.readings.guards() == [Guard("klima-01", "counter", "4", instant(4))]


async def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        journal.readings.append([record()])
    journal.readings.append([record()])
    assert journal.readings.queue.dropped == 1
    with pytest.raises(NotDurable):
        await journal.readings.queue.chore(lambda writer: writer.rows)
    async with opened(tmp_path) as journal:
        assert journal.readings.head == 1


async def test_sums_by_hour_for_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 1)
    begin = instant().wall_ns // (3600 * NS) * 3600
    async with inline(tmp_path, HandClock()) as journal:
        for minute in range(0, 180, 10):
            after_s = begin - instant().wall_ns / NS + minute * 60
            at = instant(after_s)
            journal.readings.append(
                [
                    record(value=float(minute), at=at),
                    record("motion", True, kind=Kind.STATE, at=at),
                    replace(record(value=999.0, at=at), test=True),
                ]
            )
            await journal.readings.flush()
        sums = await journal.readings.hours(since_ns=0, until_ns=2**62)
        assert [
            (each.hour_ns // NS - begin, each.count, each.mean, each.low, each.high) for each in sums
        ] == [
            (0, 6, 25.0, 0.0, 50.0),
            (3600, 6, 85.0, 60.0, 110.0),
            (7200, 6, 145.0, 120.0, 170.0),
        ]
        one = await journal.readings.hours(
            since_ns=(begin + 3600) * NS,
            until_ns=(begin + 7200) * NS,
            device="klima-01",
            quantity="temperature",
        )
        assert one == sums[1:2]
        assert await journal.readings.hours(since_ns=0, until_ns=2**62, device="nobody") == []
