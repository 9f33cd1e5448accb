"""What several transitions of an alert have in common: calling, closing, and changing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from gateway.alerts.effects import Audit, Effect, Notify, Refuse
from gateway.alerts.inputs import TimerKind
from gateway.model.alert import Alert, Condition, Handling, Outcome, Priority
from gateway.model.clock import Instant
from gateway.settings.alerting import Policy

Transition: TypeAlias = tuple[Alert, list[Effect]]

Policies: TypeAlias = Callable[[str], Policy]
"""Gives the policy of that name as it stands now, or the one that stands in for one that was removed."""

WARNING = timedelta(minutes=2)
"""How long before its time is up the holder is asked."""


def changed(alert: Alert, now: Instant, **fields: Any) -> Alert:
    """Give the alert in its new state, one revision further."""
    return replace(alert, rev=alert.rev + 1, changed=now, **fields)


def called(alert: Alert, now: Instant, policies: Policies, **fields: Any) -> Transition:
    """Let it call (again): unacknowledged, from step 1."""
    first = policies(alert.policy).steps[0]
    calling = changed(
        alert,
        now,
        handling=Handling.UNACKNOWLEDGED,
        suppressed=None,
        taken=None,
        taken_from=None,
        warned=False,
        shelved_until=None,
        step=1,
        cycle=alert.cycle + 1,
        escalate_at=now.plus(first.after),
        asked=first.targets,
        **fields,
    )
    return calling, [Notify(1)]


def passed_on(alert: Alert, now: Instant, policies: Policies) -> Transition:
    """Start the next step, or the last one again where it repeats; else it has told all whom it can."""
    policy = policies(alert.policy)
    if alert.step < len(policy.steps):
        number = alert.step + 1
    elif alert.lasting or policy.repeat:
        number = len(policy.steps)
    else:
        return changed(alert, now, escalate_at=None), [Audit("escalation_ended", detail={"step": alert.step})]
    step = policy.steps[number - 1]
    onward = changed(
        alert,
        now,
        step=number,
        escalate_at=now.plus(step.after),
        asked=united(alert.asked, step.targets),
    )
    return onward, [Notify(number), Audit("escalated", detail={"step": number})]


def ended(alert: Alert, now: Instant) -> Transition:
    """Close it without a person: what raised it is over."""
    closed = changed(
        alert,
        now,
        handling=Handling.RESOLVED,
        suppressed=None,
        condition=Condition.GONE,
        outcome=Outcome.AUTO,
        closed=now,
        escalate_at=None,
        shelved_until=None,
        warned=False,
    )
    return closed, [Audit("auto_resolved")]


def ends_itself(alert: Alert) -> bool:
    """Whether it closes as soon as its condition is gone and nobody has it."""
    return alert.auto_resolve and not alert.latching and alert.priority is not Priority.EMERGENCY


def given_back(alert: Alert, now: Instant, policies: Policies) -> Transition:
    """Let it call again because nobody finished it; unless it is over and may close itself."""
    if alert.condition is Condition.GONE and ends_itself(alert):
        return ended(alert, now)
    return called(alert, now, policies, returned=True)


def refused(
    alert: Alert, code: str, reason: str, by: str | None = None, values: Mapping[str, Any] | None = None
) -> Transition:
    """Leave everything as it is, say why, and keep that it was tried."""
    told = {"handling": alert.handling.value, "rev": alert.rev} if code == "wrong_state" else {}
    return alert, [
        Refuse(code, reason, {"reason": reason, **told, **(values or {})}),
        Audit("refused", by, {"code": code, "reason": reason}),
    ]


def timers(alert: Alert) -> dict[TimerKind, Instant]:
    """Give the timers that an alert has in its state: nothing else decides about them."""
    match alert.handling:
        case Handling.UNACKNOWLEDGED:
            return {"escalate": alert.escalate_at} if alert.escalate_at else {}
        case Handling.ACKNOWLEDGED:
            assert alert.taken is not None, "an acknowledged alert has a holder"
            back = alert.taken.return_at
            return {"return": back} if alert.warned else {"warn": back.plus(-WARNING), "return": back}
        case Handling.SHELVED:
            assert alert.shelved_until is not None, "a shelved alert has an end"
            return {"shelf": alert.shelved_until}
        case Handling.SUPPRESSED | Handling.RESOLVED:
            return {}


def same_person(one: str | None, other: str | None) -> bool:
    """Tell whether two pseudonyms are the same; they are compared without case."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def united(first: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Put two lists together, each entry once, in order."""
    return tuple(dict.fromkeys([*first, *more]))
