"""What devices and time do to an alert: one function an input, each decided for every state.

People's doings stand in `gateway.alerts.handling`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from gateway.alerts.effects import Audit, Effect, Notify, Tell
from gateway.alerts.inputs import (
    BasisChanged,
    HolderLeft,
    NotificationFailed,
    Occurred,
    ScheduleChanged,
    TimerDue,
)
from gateway.alerts.transition import (
    Policies,
    Transition,
    called,
    changed,
    ended,
    ends_itself,
    given_back,
    passed_on,
    refused,
    same_person,
)
from gateway.model.alert import Alert, Concern, Condition, Handling, Priority
from gateway.model.clock import Instant

READINGS_MAX = 50
"""Readings named on an alert; of a longer series the newest."""

NEVER_SUPPRESSED = frozenset({Concern.SELF, Concern.FALL})
"""They go out also outside a schedule; in maintenance they are marked as test."""

CALLS_AGAIN = frozenset({Priority.EMERGENCY, Priority.HIGH})
"""An occurrence that joins one of these after somebody took it or set it aside calls anew."""


def raised(given: Occurred, now: Instant, policies: Policies) -> Transition:
    """Open an alert: tell the first step, or only record it where it is suppressed."""
    first = policies(given.policy).steps[0]
    suppressed = None if given.concern in NEVER_SUPPRESSED else given.suppressed
    alert = Alert(
        id=given.id,
        key=given.key,
        rule=given.rule,
        kind=given.kind,
        concern=given.concern,
        priority=given.priority,
        policy=given.policy,
        handling=Handling.SUPPRESSED if suppressed else Handling.UNACKNOWLEDGED,
        suppressed=suppressed,
        device=given.device,
        place=given.place,
        channel=given.channel,
        label=given.label,
        title=given.title,
        do=given.do,
        raised=now,
        last=now,
        changed=now,
        escalate_at=None if suppressed else now.plus(first.after),
        asked=() if suppressed else first.targets,
        latching=given.latching,
        auto_resolve=given.auto_resolve,
        test=given.test,
        trial=given.trial,
        readings=given.readings[-READINGS_MAX:],
        detail=given.detail,
        extra=given.extra,
    )
    if suppressed:
        return alert, [Audit("suppressed", detail={"reason": suppressed})]
    return alert, [Notify(1), Audit("raised", detail={"kind": given.kind, "priority": given.priority.value})]


def occurred(alert: Alert, given: Occurred, now: Instant, policies: Policies) -> Transition:
    """Join the open alert; one that is pressed again, or graver, calls anew from step 1."""
    if alert.handling is Handling.RESOLVED:
        return raised(given, now, policies)
    assert alert.key == given.key, "an occurrence joins the alert with its own key"
    graver = given.priority.rank < alert.priority.rank
    joined = replace(
        alert,
        count=alert.count + 1,
        last=now,
        condition=Condition.PRESENT,
        readings=(*alert.readings, *given.readings)[-READINGS_MAX:],
        detail=given.detail or alert.detail,
    )
    if graver:
        joined = replace(
            joined,
            kind=given.kind,
            title=given.title,
            do=given.do,
            priority=given.priority,
            policy=given.policy,
        )
    seen = Audit("occurred", detail={"count": joined.count, "kind": given.kind})
    match alert.handling:
        case Handling.UNACKNOWLEDGED:
            # A test proves the way anew each time; a real call that nobody has taken is on its way already.
            again = graver or alert.test
        case Handling.ACKNOWLEDGED | Handling.SHELVED:
            again = graver or joined.priority in CALLS_AGAIN
        case Handling.SUPPRESSED:
            again = given.suppressed is None or given.concern in NEVER_SUPPRESSED
        case never:
            assert_never(never)
    if not again:
        if joined.condition is alert.condition and not graver:
            return joined, [seen]  # the count alone is no transition: nobody's answer to it grows stale
        return changed(joined, now), [seen]
    # Who was with the resident before this press may have gone; closing needs somebody who was there since.
    helper = alert.taken.by if alert.taken else alert.helper
    present = alert.present if alert.handling is Handling.UNACKNOWLEDGED else None
    calling, effects = called(joined, now, policies, helper=helper, present=present)
    return calling, [seen, *effects]


def condition_gone(alert: Alert, now: Instant) -> Transition:
    """Note that the cause is over. An event stays until a person has dealt with it."""
    if alert.handling is Handling.RESOLVED:
        return refused(alert, "wrong_state", "closed")
    if alert.condition is Condition.GONE:
        return alert, []
    if alert.latching:
        return alert, [Audit("condition_gone", detail={"latched": True})]
    gone: Transition = changed(alert, now, condition=Condition.GONE), []
    match alert.handling:
        case Handling.UNACKNOWLEDGED:
            after, effects = ended(alert, now) if ends_itself(alert) else gone
        case Handling.SUPPRESSED:
            after, effects = ended(alert, now)
        case Handling.ACKNOWLEDGED | Handling.SHELVED:
            after, effects = gone
        case never:
            assert_never(never)
    return after, [Audit("condition_gone"), *effects]


def cancelled(alert: Alert, now: Instant) -> Transition:
    """Show the device's own word that it was a mistake; nothing else changes, for people close calls."""
    if alert.handling is Handling.RESOLVED:
        return refused(alert, "wrong_state", "closed")
    return replace(alert, cancelled_at=now), [Audit("cancelled")]


