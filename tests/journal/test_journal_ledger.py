"""The ledger: what one transaction on `alarms.db` may read and write."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.journal import Journal, Ledger
from gateway.journal.documents import encode
from gateway.journal.ledger_memos import BOOTS_MAX, MEMO_MAX_BYTES
from gateway.journal.ledger_people import SESSIONS_MAX
from gateway.model.alert import Handling
from gateway.model.clock import ClockQuality
from gateway.model.readings import Guard, Kind
from gateway.model.rows import Basis, Notification, Screen, Session, Timer
from support.journal import HandClock, alert, inline
from support.records import instant, record


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: HandClock) -> AsyncIterator[Journal]:
    async with inline(tmp_path, clock) as opened:
        yield opened


async def test_an_event_is_kept_once_by_its_id(journal: Journal) -> None:
    event = replace(record("help_call", "press", kind=Kind.EVENT), missed=2)
    first = await journal.alarms.write(lambda ledger: ledger.add_event(event))
    again = await journal.alarms.write(lambda ledger: ledger.add_event(replace(event, value="long_press")))
    assert first is not None
    assert again is None
    assert await journal.alarms.read(lambda ledger: ledger.event(event.id)) == event
    assert await journal.alarms.read(lambda ledger: ledger.event("nobody")) is None


@pytest.mark.parametrize("value", [True, False, 1, 0, 1.0, -0.5, "press", 2**62, float("inf")])
async def test_a_value_keeps_its_type(journal: Journal, value: float | bool | str) -> None:
    event = record("button", value, kind=Kind.STATE)
    await journal.alarms.write(lambda ledger: ledger.add_event(event, evidence=True))
    read = await journal.alarms.read(lambda ledger: ledger.event(event.id))
    assert read is not None
    assert (read.value, type(read.value)) == (value, type(value))


async def test_evidence_stands_in_no_lane(journal: Journal) -> None:
    event, copy = record("fall", "detected", kind=Kind.EVENT), record("bed_occupancy", False, kind=Kind.STATE)

    def work(ledger: Ledger) -> None:
        ledger.add_event(copy, evidence=True)
        ledger.add_event(event)
        ledger.add_event(record("x", True, kind=Kind.STATE), evidence=True)

    await journal.alarms.write(work)
    rows = await journal.alarms.read(lambda ledger: ledger.events_after(0, 10))
    assert [each for _, each in rows] == [event]
    assert journal.alarms.event_seq == rows[-1][0], "the lane's head is its last row, not the evidence behind"
    copies = await journal.alarms.read(lambda ledger: ledger.evidence_after(0, 10))
    assert copies[0][1] == copy


async def test_what_was_not_judged_is_found_again(journal: Journal) -> None:
    events = [record("help_call", "press", kind=Kind.EVENT) for _ in range(3)]

    def work(ledger: Ledger) -> None:
        for event in events:
            ledger.add_event(event, judged=False)

    await journal.alarms.write(work)
    await journal.alarms.write(lambda ledger: ledger.mark_judged([events[1].id, "nobody"]))
    assert await journal.alarms.read(lambda ledger: ledger.unjudged(10)) == [events[0], events[2]]


async def test_an_alert_and_its_log(journal: Journal) -> None:
    raised = alert("a-1")
    taken = replace(raised, rev=2, handling=Handling.ACKNOWLEDGED)
    closed = replace(taken, rev=3, handling=Handling.RESOLVED)
    seqs = [
        await journal.alarms.write(lambda ledger, a=each: ledger.put_alert(a)) for each in (raised, taken)
    ]  # type: ignore[misc]
    assert seqs == [1, 2]
    assert await journal.alarms.read(lambda ledger: ledger.open_by_key(raised.key)) == taken
    assert await journal.alarms.read(Ledger.open_alerts) == [taken]
    await journal.alarms.write(lambda ledger: ledger.put_alert(closed))
    assert await journal.alarms.read(lambda ledger: ledger.open_by_key(raised.key)) is None
    assert await journal.alarms.read(Ledger.open_alerts) == []
    assert await journal.alarms.read(lambda ledger: ledger.log_after(0, 10)) == [
        (1, raised),
        (2, taken),
        (3, closed),
    ]
    assert await journal.alarms.read(lambda ledger: (ledger.log_seq(), ledger.log_floor())) == (3, 0)


async def test_pages_of_alerts_miss_none_that_changes_meanwhile(journal: Journal) -> None:
    alerts = [alert(f"a-{number}") for number in range(5)]
    for each in alerts:
        await journal.alarms.write(lambda ledger, a=each: ledger.put_alert(a))  # type: ignore[misc]

    first = await journal.alarms.read(lambda ledger: ledger.alerts(limit=2))
    mark = await journal.alarms.read(lambda ledger: ledger.alert_mark(first[-1].id))
    await journal.alarms.write(lambda ledger: ledger.put_alert(replace(alerts[0], rev=2)))
    rest = await journal.alarms.read(lambda ledger: ledger.alerts(after=mark, limit=10))
    assert [each.id for each in first] == ["a-0", "a-1"]
    assert [each.id for each in rest] == ["a-2", "a-3", "a-4", "a-0"]
    assert rest[-1].rev == 2


async def test_alerts_by_state_and_time(journal: Journal) -> None:
    early, late = alert("a-1", at=instant(0)), alert("a-2", at=instant(60))
    closed = replace(alert("a-3", at=instant(90)), handling=Handling.RESOLVED)
    for each in (early, late, closed):
        await journal.alarms.write(lambda ledger, a=each: ledger.put_alert(a))  # type: ignore[misc]
    assert await journal.alarms.read(lambda ledger: ledger.alerts(open=True)) == [early, late]
    assert await journal.alarms.read(lambda ledger: ledger.alerts(open=False)) == [closed]
    since = instant(60).wall_ns
    assert await journal.alarms.read(lambda ledger: ledger.alerts(since_ns=since)) == [late, closed]
    with pytest.raises(ValueError, match="invalid literal"):
        await journal.alarms.read(lambda ledger: ledger.alerts(after="x"))
    with pytest.raises(KeyError):
        await journal.alarms.read(lambda ledger: ledger.alert_mark("nobody"))


async def test_an_alert_by_the_end_of_its_id(journal: Journal) -> None:
    for name in ("0193-aa1", "0193-ba1", "0193-b"):
        await journal.alarms.write(lambda ledger, n=name: ledger.put_alert(alert(n)))  # type: ignore[misc]
    assert await journal.alarms.read(lambda ledger: ledger.ids_ending("3-b")) == ["0193-b"]
    assert len(await journal.alarms.read(lambda ledger: ledger.ids_ending("a1"))) == 2
    assert await journal.alarms.read(lambda ledger: ledger.ids_ending("%")) == []


# Timers.


def timer(after_s: float, subject: str = "alert:a-1", **more: object) -> Timer:
    due = replace(instant(after_s), **more)  # type: ignore[arg-type]
    return Timer(subject=subject, kind="escalate", rev=1, due=due, data={"step": 1})


async def test_a_timer_is_moved_and_cancelled(journal: Journal) -> None:
    def work(ledger: Ledger) -> list[Timer]:
        ledger.set_timer(timer(60))
        ledger.set_timer(replace(timer(60), kind="return"))
        ledger.set_timer(replace(timer(90), rev=2))
        ledger.cancel_timer("alert:a-1", "return")
        ledger.cancel_timer("alert:nobody")
        return ledger.timers()

    assert await journal.alarms.write(work) == [replace(timer(90), rev=2)]


# Notifications, guards, memos.


def notification(id: str = "n-1", **more: object) -> Notification:  # noqa: A002
    fields: dict[str, object] = {
        "alert": "a-1",
        "rev": 1,
        "step": 1,
        "cycle": 0,
        "target": "group:nat",
        "channel": "sms",
        "person": "KL",
        "state": "sending",
        "attempts": 1,
        "next": instant(),
        "created": instant(),
        "changed": instant(),
    }
    return Notification(id=id, **(fields | more))  # type: ignore[arg-type]


async def test_notifications_by_alert_and_state(journal: Journal) -> None:
    def work(ledger: Ledger) -> None:
        ledger.add_notification(notification("n-1"))
        ledger.add_notification(notification("n-2", created=instant(1), state="pending"))
        ledger.add_notification(notification("n-3", alert="a-2"))
        ledger.update_notification("n-1", state="sent", changed=instant(2))

    await journal.alarms.write(work)
    read = journal.alarms.read
    assert [n.id for n in await read(lambda ledger: ledger.notifications("a-1"))] == ["n-1", "n-2"]
    assert [n.id for n in await read(lambda ledger: ledger.notifications(states=["pending"]))] == ["n-2"]
    assert {n.id for n in await read(lambda ledger: ledger.notifications())} == {"n-1", "n-2", "n-3"}
    assert (await read(lambda ledger: ledger.notification("n-1"))).state == "sent"  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        await journal.alarms.write(lambda ledger: ledger.update_notification("n-9", state="sent"))
    with pytest.raises(sqlite3.IntegrityError):
        await journal.alarms.write(lambda ledger: ledger.add_notification(notification("n-1")))


async def test_memos_are_small(journal: Journal) -> None:
    def work(ledger: Ledger) -> None:
        ledger.put_memo("board/reach/KL", {"at": 1})
        ledger.put_memo("board/reach/AB", {"at": 2})
        ledger.put_memo("board/other", {})
        ledger.end_memo("board/other")

    await journal.alarms.write(work)
    assert await journal.alarms.read(lambda ledger: ledger.memos("board/reach/")) == {
        "board/reach/AB": {"at": 2},
        "board/reach/KL": {"at": 1},
    }
    assert await journal.alarms.read(lambda ledger: ledger.memo("board/other")) is None
    with pytest.raises(ValueError, match="at most"):
        await journal.alarms.write(lambda ledger: ledger.put_memo("big", {"x": "y" * MEMO_MAX_BYTES}))


async def test_guards_of_both_files_and_the_newest_of_each(tmp_path: Path, clock: HandClock) -> None:
    """A boot whose clock was in the past is nevertheless the later one."""
    async with inline(tmp_path, clock) as journal:
        await journal.alarms.write(
            lambda ledger: [
                ledger.put_guard(Guard("kald-12", "counter", "9", instant(10))),
                ledger.put_guard(Guard("bed-12", "counter", "1", instant(10))),
            ]
        )
        await journal.alarms.write(
            lambda ledger: ledger.put_guard(Guard("kald-12", "counter", "10", instant(11)))
        )
    clock.jump(-1_000_000)
    clock.reboot("boot-2", ClockQuality.UNSYNCED)
    async with inline(tmp_path, clock) as journal:
        later = Guard("bed-12", "counter", "3", clock.now())
        journal.readings.append([], [Guard("bed-12", "counter", "2", instant(12)), later])
        await journal.readings.flush()
    async with inline(tmp_path, clock) as journal:
        kept = {(guard.device, guard.name): guard.value for guard in journal.guards()}
        assert kept == {("kald-12", "counter"): "10", ("bed-12", "counter"): "3"}
        await journal.alarms.write(lambda ledger: ledger.forget_device("kald-12"))
        assert [each.device for each in await journal.alarms.read(Ledger.guards)] == ["bed-12"]


async def test_only_so_many_boots_are_remembered(journal: Journal) -> None:
    def work(ledger: Ledger) -> dict[str, int]:
        for number in range(BOOTS_MAX + 20):
            ledger.begin_boot(f"b-{number}")
            ledger.begin_boot(f"b-{number}")
        return ledger.boots()

    boots = await journal.alarms.write(work)
    assert len(boots) == BOOTS_MAX
    assert max(boots, key=boots.__getitem__) == f"b-{BOOTS_MAX + 19}"


# People.


async def test_a_basis_is_changed_by_its_identity(journal: Journal) -> None:
    basis = Basis(
        place="room-12",
        concern="fall",
        kind="decision",
        until=date(2027, 1, 1),
        case="2026-17",
        recorded=instant(),
        by="KL",
    )
    await journal.alarms.write(lambda ledger: ledger.put_basis(basis))
    objection = replace(basis, recorded=instant(5), rule="fall-night", withdrawn=instant(5))
    await journal.alarms.write(lambda ledger: ledger.put_basis(objection))
    await journal.alarms.write(lambda ledger: ledger.put_basis(replace(basis, withdrawn=instant(9))))
    assert await journal.alarms.read(Ledger.basis) == [replace(basis, withdrawn=instant(9)), objection]


def session(token: str, person: str = "KL", after_s: float = 3600, seen_s: float = 0) -> Session:
    return Session(
        token_hash=token, person=person, created=instant(), expires=instant(after_s), seen=instant(seen_s)
    )


async def test_sessions_end_and_expire(journal: Journal, clock: HandClock) -> None:
    await journal.alarms.write(lambda ledger: ledger.put_session(session("t-1", after_s=10)))
    await journal.alarms.write(lambda ledger: ledger.put_session(session("t-2")))
    assert len(await journal.alarms.read(lambda ledger: ledger.sessions("kl"))) == 2
    clock.forward(20)
    await journal.alarms.write(lambda ledger: ledger.put_session(session("t-3", "AB")))
    assert await journal.alarms.read(lambda ledger: ledger.session("t-1")) is None
    await journal.alarms.write(lambda ledger: ledger.end_session("t-2"))
    assert [each.token_hash for each in await journal.alarms.read(Ledger.sessions)] == ["t-3"]


async def test_too_many_sessions_end_the_one_unused_longest(journal: Journal) -> None:
    def work(ledger: Ledger) -> int:
        for number in range(SESSIONS_MAX + 1):
            ledger._db.execute(
                "INSERT INTO session (token_hash, person, document) SELECT ?, 'KL', ?",
                (f"t-{number}", encode(session(f"t-{number}", seen_s=number))),
            )
        ledger.put_session(session("last", seen_s=timedelta(days=1).total_seconds()))
        return len(ledger.sessions())

    assert await journal.alarms.write(work) == SESSIONS_MAX
    assert await journal.alarms.read(lambda ledger: ledger.session("t-0")) is None
    assert await journal.alarms.read(lambda ledger: ledger.session("last")) is not None


async def test_a_screen_that_is_set_up_anew_replaces_itself(journal: Journal) -> None:
    def screen(token: str) -> Screen:
        return Screen(token_hash=token, name="stue", public=False, created=instant(), by="KL")

    await journal.alarms.write(lambda ledger: ledger.put_screen(screen("s-1")))
    await journal.alarms.write(lambda ledger: ledger.put_screen(screen("s-2")))
    assert await journal.alarms.read(Ledger.screens) == [screen("s-2")]
    assert await journal.alarms.read(lambda ledger: ledger.screen("s-1")) is None
    assert await journal.alarms.write(lambda ledger: ledger.end_screen("stue"))
    assert not await journal.alarms.write(lambda ledger: ledger.end_screen("stue"))


async def test_the_time_line_of_an_alert(journal: Journal, clock: HandClock) -> None:
    event = record("help_call", "press", kind=Kind.EVENT, at=instant(-1))

    def work(ledger: Ledger) -> None:
        ledger.add_event(event)
        ledger.put_alert(alert("a-1", readings=(event.id,)))
        ledger.audit("raised", by=None, source="rule", alert="a-1", detail={"step": 1, "to": "group:nat"})
        ledger.audit("raised", by=None, source="rule", alert="a-2")
        ledger.add_notification(notification("n-1", changed=instant(2), state="delivered"))

    await journal.alarms.write(work)
    clock.forward(30)
    await journal.alarms.write(lambda ledger: ledger.audit("taken", by="KL", source="page", alert="a-1"))
    line = await journal.alarms.read(lambda ledger: ledger.timeline("a-1"))
    assert [(each["what"], each["step"], each["channel"], each["to"], each["by"]) for each in line] == [
        ("happened", None, None, None, None),
        ("raised", 1, None, "group:nat", None),
        ("delivered", 1, "sms", "KL", None),
        ("taken", None, None, None, "KL"),
    ]
    assert line[0]["time"] < line[-1]["time"]
    assert await journal.alarms.read(lambda ledger: ledger.timeline("nobody")) == []
