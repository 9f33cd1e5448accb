"""The history: readings, events and evidence, each once, oldest first, in pages that go on from a mark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal import Journal, history, reading_scan
from gateway.model.clock import NS, ClockQuality
from gateway.model.readings import Kind, Record
from support.journal import HandClock, inline
from support.records import instant, record

ALWAYS = {"since_ns": 0, "until_ns": 2**62}


@pytest.fixture
async def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journal]:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 1)
    async with inline(tmp_path) as opened:
        yield opened


async def keep(journal: Journal, *records: Record) -> None:
    for each in records:
        if each.kind is Kind.EVENT:
            await journal.alarms.write(lambda ledger, e=each: ledger.add_event(e))  # type: ignore[misc]
        else:
            journal.readings.append([each])
    await journal.readings.flush()


async def everything(journal: Journal, limit: int = 1000, **wanted: Any) -> list[Record]:
    found: list[Record] = []
    after: str | None = None
    while True:
        page, after = await journal.readings.history(**(ALWAYS | wanted), after=after, limit=limit)
        assert len(page) <= limit
        found += page
        if after is None:
            return found


def press(after_s: float, device: str = "kald-12") -> Record:
    return record("help_call", "press", kind=Kind.EVENT, device=device, place="room-12", at=instant(after_s))


async def test_events_stand_among_readings_by_their_time(journal: Journal) -> None:
    rows = [record(at=instant(n)) if n % 3 else press(n) for n in range(30)]
    await keep(journal, *rows)
    for limit in (1, 2, 7, 30, 31):
        assert await everything(journal, limit) == rows


async def test_by_device_place_quantity_and_time(journal: Journal) -> None:
    rows = [
        record("temperature", device="klima-01", place="room-01", at=instant(0)),
        record("humidity", device="klima-01", place="room-01", at=instant(10)),
        press(20),
        record("temperature", device="klima-02", place="room-12", at=instant(30)),
    ]
    await keep(journal, *rows)
    assert await everything(journal, device="klima-01") == rows[:2]
    assert await everything(journal, place="room-12") == rows[2:]
    assert await everything(journal, quantity="temperature") == [rows[0], rows[3]]
    assert await everything(journal, device="klima-01", quantity="humidity") == [rows[1]]
    assert await everything(journal, device="nobody") == []
    since, until = instant(10).wall_ns, instant(30).wall_ns
    assert await everything(journal, since_ns=since, until_ns=until) == rows[1:3]


async def test_a_reading_from_a_devices_memory_stands_where_it_happened(journal: Journal) -> None:
    on_time = [record(at=instant(n * 600)) for n in range(10)]
    late = replace(record(value=36.9, at=instant(6000)), time_ns=instant(1500).wall_ns)
    ahead = replace(record(value=37.0, at=instant(300)), time_ns=instant(3900).wall_ns)
    await keep(journal, on_time[0], ahead, *on_time[1:], late)
    expected = sorted([*on_time, late, ahead], key=lambda each: each.time_ns)
    for limit in (1, 3, 20):
        assert await everything(journal, limit) == expected
    window = {"since_ns": instant(1400).wall_ns, "until_ns": instant(1600).wall_ns}
    assert await everything(journal, **window) == [late]


async def test_many_late_readings_are_looked_through_in_bounded_pages(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_scan, "LATE_ROWS", 4)
    rows = [
        replace(record(device=f"klima-{n % 5}", at=instant(90_000)), time_ns=instant(n).wall_ns)
        for n in range(50)
    ]
    await keep(journal, *rows)
    assert await everything(journal, 3) == rows
    assert await everything(journal, 3, device="klima-4") == rows[4::5]


async def test_evidence_shows_where_its_reading_got_lost(journal: Journal) -> None:
    kept, lost = (
        record("bed_occupancy", True, kind=Kind.STATE),
        record("bed_occupancy", False, kind=Kind.STATE),
    )
    await keep(journal, kept)
    for each in (kept, lost):
        await journal.alarms.write(lambda ledger, e=each: ledger.add_event(e, evidence=True))  # type: ignore[misc]
    for limit in (1, 5):
        assert sorted(each.id for each in await everything(journal, limit)) == [kept.id, lost.id]


async def test_much_evidence_makes_short_pages(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "EVIDENCE_MAX", 3)
    copies = [record("motion", True, kind=Kind.STATE, at=instant(n)) for n in range(20)]
    await keep(journal, *copies[::2])
    for each in copies:
        await journal.alarms.write(lambda ledger, e=each: ledger.add_event(e, evidence=True))  # type: ignore[misc]
    assert sorted(each.id for each in await everything(journal)) == sorted(each.id for each in copies)


async def test_a_scan_without_a_match_ends_in_a_page_that_goes_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_scan, "SCAN_ROWS", 100)
    monkeypatch.setattr(reading_scan, "STEP_ROWS", 40)
    monkeypatch.setattr(reading_scan, "SKIP_SERIES", 0)
    rare = record(device="rare", at=instant(999))
    journal.readings.append([record(at=instant(n)) for n in range(999)])
    await keep(journal, rare)
    page, after = await journal.readings.history(**ALWAYS, device="rare")
    assert page == []
    assert after is not None
    assert await everything(journal, device="rare") == [rare]


async def test_hours_in_which_a_device_was_silent_are_skipped(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cuff that is used twice a day is found among millions of readings without looking at them."""
    monkeypatch.setattr(reading_scan, "STEP_ROWS", 50)
    looked: list[tuple[int, int]] = []
    step = reading_scan._step

    def counted(db: Any, series: list[int], start: int, end: int, limit: int) -> Any:
        looked.append((start, end))
        return step(db, series, start, end, limit)

    monkeypatch.setattr(reading_scan, "_step", counted)
    rare = [record(device="cuff", at=instant(hour * 3600)) for hour in (3, 40, 77)]
    for hour in range(80):
        journal.readings.append([record(at=instant(hour * 3600 + n)) for n in range(100)])
        journal.readings.append([each for each in rare if each.at == instant(hour * 3600)])
    await journal.readings.flush()
    assert await everything(journal, device="cuff") == rare
    assert sum(end - start for start, end in looked) < 2000, "of 8003"