def timer_due(alert: Alert, given: TimerDue, now: Instant, policies: Policies) -> Transition:
    """Do what was to be done at this time, unless the alert has changed since the timer was set."""
    if given.rev != alert.rev:
        return refused(alert, "wrong_state", "stale_timer", values={"timer": given.kind})
    match given.kind, alert.handling:
        case "escalate", Handling.UNACKNOWLEDGED:
            return passed_on(alert, now, policies)
        case "return", Handling.ACKNOWLEDGED:
            after, effects = given_back(alert, now, policies)
            return after, [Audit("returned", detail={"step": after.step}), *effects]
        case "warn", Handling.ACKNOWLEDGED:
            assert alert.taken is not None, "an acknowledged alert has a holder"
            told: list[Effect] = [Tell(f"person:{alert.taken.by}", "return"), Audit("warned", alert.taken.by)]
            return changed(alert, now, warned=True), told
        case "shelf", Handling.SHELVED:
            if alert.condition is Condition.GONE:
                return ended(alert, now)
            after, effects = called(alert, now, policies)
            return after, [Audit("shelf_ended"), *effects]
        case _:
            return refused(alert, "wrong_state", "timer_does_not_fit", values={"timer": given.kind})


def notification_failed(
    alert: Alert, given: NotificationFailed, now: Instant, policies: Policies
) -> Transition:
    """Do not wait for a step that reached nobody: start the next. The last one is tried on and on."""
    failed = Audit("step_failed", detail={"step": given.step, "why": given.why})
    if alert.handling is not Handling.UNACKNOWLEDGED:
        return refused(alert, "wrong_state", "not_calling")
    if (given.step, given.cycle) != (alert.step, alert.cycle):
        return refused(alert, "wrong_state", "step_is_over", values={"step": given.step})
    if alert.step >= len(policies(alert.policy).steps):
        return alert, [failed]
    after, effects = passed_on(alert, now, policies)
    return after, [failed, *effects]


def schedule_changed(alert: Alert, given: ScheduleChanged, now: Instant, policies: Policies) -> Transition:
    """Let it call once the reason to hold it back has ended. One that calls already is not held back."""
    match alert.handling:
        case Handling.SUPPRESSED:
            if given.suppressed == alert.suppressed:
                return alert, []
            if given.suppressed is not None:
                return changed(alert, now, suppressed=given.suppressed), [
                    Audit("suppressed", detail={"reason": given.suppressed})
                ]
            after, effects = called(alert, now, policies)
            return after, [Audit("unsuppressed"), *effects]
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED:
            return alert, [Audit("schedule_changed", detail={"suppressed": given.suppressed})]
        case Handling.RESOLVED:
            return refused(alert, "wrong_state", "closed")
        case never:
            assert_never(never)


def basis_changed(alert: Alert, given: BasisChanged) -> Transition:
    """Keep that it changed. An objection stops the rule, never the alert that is open."""
    if alert.handling is Handling.RESOLVED:
        return refused(alert, "wrong_state", "closed", given.by)
    return alert, [Audit("basis_changed", given.by, {"present": given.present})]


def holder_left(alert: Alert, given: HolderLeft, now: Instant, policies: Policies) -> Transition:
    """Give back what somebody had who has gone; who only came along is no longer coming."""
    joined = tuple(name for name in alert.joined if not same_person(name, given.by))
    match alert.handling:
        case Handling.ACKNOWLEDGED if alert.taken and same_person(alert.taken.by, given.by):
            after, effects = given_back(replace(alert, joined=joined), now, policies)
            return after, [Audit("holder_left", given.by), *effects]
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED if (
            joined != alert.joined
        ):
            return changed(alert, now, joined=joined), [Audit("holder_left", given.by)]
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED:
            return alert, []
        case Handling.RESOLVED:
            return refused(alert, "wrong_state", "closed", given.by)
        case never:
            assert_never(never)
