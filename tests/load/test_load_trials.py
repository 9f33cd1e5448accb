"""Tests that the gateway makes by itself: the real way, marked, silent, closed again, kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.alerts.tests_due import MEMO, Record, read
from gateway.board import trials
from gateway.board.board import Board
from gateway.model.alert import Alert, Handling, Outcome, Priority
from support.board_client import client
from support.board_house import BoardHouse, board_settings, open_board
from support.eventually import eventually

ZONE = ZoneInfo("Europe/Copenhagen")


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BoardHouse]:
    """Open a home where tests are made daily, an hour from now, whatever time it is."""
    monkeypatch.setattr(trials, "FIRST_S", 3600.0)  # the board that serves makes none beside ours
    soon = (datetime.now(UTC) + timedelta(hours=1)).astimezone(ZONE).time().replace(second=0, microsecond=0)
    tests = {"enabled": True, "every": "day", "at": soon.isoformat("minutes")}
    async with open_board(tmp_path, {"alerts": {"tests": tests}}) as house:
        yield house


@pytest.fixture
def rounds(home: BoardHouse, monkeypatch: pytest.MonkeyPatch) -> trials.Trials:
    """Give the trials of a board of our own beside the one that serves, with one device to test."""
    monkeypatch.setattr(trials, "BETWEEN_S", 0.0)
    board = Board(home.house())
    devices = {name: each for name, each in home.engine.devices().items() if name == "kald-03"}
    monkeypatch.setattr(home.engine, "devices", lambda: devices)
    return board.trials


async def record_of(home: BoardHouse, device: str = "kald-03") -> Record:
    """Give what is kept of a device's chain."""
    memo = await home.journal.alarms.read(lambda ledger: ledger.memo(MEMO + device))
    return read(memo, 0)


async def resolved(home: BoardHouse) -> Alert:
    """Give the one alert that has ended."""

    async def look() -> Alert | None:
        rows = await home.journal.alarms.read(lambda ledger: ledger.alerts(open=False))
        return rows[0] if rows else None

    found = await eventually(look)
    assert found is not None
    return found


async def test_it_goes_the_way_of_a_call_in_silence_and_is_gone_again(
    home: BoardHouse, rounds: trials.Trials
) -> None:
    """Marked as test, staff page only, no sound, closed by itself; its result is kept and shown."""
    await rounds.look()
    home.later(hours=1, minutes=1)
    await rounds.look()
    alert = await resolved(home)
    assert (alert.test, alert.quiet, alert.priority) == (True, True, Priority.MEDIUM)
    assert (alert.asked, alert.outcome) == (("page",), Outcome.AUTO)
    assert alert.key == "help-call/kald-03/test"
    assert alert.title["da"] == "PRØVE – Kald – Bolig 3"
    assert alert.document()["quiet"] is True
    rows = await home.journal.alarms.read(lambda ledger: ledger.notifications(alert.id))
    assert {row.channel for row in rows} == {"page"}
    record = await record_of(home)
    assert (record.tested_ok, record.proved_ns) == (True, None)
    assert record.ms is not None
    last = rounds._board.hub.proofs.last
    assert last is not None
    assert (last["device"], last["ok"]) == ("kald-03", True)
    await rounds.look()
    after = await home.journal.alarms.read(lambda ledger: ledger.alerts(open=False))
    assert [each.id for each in after] == [alert.id], "once a day"


async def test_while_somebody_waits_for_help_it_waits(home: BoardHouse, rounds: trials.Trials) -> None:
    """A board with a call on it is no place for a test; once it is answered the test is made."""
    await rounds.look()
    home.later(hours=1, minutes=1)
    call = await home.press("kald-05")
    await rounds.look()
    assert (await record_of(home)).tested_ns is None
    await home.does(call, "acknowledge")
    await rounds.look()
    assert (await record_of(home)).tested_ok is True


