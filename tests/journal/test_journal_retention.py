"""Retention: in small bites, by `seq`, never on the word of a clock that may be wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.journal import Journal, Ledger, keeping, ledger_retention, reading_retention
from gateway.journal.ages import TrustedTime
from gateway.model.alert import Handling, Outcome
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.model.rows import Keeping, SetAside, Timer
from support.journal import HandClock, Told, alert, inline
from support.records import instant, record

looptime = pytest.mark.looptime
DAY_S = 86_400.0
UNSYNCED = ClockQuality.UNSYNCED


def day(number: float, boot: str = "boot-1", quality: ClockQuality = ClockQuality.SYNCED) -> Instant:
    return instant(number * DAY_S, boot=boot, quality=quality)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def journal(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Journal]:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 1)
    async with inline(tmp_path, clock) as opened:
        yield opened


async def keep(journal: Journal, *records: Record) -> None:
    journal.readings.append(records)
    await journal.readings.flush()


async def kept(journal: Journal) -> list[Record]:
    async with asyncio.timeout(60):
        return [each for _, each in (await journal.readings.after(0, 1000)).rows]


async def go_on_to(journal: Journal, clock: HandClock, number: float) -> None:
    """Let days pass, with a pass of retention each, as a gateway that is never switched off makes them."""
    while clock.at.mono_ns < day(number).mono_ns:
        clock.forward(min(DAY_S, (day(number).mono_ns - clock.at.mono_ns) / NS))
        await journal._retention.once()


# Which time is believed.


@pytest.mark.parametrize(
    ("seen_day", "now", "believed"),
    [
        (0.0, day(1), True),
        (0.0, day(1, quality=UNSYNCED), False),
        (0.0, day(1, quality=ClockQuality.HOLDOVER), False),
        (0.0, day(3), False),
        (0.0, day(3650), False),
        (5.0, day(3), True),
    ],
)
def test_a_time_far_ahead_of_what_was_seen_is_not_believed_at_once(
    seen_day: float, now: Instant, believed: bool
) -> None:
    time = TrustedTime(day(seen_day).wall_ns)
    assert time.judge(now) == (now.wall_ns if believed else None)


def test_a_new_journal_believes_any_synced_clock() -> None:
    assert TrustedTime(0).judge(day(9)) == day(9).wall_ns


def test_a_time_far_ahead_is_believed_when_it_has_stood_for_a_day() -> None:
    """A gateway that was off for a month waits a day before it removes what has become too old."""
    time = TrustedTime(day(0).wall_ns)
    assert time.judge(day(30)) is None
    assert time.judge(day(30.5)) is None
    assert time.judge(day(31)) == day(31).wall_ns
    assert time.judge(day(31.1)) == day(31.1).wall_ns


def test_a_false_time_that_is_corrected_removes_nothing() -> None:
    time = TrustedTime(day(0).wall_ns)
    assert time.judge(day(0.1)) is not None
    leap = replace(day(0.2), wall_ns=day(3650).wall_ns)
    assert time.judge(leap) is None
    assert time.judge(day(0.3)) == day(0.3).wall_ns
    assert time.judge(replace(day(1.2), wall_ns=day(3651).wall_ns)) is None, "it has to stand from anew"


def test_a_second_leap_while_the_first_is_judged_begins_anew() -> None:
    time = TrustedTime(day(0).wall_ns)
    assert time.judge(replace(day(0), wall_ns=day(100).wall_ns)) is None
    assert time.judge(replace(day(0.9), wall_ns=day(200).wall_ns)) is None
    assert time.judge(replace(day(1.1), wall_ns=day(200.2).wall_ns)) is None
    assert time.judge(replace(day(1.9), wall_ns=day(201).wall_ns)) == day(201).wall_ns


# Readings.


@looptime
async def test_personal_readings_go_after_a_month_others_after_a_year(
    journal: Journal, clock: HandClock
) -> None:
    bed = record("bed_occupancy", True, kind=Kind.STATE, at=day(0))
    pulse = record("heart_rate", 71.0, unit="/min", at=day(0))
    warm = record("temperature", 21.0, at=day(0))
    await keep(journal, bed, warm, pulse)
    later = [record("heart_rate", 71.0, at=day(29)), record("temperature", 20.0, at=day(29))]
    await go_on_to(journal, clock, 29)
    await keep(journal, *later)
    assert await kept(journal) == [bed, warm, pulse, *later]
    await go_on_to(journal, clock, 31)
    assert await kept(journal) == [warm, *later]
    assert journal.health()["records"] == 3
    await go_on_to(journal, clock, 366)
    await keep(journal, newest := record(at=day(366)))
    await go_on_to(journal, clock, 367)
    assert await kept(journal) == [later[1], newest]
    await go_on_to(journal, clock, 396)
    assert await kept(journal) == [newest]
    assert journal.health()["records"] == 1
    sums = await journal.readings.hours(since_ns=0, until_ns=2**62)
    assert [each.hour_ns // (3600 * NS) for each in sums] == [newest.time_ns // (3600 * NS)]


@looptime
async def test_the_newest_reading_stays_so_that_no_number_is_given_twice(
    journal: Journal, clock: HandClock, tmp_path: Path
) -> None:
    await keep(journal, *(record("heart_rate", 70.0, at=day(0)) for _ in range(5)))
    await go_on_to(journal, clock, 500)
    assert len(await kept(journal)) == 1
    await keep(journal, record())
    assert journal.readings.head == 6


@looptime
@pytest.mark.parametrize("quality", [UNSYNCED, ClockQuality.HOLDOVER])
async def test_without_a_synced_clock_nothing_goes_by_age(
    journal: Journal, clock: HandClock, quality: ClockQuality
) -> None:
    await keep(journal, record("heart_rate", 70.0, at=day(0)), record(at=day(0)))
    clock.jump(0, quality)
    await go_on_to(journal, clock, 800)
    assert len(await kept(journal)) == 2


@looptime
async def test_a_step_into_2036_does_not_empty_the_journal(journal: Journal, clock: HandClock) -> None:
    await keep(journal, *(record(at=day(0)) for _ in range(5)))
    await journal._retention.once()
    clock.jump(3650 * DAY_S)
    for _ in range(20):
        clock.forward(3600)
        await keep(journal, record(at=clock.now()))
        await journal._retention.once()
    clock.jump(-3650 * DAY_S)
    await journal._retention.once()
    assert len(await kept(journal)) == 25
    await go_on_to(journal, clock, 20)
    assert len(await kept(journal)) == 25, "what was dated 2036 holds up nothing and is no older than it is"


@looptime
async def test_readings_of_an_unsynced_boot_are_as_old_as_their_neighbours(
    journal: Journal, clock: HandClock
) -> None:
    """Their own date (1970) says nothing; what comes after them in order does."""
    past = replace(day(0, "boot-2", UNSYNCED), wall_ns=5 * NS)
    lost = replace(record("heart_rate", 66.0, at=past), time_ns=past.wall_ns)
    await keep(journal, record("heart_rate", 70.0, at=day(0)), lost, record("heart_rate", 70.0, at=day(20)))
    await go_on_to(journal, clock, 29)
    assert len(await kept(journal)) == 3
    await go_on_to(journal, clock, 31)
    assert len(await kept(journal)) == 1


@looptime
async def test_what_a_new_gateway_wrote_before_its_clock_was_set_stays(
    journal: Journal, clock: HandClock
) -> None:
    """Nothing before it is old, so nothing says that it is: it may have been written a minute ago."""
    past = replace(day(0, quality=UNSYNCED), wall_ns=5 * NS)
    early = replace(record("help_call", "press", kind=Kind.EVENT, at=past), time_ns=past.wall_ns)
    early_alert = replace(alert(at=past, readings=(early.id,)), handling=Handling.RESOLVED, closed=past)

    def write(ledger: Ledger) -> None:
        ledger.add_event(early)
        ledger.put_alert(early_alert)
        ledger.audit("raised", by=None, source="rule", alert=early_alert.id)

    clock.at = past
    await journal.alarms.write(write)
    await keep(journal, replace(record(at=past), time_ns=past.wall_ns))
    clock.at = day(0)
    later = record("help_call", "press", kind=Kind.EVENT, at=day(0))
    await journal.alarms.write(lambda ledger: ledger.add_event(later))
    await journal.alarms.write(lambda ledger: ledger.put_alert(alert("a-2", at=day(0))))
    await journal.alarms.write(lambda ledger: ledger.audit("raised", by=None, source="rule"))
    await keep(journal, record(at=day(0)))
    await journal._retention.once()
    assert len(await journal.alarms.read(lambda ledger: ledger.events_after(0, 10))) == 2
    assert await journal.alarms.read(lambda ledger: ledger.alert(early_alert.id)) is not None
    assert len(await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 10))) == 2
    assert len(await kept(journal)) == 2


@looptime
async def test_bytes_bound_the_file_whatever_the_clock(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.reading_writer.SUM_ROWS", 1)
    monkeypatch.setattr(reading_retention, "SLACK_BYTES", 20_000)
    clock.jump(0, UNSYNCED)
    told = Told()
    async with inline(tmp_path, clock, tell=told, keeping=Keeping(readings_bytes=300_000)) as journal:
        run = asyncio.create_task(journal.run())
        await journal.readings.advance("mqtt/readings", 40)
        for _ in range(20):
            await keep(journal, *(record() for _ in range(1000)))
            await asyncio.sleep(6)
        await journal._retention.once()
        db = journal.readings.queue.writer.db
        assert reading_retention.used_bytes(db) <= 300_000
        assert db.execute("PRAGMA page_count").fetchone()[0] * 4096 < 500_000, (
            "room is given back to the disk"
        )
        first = (await journal.readings.after(0, 1)).rows[0][0]
        assert 10_000 < first < 20_000
        assert journal.readings.head == 20_000
        assert ("readings.dropped", "mqtt/readings", True) in told.kinds(), "an outlet will never get them"
        await journal.readings.advance("mqtt/readings", first)
        await journal._retention.once()
        assert told.kinds()[-1] == ("readings.dropped", "mqtt/readings", False)
        run.cancel()


@looptime
async def test_what_was_set_aside_goes_with_the_readings(journal: Journal, clock: HandClock) -> None:
    def aside(seq: int, at: Instant) -> SetAside:
        return SetAside(
            outlet="influx/readings", seq=seq, record="r", device=None, quantity=None, reason="400", at=at
        )

    journal.readings.set_aside([aside(1, day(0)), aside(2, day(300))])
    await go_on_to(journal, clock, 364)
    assert len(await journal.readings.asides()) == 2
    await go_on_to(journal, clock, 366)
    assert [each.seq for each in await journal.readings.asides()] == [2]
    assert journal.readings.aside_counts() == {"influx/readings": 2}


@looptime
async def test_nothing_is_removed_at_once(journal: Journal, clock: HandClock) -> None:
    """Bites of at most 200 rows; between two of them whatever waits for the writer is committed."""
    for _ in range(5):
        await keep(journal, *(record("heart_rate", 70.0, at=day(0)) for _ in range(1000)))
    await go_on_to(journal, clock, 30)
    clock.forward(DAY_S)
    loop = asyncio.get_running_loop()
    passing, begun_s = asyncio.create_task(journal._retention.once()), loop.time()
    left = [journal.readings.queue.writer.rows]
    while not passing.done():
        await keep(journal, record(at=clock.now()))
        left.append(journal.readings.queue.writer.rows - journal.readings.head + 5000)
        await asyncio.sleep(keeping.PAUSE_S)
    await passing
    assert left[0] == 5000
    assert left[-1] == 0
    assert max(before - after for before, after in pairwise(left)) <= 2 * reading_retention.BITE_ROWS
    assert loop.time() - begun_s > 20 * keeping.PAUSE_S


# Alarms.


def closed(id: str, at: Instant) -> object:  # noqa: A002
    return alert(id, at=at, handling=Handling.RESOLVED, outcome=Outcome.ASSISTED, closed=at)


@looptime
async def test_alerts_go_after_their_time_and_leave_their_number(journal: Journal, clock: HandClock) -> None:
    for id_, at in (("a-1", day(0)), ("a-2", day(0)), ("a-3", day(100))):
        await journal.alarms.write(lambda ledger, i=id_, a=at: ledger.put_alert(closed(i, a)))  # type: ignore[misc,arg-type]
    await journal.alarms.write(lambda ledger: ledger.put_alert(alert("a-open", at=day(0))))
    await journal.alarms.write(
        lambda ledger: ledger.set_timer(Timer(subject="alert:a-1", kind="x", rev=1, due=day(0)))
    )
    await go_on_to(journal, clock, 179)
    assert len(await journal.alarms.read(lambda ledger: ledger.alerts())) == 4
    await go_on_to(journal, clock, 181)
    assert {each.id for each in await journal.alarms.read(lambda ledger: ledger.alerts())} == {
        "a-3",
        "a-open",
    }
    assert await journal.alarms.read(Ledger.alert_counts) == [
        ("2026-11", "help-call", "help_call.press", "high", "assisted", 2)
    ]
    assert await journal.alarms.read(lambda ledger: ledger.timers()) == []
    assert await journal.alarms.read(lambda ledger: ledger.log_floor()) == 2
    assert await journal.alarms.read(lambda ledger: [seq for seq, _ in ledger.log_after(0, 9)]) == [3, 4]


@looptime
async def test_an_alert_closed_without_a_clock_is_as_old_as_its_neighbours(
    journal: Journal, clock: HandClock
) -> None:
    past = replace(day(0, "boot-2", UNSYNCED), wall_ns=5 * NS)
    for id_, at in (("a-1", day(0)), ("a-2", past), ("a-3", day(10))):
        await journal.alarms.write(lambda ledger, i=id_, a=at: ledger.put_alert(closed(i, a)))  # type: ignore[misc,arg-type]
    await go_on_to(journal, clock, 179)
    assert len(await journal.alarms.read(lambda ledger: ledger.alerts())) == 3
    await go_on_to(journal, clock, 181)
    assert [each.id for each in await journal.alarms.read(lambda ledger: ledger.alerts())] == ["a-3"]


@looptime
async def test_events_go_by_concern_but_not_under_an_open_alert(journal: Journal, clock: HandClock) -> None:
    press, held = (record("help_call", "press", kind=Kind.EVENT, at=day(0)) for _ in range(2))
    motion = record("motion", True, kind=Kind.STATE, at=day(0))
    unjudged = record("help_call", "press", kind=Kind.EVENT, at=day(0))

    def work(ledger: Ledger) -> None:
        ledger.add_event(press)
        ledger.add_event(held)
        ledger.add_event(unjudged, judged=False)
        ledger.add_event(motion, evidence=True)
        ledger.put_alert(alert("a-1", readings=(held.id,), at=day(0)))

    await journal.alarms.write(work)
    await go_on_to(journal, clock, 29)
    await journal.alarms.write(lambda ledger: ledger.add_event(record("fall", "detected", at=day(29))))
    await go_on_to(journal, clock, 31)
    assert await journal.alarms.read(lambda ledger: ledger.event(motion.id)) is None
    assert await journal.alarms.read(lambda ledger: ledger.event(press.id)) == press
    await go_on_to(journal, clock, 366)
    assert await journal.alarms.read(lambda ledger: ledger.event(press.id)) is None
    assert await journal.alarms.read(lambda ledger: ledger.event(held.id)) == held
    assert await journal.alarms.read(lambda ledger: ledger.unjudged(10)) == [unjudged]


@looptime
async def test_nothing_in_the_alarm_file_grows_without_bound(
    journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.jump(0, UNSYNCED)
    for name, value in (
        ("EVENTS_MAX", 50),
        ("ALERTS_MAX", 20),
        ("AUDIT_MAX", 30),
        ("LOG_KEEP", 10),
        ("LOG_MAX", 40),
    ):
        monkeypatch.setattr(ledger_retention, name, value)

    def work(ledger: Ledger) -> None:
        for number in range(100):
            ledger.add_event(record("help_call", "press", kind=Kind.EVENT), judged=number % 2 == 0)
            ledger.put_alert(closed(f"a-{number}", instant()))  # type: ignore[arg-type]
            ledger.audit("x", by=None, source="test")

    await journal.alarms.write(work)
    await journal._retention.once()

    def counts(ledger: Ledger) -> tuple[int, int, int, int]:
        return (
            ledger.event_count(),
            len(ledger.alerts(limit=1000)),
            len(ledger.audit_entries(0, 1000)),
            len(ledger.log_after(0, 1000)),
        )

    events, alerts, entries, states = await journal.alarms.read(counts)
    assert (events, alerts, states) == (50, 20, 10)
    assert entries <= 30 + 1
    assert await journal.alarms.verify_audit() is None


@looptime
async def test_the_log_of_alerts_waits_for_a_lane_that_is_behind(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_retention, "LOG_KEEP", 5)
    monkeypatch.setattr(ledger_retention, "LOG_MAX", 60)

    def work(ledger: Ledger) -> None:
        for rev in range(1, 26):
            ledger.put_alert(alert("a-1", rev=rev))
            ledger.put_alert(alert("a-2", rev=rev))

    async def log() -> list[int]:
        return await journal.alarms.read(lambda ledger: [seq for seq, _ in ledger.log_after(0, 1000)])

    await journal.alarms.write(work)
    assert journal.alarms.cursor("mqtt/alerts") == 0
    await journal._retention.once()
    assert await log() == list(range(1, 51)), "the outlet has sent none of them yet"
    journal.alarms.advance("mqtt/alerts", 20)
    await journal._retention.once()
    assert await log() == list(range(21, 51))
    assert await journal.alarms.read(lambda ledger: ledger.log_floor()) == 20
    await journal.alarms.write(work)
    await journal._retention.once()
    assert await log() == list(range(41, 101)), "too long: the states that others have replaced go"
    journal.alarms.advance("mqtt/alerts", 100)
    await journal._retention.once()
    assert await log() == list(range(96, 101))


@looptime
async def test_the_audit_log_goes_after_its_time(journal: Journal, clock: HandClock) -> None:
    for number in (0, 1, 170):
        await go_on_to(journal, clock, number)
        await journal.alarms.write(lambda ledger: ledger.audit("x", by="KL", source="page"))
    await go_on_to(journal, clock, 179)
    assert len(await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))) == 3
    await go_on_to(journal, clock, 182)
    entries = await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))
    assert [entry.what for entry in entries] == ["x", "audit_pruned", "audit_pruned"]
    assert await journal.alarms.verify_audit() is None
    journal.keep(Keeping(audit=timedelta(days=5 * 365)))
    await go_on_to(journal, clock, 500)
    assert len(await journal.alarms.read(lambda ledger: ledger.audit_entries(0, 100))) == 3


@pytest.mark.parametrize(
    ("quantity", "personal"),
    [
        ("heart_rate", True),
        ("bed_occupancy", True),
        ("motion", True),
        ("temperature", False),
        ("fall", False),
        ("help_call", False),
        ("nobody-knows-it", True),
    ],
)
def test_which_quantities_are_kept_for_the_short_time(quantity: str, personal: bool) -> None:
    assert keeping.is_personal(quantity) is personal
