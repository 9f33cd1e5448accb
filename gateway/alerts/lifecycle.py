"""The life-cycle of an alert as a pure function: no clock, no disk, no configuration of its own.

`step` decides every input in every state. What happens because of it comes back as effects, which
`gateway.alerts.desk` carries out in one transaction.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from gateway.alerts import handling, happenings
from gateway.alerts.effects import Audit, CancelTimer, Effect, Publish, Refuse, SetTimer
from gateway.alerts.inputs import (
    Acknowledge,
    Assist,
    BasisChanged,
    Cancelled,
    ConditionGone,
    Dispatch,
    Extend,
    HolderLeft,
    Input,
    Join,
    NotificationFailed,
    Occurred,
    Presence,
    Release,
    Reopen,
    Resolve,
    ScheduleChanged,
    Shelve,
    TimerDue,
)
from gateway.alerts.transition import Policies, Transition, timers
from gateway.model.alert import Alert
from gateway.model.clock import Instant

Stepped: TypeAlias = tuple[Alert | None, tuple[Effect, ...]]


def step(alert: Alert | None, given: Input, now: Instant, policies: Policies) -> Stepped:
    """Give the alert as it is after `given`, and what follows from it.

    Unchanged and without effects: it was done already (a retry). A `Refuse` among the effects: nothing has
    changed. Every other change is published. The timers of an alert follow from its state alone; each
    transition sets them anew at its revision, so that one which is late finds itself out of date.
    """
    if alert is None:
        if not isinstance(given, Occurred):
            reason = {"reason": "no_such_alert"}
            return None, (Refuse("not_found", "no_such_alert", reason), Audit("refused", detail=reason))
        after, effects = happenings.raised(given, now, policies)
    else:
        after, effects = _decided(alert, given, now, policies)
        if after is alert:
            return alert, tuple(effects)
    return after, (*effects, *_timers_moved(alert, after), Publish())


def _decided(  # noqa: C901  (one line an input: that is its whole point)
    alert: Alert, given: Input, now: Instant, policies: Policies
) -> Transition:
    match given:
        case Occurred():
            return happenings.occurred(alert, given, now, policies)
        case ConditionGone():
            return happenings.condition_gone(alert, now)
        case Cancelled():
            return happenings.cancelled(alert, now)
        case Acknowledge():
            return handling.acknowledge(alert, given, now, policies)
        case Join():
            return handling.join(alert, given, now)
        case Presence():
            return handling.presence(alert, given, now, policies)
        case Extend():
            return handling.extend(alert, given, now)
        case Release():
            return handling.release(alert, given, now, policies)
        case Assist():
            return handling.assist(alert, given)
        case Resolve():
            return handling.resolve(alert, given, now)
        case Reopen():
            return handling.reopen(alert, given, now, policies)
        case Shelve():
            return handling.shelve(alert, given, now)
        case Dispatch():
            return handling.dispatch(alert, given, now, policies)
        case TimerDue():
            return happenings.timer_due(alert, given, now, policies)
        case NotificationFailed():
            return happenings.notification_failed(alert, given, now, policies)
        case ScheduleChanged():
            return happenings.schedule_changed(alert, given, now, policies)
        case BasisChanged():
            return happenings.basis_changed(alert, given)
        case HolderLeft():
            return happenings.holder_left(alert, given, now, policies)
        case never:
            assert_never(never)


def _timers_moved(before: Alert | None, after: Alert) -> list[Effect]:
    """Tell which timers to set and to remove. What is closed, or not there yet, has none."""
    old = timers(before) if before is not None else {}
    new = timers(after)
    if before is not None and (before.rev, old) == (after.rev, new):
        return []
    gone: list[Effect] = [CancelTimer(kind) for kind in old if kind not in new]
    return [*gone, *(SetTimer(kind, due) for kind, due in new.items())]
