"""Carries out what happens to alerts, inside one transaction: state, timers, notifications, audit.

A desk knows one configuration and one roster and never changes, so it may work in the journal's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from gateway.alerts.book import UNSENT, Recorder
from gateway.alerts.effects import Audit, CancelTimer, Effect, Notify, Publish, Raise, Refuse, SetTimer, Tell
from gateway.alerts.inputs import Cancelled, ConditionGone, Input, NotificationFailed, Occurred
from gateway.alerts.lifecycle import step
from gateway.alerts.notices import row_for, surplus, wanted
from gateway.alerts.roster import Address, Roster
from gateway.alerts.timers import set_anew
from gateway.alerts.transition import united
from gateway.alerts.verdicts import Arm, Cancel, Disarm, Gone, NoBasis, Occurrence, Verdict
from gateway.model.alert import Alert
from gateway.model.clock import Instant
from gateway.model.ids import NewId
from gateway.model.rows import Timer
from gateway.settings.alerting import EVERYONE, PAGE, Policy, Step
from gateway.settings.models import Settings

STAND_IN = Policy(steps=(Step(targets=(PAGE, EVERYONE), after=timedelta(minutes=2)),))
"""For an alert whose policy has been taken out of the configuration meanwhile."""

ROWS_MAX = 200  # notifications of one alert; of those told at its last step, over and over, the oldest go
ROWS_KEPT = 150  # of them, when they have become too many

ALERT = "alert:"


def subject(alert: str) -> str:
    """Give the subject of an alert's timers."""
    return ALERT + alert