async def test_one_that_does_not_get_through_is_told_until_one_does(
    home: BoardHouse, rounds: trials.Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that draws was open, and did not draw it: among the calls, for a call would not be seen."""
    await rounds.look()
    viewers = rounds._board.hub.viewers
    with monkeypatch.context() as seen:
        seen.setattr(type(viewers), "drawing", property(lambda _self: 1))
        seen.setattr("gateway.board.chain.SHOWN_WITHIN_S", 0.05)
        home.later(hours=1, minutes=1)
        await rounds.look()
    failing = await eventually(lambda: _open(home, "chain-failing/kald-03"))
    assert failing is not None
    assert (failing.priority, failing.kind) == (Priority.HIGH, "chain.failing")
    assert failing.detail == (
        "the scheduled test of kald-03 did not get through; it came as far as: heard, committed, sent"
    )
    assert (await record_of(home)).tested_ok is False
    home.later(hours=24)
    await rounds.look()
    await eventually(lambda: _open(home, "chain-failing/kald-03") is None)


async def test_a_failure_outlives_a_restart_and_ends_with_whatever_gets_through(
    home: BoardHouse, rounds: trials.Trials
) -> None:
    """Kept with the device; a press that a page has shown proves more than a test."""
    await rounds.look()
    proofs = rounds._board.hub.proofs
    await proofs.by_test("kald-03", None, ok=False, how="schedule")
    later = trials.Trials(rounds._board)
    await later.look()
    told = await eventually(lambda: _open(home, "chain-failing/kald-03"))
    assert told is not None
    assert told.detail.endswith("that was found before the gateway started")
    home.later(seconds=1)
    call = await home.press("kald-03")
    await proofs.by_alert(call)
    await later.look()
    await eventually(lambda: _open(home, "chain-failing/kald-03") is None)


async def test_while_the_disk_takes_nothing_none_is_made(
    home: BoardHouse, rounds: trials.Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not kept yet is on the board; a test would only come to it."""
    await rounds.look()
    home.later(hours=1, minutes=1)
    call = await home.press("kald-05")
    await home.does(call, "acknowledge")
    unkept = [replace(shown, durable=False) for shown in home.engine.open()]
    with monkeypatch.context() as hanging:
        hanging.setattr(home.engine, "open", lambda: unkept)
        await rounds.look()
    assert (await record_of(home)).tested_ns is None


async def test_who_is_overdue_is_told_and_told_anew(home: BoardHouse, rounds: trials.Trials) -> None:
    """Technical, at thirty days and at ninety; a press that a page has shown ends it."""
    await rounds.look()
    home.later(days=31)
    await rounds.look()
    first = await eventually(lambda: _open(home, "chain-overdue/kald-03"))
    assert first is not None
    assert (first.priority, first.handling) == (Priority.TECHNICAL, Handling.UNACKNOWLEDGED)
    await rounds.look()
    home.later(days=60)
    await rounds.look()
    second = await eventually(lambda: _other(home, "chain-overdue/kald-03", first.id))
    assert second is not None
    assert "91 days ago" in second.detail
    call = await home.press("kald-03")
    await rounds._board.hub.proofs.by_alert(call)
    await rounds.look()
    await eventually(lambda: _open(home, "chain-overdue/kald-03") is None)
    assert (await record_of(home)).proved_ns is not None


async def test_a_test_that_a_person_asked_for_proves_the_device(home: BoardHouse) -> None:
    """By the API, as `velgate alert test` does; loud, and left for people to close."""
    async with client(home) as browser:
        await browser.sign_in()
        answer = await browser.post("/api/v1/alerts/test", {"device": "kald-04"})
    assert answer.status == 200
    result = answer.json
    assert result["ok"] is True
    hops = [(hop["hop"], hop["channel"]) for hop in result["hops"]]
    assert hops[:2] == [("heard", None), ("committed", None)]
    assert ("sent", "page") in hops
    assert (await record_of(home, "kald-04")).proved_ns is not None
    alert = _open(home, "help-call/kald-04/test")
    assert alert is not None
    assert (alert.quiet, alert.priority) == (False, Priority.HIGH)


async def test_one_that_stands_because_the_gateway_stopped_is_ended(
    home: BoardHouse, rounds: trials.Trials
) -> None:
    """The next start closes it."""
    run = await home.engine.test("kald-03", by="velgate", quiet=True)
    assert _open(home, "help-call/kald-03/test") is not None
    rounds._end_what_was_left()
    await eventually(lambda: _open(home, "help-call/kald-03/test") is None)
    assert (await resolved(home)).id == run.alert


def _open(home: BoardHouse, key: str) -> Alert | None:
    return next((shown.alert for shown in home.engine.open() if shown.alert.key == key), None)


def _other(home: BoardHouse, key: str, but: str) -> Alert | None:
    found = _open(home, key)
    return found if found is not None and found.id != but else None


def test_the_hour_of_a_test_is_far_from_the_night() -> None:
    """As shipped: half past ten."""
    tests = board_settings({"alerts": {"tests": {"enabled": True}}}).alerts.tests
    assert (tests.at.isoformat(), tests.loud, tests.enabled) == ("10:30:00", False, True)