async def test_a_wall_clock_that_steps_back_hides_nothing(journal: Journal) -> None:
    rows: list[Record] = []
    clock = HandClock()
    for step_s in (7000, 7000, -90_000, 7000, 200_000, -3_000_000, 7000):
        clock.jump(step_s, ClockQuality.SYNCED if step_s > 0 else ClockQuality.UNSYNCED)
        for _ in range(5):
            clock.forward(50)
            rows.append(record(device="klima-01", at=clock.now()))
            rows.append(record(device="klima-02", at=clock.now()))
    await keep(journal, *rows)
    for limit in (3, 100):
        assert sorted(each.id for each in await everything(journal, limit)) == [each.id for each in rows]
        of_one = await everything(journal, limit, device="klima-01")
        assert sorted(each.id for each in of_one) == [each.id for each in rows[::2]]


async def test_readings_not_yet_summed_up_are_found(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 10_000)
    rows = [record(device=f"klima-{n % 4}", at=instant(n * 1000)) for n in range(40)]
    await keep(journal, *rows)
    assert await everything(journal, device="klima-3") == rows[3::4]


@pytest.mark.parametrize("after", ["x", "1", "1.2.3", "1.2.3.4.5", "a.b.c.d"])
async def test_a_mark_that_no_page_gave_is_refused(journal: Journal, after: str) -> None:
    with pytest.raises(ValueError, match="the page before"):
        await journal.readings.history(**ALWAYS, after=after)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["klima-01", "klima-02", "kald-12"]),
        st.integers(0, 100_000),  # when it was taken in, seconds
        st.sampled_from([0, 0, 0, 30, 90, 5000, -5000]),  # how late it was
        st.sampled_from(Kind),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ROWS,
    st.integers(1, 9),
    st.none() | st.sampled_from(["klima-01", "kald-12"]),
    st.integers(0, 100_000),
    st.integers(0, 100_000),
)
def test_any_history_equals_a_list(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, int, int, Kind]],
    limit: int,
    device: str | None,
    since_s: int,
    until_s: int,
) -> None:
    rows = [
        replace(
            record("any", 1, kind=kind, device=name, at=instant(at_s)), time_ns=instant(at_s - late_s).wall_ns
        )
        for name, at_s, late_s, kind in drawn
    ]
    window = {"since_ns": instant(since_s).wall_ns, "until_ns": instant(until_s).wall_ns}

    async def there_and_back() -> list[Record]:
        async with inline(tmp_path_factory.mktemp("state")) as journal:
            await keep(journal, *rows)
            return await everything(journal, limit, device=device, **window)

    found = asyncio.run(there_and_back())
    expected = [
        each
        for each in rows
        if device in (None, each.device) and window["since_ns"] <= each.time_ns < window["until_ns"]
    ]
    assert sorted(each.id for each in found) == sorted(each.id for each in expected)
    assert all(each.time_ns // NS >= instant(since_s).wall_ns // NS for each in found)