class Ids:
    """Ids of alerts that are about to be opened: one a key, so that what is told before it is kept agrees.

    Used by the loop and by the journal's thread; each call is one step for both.
    """

    def __init__(self, new_id: NewId) -> None:
        """`new_id` draws one."""
        self._new_id = new_id
        self._drawn: dict[str, str] = {}

    def draw(self, key: str, book: Recorder, now: Instant) -> str:
        """Give the id of the next alert with a key."""
        while book.alert(drawn := self._drawn.setdefault(key, self._new_id(now.wall_ns))) is not None:
            self._drawn.pop(key, None)
        return drawn

    def used(self, alerts: Iterable[Alert]) -> None:
        """Forget those that are kept by now."""
        for alert in alerts:
            if self._drawn.get(alert.key) == alert.id:
                del self._drawn[alert.key]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of an input: the alert afterwards, or why it was refused."""

    alert: Alert | None
    refusal: Refuse | None = None
    done_before: bool = False
    """Nothing changed, for it was done already: a retry."""


@dataclass(frozen=True)
class Desk:
    """Applies inputs to alerts."""

    settings: Settings
    roster: Roster
    ids: Ids

    def policy(self, name: str) -> Policy:
        """Give a policy; the stand-in for one that is not configured any more."""
        return self.settings.alerts.policies.get(name, STAND_IN)

    def apply(
        self,
        book: Recorder,
        alert: Alert | None,
        given: Input,
        now: Instant,
        *,
        source: str,
        rev: int | None = None,
    ) -> Handled:
        """Let one thing happen to an alert and carry out what follows from it.

        `rev` is the revision that a person saw: of one that is no longer current nothing new is done, but a
        retry is still answered as done, and somebody else's taking it is still named.
        """
        after, effects = step(alert, given, now, self.policy)
        if alert is not None and rev is not None and rev != alert.rev and _does_something(effects):
            values = {"reason": "older_rev", "handling": alert.handling.value, "rev": alert.rev}
            by = getattr(given, "by", None)
            effects = (
                Refuse("wrong_state", "older_rev", values),
                Audit("refused", by, {"code": "wrong_state", "reason": "older_rev"}),
            )
            after = alert
        if after is not None and after is not alert:
            book.put_alert(after)
            self._drop_unwanted(book, after, now)
        self._carry_out(book, after, effects, now, source)
        latest = after and book.alert(after.id)
        refusal = next((each for each in effects if isinstance(each, Refuse)), None)
        return Handled(latest or after, refusal, done_before=not effects)

    def occur(self, book: Recorder, given: Occurrence | Occurred, now: Instant, *, source: str) -> Handled:
        """Raise an alert, or let it join the open one with its key."""
        found = book.open_by_key(given.key)
        if isinstance(given, Occurrence):
            given = given.as_input(self.ids.draw(given.key, book, now) if found is None else found.id)
        elif found is None:
            given = replace(given, id=self.ids.draw(given.key, book, now))
        return self.apply(book, found, given, now, source=source)

    def carry_out(
        self, book: Recorder, verdicts: Sequence[Verdict], now: Instant, *, source: str = "rule"
    ) -> None:
        """Do what rules or supervision say."""
        for verdict in verdicts:
            match verdict:
                case Occurrence():
                    self.occur(book, verdict, now, source=source)
                case Gone(key) | Cancel(key):
                    found = book.open_by_key(key)
                    if found is not None:
                        given = ConditionGone() if isinstance(verdict, Gone) else Cancelled()
                        self.apply(book, found, given, now, source=source)
                case Arm(about, kind, due):
                    book.set_timer(Timer(subject=about, kind=kind, rev=0, due=due))
                case Disarm(about, kind):
                    book.cancel_timer(about, kind)
                case NoBasis():
                    pass  # counted by whoever asked; there is no alert

    def _carry_out(
        self, book: Recorder, alert: Alert | None, effects: Sequence[Effect], now: Instant, source: str
    ) -> None:
        name = None if alert is None else alert.id
        for effect in effects:
            if isinstance(effect, Audit):
                book.audit(effect.what, by=effect.by, source=source, alert=name, detail=effect.detail)
            elif alert is not None:
                self._follow(book, alert, effect, now, source)
        for effect in effects:  # last, for a step that has nobody leads on to the next
            if isinstance(effect, Notify) and alert is not None:
                self._notify(book, alert, effect.step, now, source)

    def _follow(self, book: Recorder, alert: Alert, effect: Effect, now: Instant, source: str) -> None:
        match effect:
            case SetTimer(kind, due):
                timer = Timer(subject=subject(alert.id), kind=kind, rev=alert.rev, due=due)
                book.set_timer(set_anew(timer, book.timers(timer.subject), now))
            case CancelTimer(kind):
                book.cancel_timer(subject(alert.id), kind)
            case Tell(to, about):
                for address in self.roster.reach([to], alert.place, now).addresses:
                    book.add_notification(row_for(alert, address, now, about=about))
            case Raise(given):
                self.occur(book, given, now, source=source)
            case Publish() | Refuse() | Notify() | Audit():
                pass  # the commit publishes; the caller answers; the rest is done above
            case never:
                assert_never(never)

    def _notify(self, book: Recorder, alert: Alert, number: int, now: Instant, source: str) -> None:
        """Tell a step's targets; a step that has nobody starts the next, and the last one tells everybody."""
        steps = self.policy(alert.policy).steps
        last = number >= len(steps)
        reach = self.roster.reach(steps[min(number, len(steps)) - 1].targets, alert.place, now)
        addresses: tuple[Address, ...] = reach.addresses
        book.moved.unmanned += [(why, target) for target, why in reach.failed]
        if last and not reach.waits:
            known = {(address.channel, address.person) for address in addresses}
            more = [each for each in self.roster.everyone() if (each.channel, each.person) not in known]
            addresses = (*addresses, *more)
            alert = replace(alert, asked=united(alert.asked, [EVERYONE]))
            book.put_alert(alert)
        for address in addresses:
            book.add_notification(row_for(alert, address, now))
        if last:
            self._thin_out(book, alert)
        if not last and not reach.waits:
            why = reach.failed[0][1] if reach.failed else "duty.empty"
            given = NotificationFailed(alert.step, alert.cycle, why)
            self.apply(book, alert, given, now, source=source)

    def _thin_out(self, book: Recorder, alert: Alert) -> None:
        """Keep the trail short of what is told for ever: a start that reads for days' worth would not end."""
        rows = book.notifications(alert.id)
        if len(rows) > ROWS_MAX:
            for row in surplus(rows, ROWS_KEPT):
                book.end_notification(row.id)

    def _drop_unwanted(self, book: Recorder, alert: Alert, now: Instant) -> None:
        for row in book.notifications(alert.id, UNSENT):
            if not wanted(row, alert):
                book.update_notification(row.id, state="dropped", changed=now)


def _does_something(effects: Sequence[Effect]) -> bool:
    return bool(effects) and not any(isinstance(each, Refuse) for each in effects)
