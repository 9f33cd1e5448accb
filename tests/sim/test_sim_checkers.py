"""The checkers can fail: each planted mistake is found by the checker that is there for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any
from unittest import mock

import pytest

from gateway.alerts.rounds import Rounds
from gateway.app.flow import Flow
from gateway.journal import database
from gateway.journal.ledger_audit import AuditPart
from gateway.model.alert import Alert
from gateway.outlets.deliver import Rows
from gateway.outlets.lanes import AlarmLane, ReadingLane
from gateway.outlets.mqtt import MqttOutlet
from sim.home import NAMES
from sim.play import play

SEEDS = range(1, 30)
"""Of these one must fail; the first that does ends the search."""


@contextmanager
def telling_goes_on() -> Iterator[None]:
    """The outbox does not look whether anybody has it."""
    with mock.patch("gateway.alerts.outbox.wanted", lambda _row, alert: alert is not None):
        yield


@contextmanager
def presses_get_lost() -> Iterator[None]:
    """Every seventh call is taken and not kept."""
    number, real = count(1), Flow.event

    async def event(self: Flow, records: Any, guards: Any) -> None:
        if next(number) % 7:
            await real(self, records, guards)

    with mock.patch.object(Flow, "event", event):
        yield


@contextmanager
def presses_count_twice() -> Iterator[None]:
    """What a radio remembers is never compared with what the journal has."""
    with mock.patch("gateway.intake.memory.Memory.restore", return_value=None):
        yield


@contextmanager
def escalation_stops() -> Iterator[None]:
    """No step follows the first."""
    real = Rounds._fire

    def fire(self: Rounds, timer: Any, now: Any) -> None:
        if timer.kind != "escalate":
            real(self, timer, now)

    with mock.patch.object(Rounds, "_fire", fire):
        yield


@contextmanager
def nothing_comes_back() -> Iterator[None]:
    """What is taken and left stays so."""
    real = Rounds._fire

    def fire(self: Rounds, timer: Any, now: Any) -> None:
        if timer.kind != "return":
            real(self, timer, now)

    with mock.patch.object(Rounds, "_fire", fire):
        yield


def skipping(lane: type[Any]) -> Callable[[], AbstractContextManager[None]]:
    """A lane of the outlets leaves out a row now and then."""

    @contextmanager
    def skips() -> Iterator[None]:
        number, real = count(1), lane.after

        async def after(self: Any, seq: int, limit: int) -> Rows[Any]:
            rows: Rows[Any] = await real(self, seq, limit)
            return Rows(rows.rows[1:], rows.end, rows.head) if next(number) % 9 == 0 else rows

        with mock.patch.object(lane, "after", after):
            yield

    return skips


@contextmanager
def order_is_lost() -> Iterator[None]:
    """A batch leaves from its end."""
    real = ReadingLane.after

    async def after(self: Any, seq: int, limit: int) -> Rows[Any]:
        rows = await real(self, seq, limit)
        return Rows(tuple(reversed(rows.rows)), rows.end, rows.head)

    with mock.patch.object(ReadingLane, "after", after):
        yield


@contextmanager
def the_log_is_changed() -> Iterator[None]:
    """Somebody changes a line of the audit log."""
    number, real = count(1), AuditPart.audit

    def audit(self: Any, what: str, **more: Any) -> None:
        real(self, what, **more)
        if next(number) == 20:
            self._db.execute("UPDATE audit SET what = 'acknowledged' WHERE seq = 10")

    with mock.patch.object(AuditPart, "audit", audit):
        yield


@contextmanager
def nothing_is_synced() -> Iterator[None]:
    """Commits do not wait for the disk."""
    real = database.synchronous

    def synchronous(db: Any, *, full: bool) -> None:
        del full
        real(db, full=False)

    with (
        mock.patch("gateway.journal.database.synchronous", synchronous),
        mock.patch("gateway.journal.alarm_writer.synchronous", synchronous),
    ):
        yield


@contextmanager
def closed_alerts_stay_retained() -> Iterator[None]:
    """The broker is not told that an alert has ended."""
    real = MqttOutlet._publish_alert

    async def publish(self: MqttOutlet, link: Any, alert: Alert) -> None:
        if alert.open:
            await real(self, link, alert)

    with mock.patch.object(MqttOutlet, "_publish_alert", publish):
        yield


@contextmanager
def names_leave() -> Iterator[None]:
    """What a device calls itself stands in what is told."""
    with mock.patch("gateway.alerts.wording._text", return_value=f"{NAMES[1]} kalder"):
        yield


PLANTED: dict[str, tuple[Callable[[], AbstractContextManager[None]], str]] = {
    "telling goes on": (telling_goes_on, "nothing_is_told_of_what_somebody_has"),
    "presses get lost": (presses_get_lost, "every_call_is_in_one_alert"),
    "presses count twice": (presses_count_twice, "every_call_is_in_one_alert"),
    "escalation stops": (escalation_stops, "what_nobody_has_is_told_again"),
    "nothing comes back": (nothing_comes_back, "what_is_taken_and_left_comes_back"),
    "a reading is skipped": (skipping(ReadingLane), "gets_every_reading_in_order"),
    "an event or alert is skipped": (skipping(AlarmLane), "broker_"),
    "order is lost": (order_is_lost, "gets_every_reading_in_order"),
    "the log is changed": (the_log_is_changed, "the_log_is_whole"),
    "nothing is synced": (nothing_is_synced, "what_was_confirmed_is_written_down"),
    "closed alerts stay retained": (closed_alerts_stay_retained, "broker_retains_what_is_open"),
    "names leave": (names_leave, "nothing_leaves_that_must_not"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found(name: str) -> None:
    """And found by the checker that is there for it."""
    plant, checker = PLANTED[name]
    with plant():
        for seed in SEEDS:
            verdict = play(seed)
            if any(checker in wrong for wrong in verdict.wrong):
                assert f"make sim SEED={seed}" in verdict.report()
                return
    pytest.fail(f"{name}: nobody noticed in {len(SEEDS)} seeds")
