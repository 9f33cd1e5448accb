"""Mistakes planted on purpose, each with the checker that must find it: `python -m sim.planted`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from unittest import mock

from gateway.alerts.rounds import Rounds
from gateway.alerts.supervision import Supervision
from gateway.app.flow import Flow
from gateway.journal import database
from gateway.journal.ledger_audit import AuditPart
from gateway.model.alert import Alert
from gateway.outlets.deliver import Rows
from gateway.outlets.lanes import AlarmLane, ReadingLane
from gateway.outlets.mqtt import MqttOutlet
from sim.home import NAMES
from sim.play import Verdict, play

SEEDS = 60
"""Of so many one must fail; the first that does ends the search."""

Plant = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Planted:
    """A mistake, the checker that is there for it, and the faults that bring it to light."""

    plant: Plant
    checker: str
    faults: tuple[str, ...] | None = None
    first: int = 1
    """The seed to begin with: one that showed it when it was planted."""

    def found(self) -> Verdict | None:
        """Play seeds until the checker finds it; None where it never does."""
        with self.plant():
            for seed in range(self.first, self.first + SEEDS):
                verdict = play(seed, faults=self.faults)
                if any(self.checker in wrong for wrong in verdict.wrong):
                    return verdict
        return None


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


@contextmanager
def anybody_may_take_it() -> Iterator[None]:
    """Who takes what another has is told that it worked."""
    with mock.patch("gateway.alerts.handling.same_person", return_value=True):
        yield


@contextmanager
def what_is_refused_is_nobodys_business() -> Iterator[None]:
    """Frames that are not believed are not told of."""
    with mock.patch.object(Supervision, "_refused", return_value=None):
        yield


PLANTED = {
    "anybody may take it": Planted(anybody_may_take_it, "two_people_do_not_both_have_it", ()),
    "what is refused is nobody's business": Planted(
        what_is_refused_is_nobodys_business, "what_is_refused_is_told", ("battery_changed",), 11
    ),
    "telling goes on": Planted(telling_goes_on, "nothing_is_told_of_what_somebody_has", ("receiver_fails",)),
    "presses get lost": Planted(presses_get_lost, "every_call_is_in_one_alert", ()),
    "presses count twice": Planted(presses_count_twice, "every_call_is_in_one_alert", ("kill_in_a_press",)),
    "escalation stops": Planted(escalation_stops, "what_nobody_has_is_told_again", ()),
    "nothing comes back": Planted(nothing_comes_back, "what_is_taken_and_left_comes_back", (), 12),
    "a reading is skipped": Planted(skipping(ReadingLane), "gets_every_reading_in_order"),
    "an event or alert is skipped": Planted(skipping(AlarmLane), "broker_"),
    "order is lost": Planted(order_is_lost, "gets_every_reading_in_order"),
    "the log is changed": Planted(the_log_is_changed, "the_log_is_whole", ()),
    "nothing is synced": Planted(nothing_is_synced, "what_was_confirmed_is_written_down", ("power_cut",), 12),
    "closed alerts stay retained": Planted(closed_alerts_stay_retained, "broker_retains_what_is_open", ()),
    "names leave": Planted(names_leave, "nothing_leaves_that_must_not", ()),
}


def main() -> int:
    """Plant each, and say where it was found."""
    missed = 0
    for name, planted in PLANTED.items():
        verdict = planted.found()
        print(f"{name}: {f'seed {verdict.seed}' if verdict else 'NOBODY NOTICED'}", flush=True)
        missed += verdict is None
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
