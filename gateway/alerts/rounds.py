"""What happens by itself: timers that are due, silence that is noticed, schedules that open.

One loop over one table of timers. A timer that is due becomes an input like any other; whether it still
counts, `step` decides in the journal's writer by the revision that the timer carries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from gateway.alerts.book import Recorder
from gateway.alerts.clerk import Work
from gateway.alerts.desk import ALERT
from gateway.alerts.inputs import ScheduleChanged, TimerDue, TimerKind
from gateway.alerts.office import SUPERVISION, TIMERS, Office
from gateway.alerts.supervision import Heard, Supervision
from gateway.alerts.verdicts import Judged, RuleTimerKind, Verdict
from gateway.journal.errors import NotDurable
from gateway.model.alert import Handling
from gateway.model.clock import NS, Instant
from gateway.model.rows import Timer

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0  # silent devices, maintenance that has ended, schedules that have opened
REST_AFTER_FAILURE_S = 5.0  # a timer whose work failed is not tried in a tight loop
SOONEST_S = 0.001  # clocks count in nanoseconds, loops in floats: never sleep for nothing


class Rounds:
    """The rounds of one run. Belongs to the event loop."""

    def __init__(
        self,
        office: Office,
        supervision: Supervision,
        heard: Callable[[], Mapping[str, Heard]],
        basis_due: Callable[[Instant], Sequence[Verdict]],
    ) -> None:
        """`heard` is intake's; `basis_due` says which legal bases are to be announced or have ended."""
        self._office = office
        self._supervision = supervision
        self._heard = heard
        self._basis_due = basis_due
        self._fired: dict[tuple[str, str, int], float] = {}
        """Timers on their way into the journal, and until when (loop time) not to fire them again."""

    async def timers(self) -> None:
        """Fire what is due, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._office.timers_moved.clear()
            pause = self._fire_due(loop.time())
            try:
                async with asyncio.timeout(pause):
                    await self._office.timers_moved.wait()
            except TimeoutError:
                continue

    async def looks(self) -> None:
        """Look for what nobody tells, for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once."""
        office, now = self._office, self._office.clock.now()
        looks: tuple[tuple[str, Callable[[], Iterable[Verdict]]], ...] = (
            (SUPERVISION, lambda: self._supervision.check(self._heard(), now, office.memory)),
            ("basis", lambda: self._basis_due(now)),
            ("schedules", lambda: self._look_at_suppressed(now)),
            ("duty", self._look_at_duty),
        )
        for what, look in looks:
            office.submit_judged(Judged(office.supervise(what, look)), now, source="supervision")

    def _fire_due(self, time: float) -> float | None:
        """Fire what is due; gives the seconds until the next is."""
        now = self._office.clock.now()
        self._fired = {key: until for key, until in self._fired.items() if until > time}
        pauses = [until - time for until in self._fired.values() if until != float("inf")]
        late: list[Timer] = []
        soonest_ns: int | None = None
        for timer in self._office.clerk.view.due:
            left_ns = timer.due.mono_ns - now.mono_ns
            if left_ns <= 0:
                late.append(timer)
            elif soonest_ns is None or left_ns < soonest_ns:
                soonest_ns = left_ns
        if soonest_ns is not None:
            pauses.append(soonest_ns / NS)
        late = [timer for timer in late if _name(timer) not in self._fired]
        for timer in sorted(late, key=lambda timer: timer.due.mono_ns):
            self._fired[_name(timer)] = float("inf")
            try:
                self._fire(timer, now)
            except Exception as error:  # one timer that fails must stop no other
                log.exception("timer %s/%s failed", timer.subject, timer.kind)
                self._office.fails(TIMERS, error)
                self._fired[_name(timer)] = time + REST_AFTER_FAILURE_S
                pauses.append(REST_AFTER_FAILURE_S)
        return max(min(pauses), SOONEST_S) if pauses else None

    def _fire(self, timer: Timer, now: Instant) -> None:
        if timer.subject.startswith(ALERT):
            work: Work[None] | None = Work(run=lambda book: self._alert_due(book, timer, now), called=True)
        else:
            work = self._rule_due(timer, now)
        if work is None:
            self._office.submit(Work(run=lambda book: _consume(book, timer), sync=False))
            return
        done = self._office.clerk.submit(work)
        done.add_done_callback(lambda done: self._has_fired(timer, done))

    def _alert_due(self, book: Recorder, timer: Timer, now: Instant) -> None:
        """Runs in the journal's writer: the timer counts only if it is still set as it was."""
        alert = book.alert(timer.subject.removeprefix(ALERT))
        if timer not in book.timers(timer.subject):
            return
        if alert is None:
            book.cancel_timer(timer.subject, timer.kind)
            return
        given = TimerDue(cast("TimerKind", timer.kind), timer.rev)
        handled = self._office.desk.apply(book, alert, given, now, source="timer")
        if handled.refusal is not None:
            book.cancel_timer(timer.subject, timer.kind)

    def _rule_due(self, timer: Timer, now: Instant) -> Work[None] | None:
        office = self._office
        judged = office.rules.book.due(timer.subject, cast("RuleTimerKind", timer.kind), now, office.memory)
        return office.judged(judged, now, source="timer", before=lambda book: _consume(book, timer))

    def _has_fired(self, timer: Timer, done: asyncio.Future[None]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed:
            if not done.cancelled() and not isinstance(done.exception(), NotDurable):
                log.error("timer %s/%s failed", timer.subject, timer.kind, exc_info=done.exception())
            self._fired[_name(timer)] = asyncio.get_running_loop().time() + REST_AFTER_FAILURE_S
        else:
            self._fired.pop(_name(timer), None)
        self._office.timers_moved.set()

    def _look_at_suppressed(self, now: Instant) -> Iterable[Verdict]:
        """Let alerts call that were held back, once the reason has ended."""
        office = self._office
        for alert in office.clerk.kept.open_alerts():
            if alert.handling is not Handling.SUPPRESSED:
                continue
            reason, _ = office.rules.book.suppression(
                alert.rule, alert.device, alert.place, now, office.memory
            )
            if reason != alert.suppressed:
                office.submit(Work(run=_schedule_work(office, alert.id, ScheduleChanged(reason), now)))
        return ()

    def _look_at_duty(self) -> Iterable[Verdict]:
        """Take back that a group has nobody, once it has."""
        roster, now = self._office.desk.roster, self._office.clock.now()
        for kind, target in tuple(self._office.unmanned):
            failing = dict(roster.reach([target], None, now).failed)
            if failing.get(target) != kind:
                self._office.manned(kind, target)
        return ()


def _schedule_work(
    office: Office, alert: str, given: ScheduleChanged, now: Instant
) -> Callable[[Recorder], None]:
    def run(book: Recorder) -> None:
        found = book.alert(alert)
        if found is not None and found.handling is Handling.SUPPRESSED:
            office.desk.apply(book, found, given, now, source="schedule")

    return run


def _consume(book: Recorder, timer: Timer) -> None:
    """Take a timer away that has been fired, unless it has been set anew meanwhile."""
    if timer in book.timers(timer.subject):
        book.cancel_timer(timer.subject, timer.kind)


def _name(timer: Timer) -> tuple[str, str, int]:
    return timer.subject, timer.kind, timer.due.mono_ns
