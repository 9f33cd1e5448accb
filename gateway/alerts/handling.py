"""What people do to an alert: one function an input, each decided for every state.

The same input again from the same person is a retry, whose first answer was lost on the way: it is answered
as done. Whatever does not fit is refused with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from gateway.alerts.effects import Audit, Effect, Raise, Tell
from gateway.alerts.inputs import (
    Acknowledge,
    Assist,
    Dispatch,
    Extend,
    Join,
    Presence,
    Release,
    Reopen,
    Resolve,
    Shelve,
)
from gateway.alerts.transition import (
    Policies,
    Transition,
    changed,
    given_back,
    refused,
    same_person,
    united,
)
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Present, Priority, Taken
from gateway.model.clock import Instant, iso

EXTENSION = timedelta(minutes=10)
"""What `extend` leaves the holder at least."""

REOPEN_WITHIN = timedelta(seconds=60)

PRESENCE_RETRY = timedelta(seconds=60)
"""The same presence again within this is a retry; later it is somebody who came back."""

SHELF_MAX = {
    Priority.EMERGENCY: timedelta(minutes=15),
    Priority.HIGH: timedelta(minutes=30),
    Priority.MEDIUM: timedelta(hours=8),
    Priority.TECHNICAL: timedelta(days=7),
}
"""How long an alert may be set aside."""

FALL = "fall.detected"


def acknowledge(alert: Alert, given: Acknowledge, now: Instant, policies: Policies) -> Transition:
    """Escalation stops, the return timer runs. Taking it from another must be asked for apart."""
    match alert.handling:
        case Handling.UNACKNOWLEDGED | Handling.SHELVED:
            return taken(alert, given.by, now, policies), [Audit("acknowledged", given.by)]
        case Handling.ACKNOWLEDGED:
            holder = _holder(alert)
            if same_person(holder.by, given.by):
                return alert, []
            if not given.take_over:
                return _somebody_has_it(alert, given.by)
            after = replace(taken(alert, given.by, now, policies), taken_from=holder.by)
            told = Tell(f"person:{holder.by}", "taken_over", given.by)
            return after, [told, Audit("taken_over", given.by, {"from": holder.by})]
        case Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def join(alert: Alert, given: Join, now: Instant) -> Transition:
    """Note and show that somebody is coming too."""
    match alert.handling:
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED:
            holder = alert.taken.by if alert.taken else None
            if any(same_person(name, given.by) for name in (*alert.joined, holder)):
                return alert, []
            return changed(alert, now, joined=(*alert.joined, given.by)), [Audit("joined", given.by)]
        case Handling.SHELVED | Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def presence(alert: Alert, given: Presence, now: Instant, policies: Policies) -> Transition:
    """Keep who is with the resident; whoever has it gets more time."""
    match alert.handling:
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED:
            before = alert.present
            again = before is not None and same_person(before.by, given.by) and before.how == given.how
            if again and before is not None and now.since(before.time) <= PRESENCE_RETRY:
                return alert, []
            there = changed(alert, now, present=Present(given.by, now, given.how))
            if alert.handling is Handling.ACKNOWLEDGED:
                there = _kept_until(there, now.plus(policies(alert.policy).presence_after), now)
            return there, [Audit("present", given.by, {"how": given.how})]
        case Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def extend(alert: Alert, given: Extend, now: Instant) -> Transition:
    """Leave the holder at least ten minutes from now."""
    match alert.handling:
        case Handling.ACKNOWLEDGED:
            if not same_person(_holder(alert).by, given.by):
                return _somebody_has_it(alert, given.by)
            after = _kept_until(changed(alert, now), now.plus(EXTENSION), now)
            if after.taken == alert.taken:
                return alert, []
            return after, [Audit("extended", given.by)]
        case Handling.UNACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def release(alert: Alert, given: Release, now: Instant, policies: Policies) -> Transition:
    """Let it call again at once, from step 1."""
    deed = _deed("release", given.by)
    match alert.handling:
        case Handling.ACKNOWLEDGED:
            if not same_person(_holder(alert).by, given.by):
                return _somebody_has_it(alert, given.by)
            after, effects = given_back(alert, now, policies)
            return replace(after, deed=deed), [Audit("released", given.by), *effects]
        case Handling.UNACKNOWLEDGED if alert.returned and alert.deed == deed:
            return alert, []
        case Handling.RESOLVED if alert.outcome is Outcome.AUTO and alert.deed == deed:
            return alert, []
        case Handling.UNACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def assist(alert: Alert, given: Assist) -> Transition:
    """Call a colleague to the same place. No state of this alert makes that call unwanted."""
    match alert.handling:
        case (
            Handling.UNACKNOWLEDGED
            | Handling.ACKNOWLEDGED
            | Handling.SHELVED
            | Handling.SUPPRESSED
            | Handling.RESOLVED
        ):
            if given.already:
                return alert, []
            return alert, [Audit("assist", given.by), Raise(given.call)]
        case never:
            assert_never(never)


def resolve(alert: Alert, given: Resolve, now: Instant) -> Transition:
    """Close it. An emergency or high one needs somebody who was there or has spoken with the resident."""
    deed = _deed("resolve", given.by, given.outcome)
    match alert.handling:
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED:
            if given.outcome is Outcome.AUTO:
                return _invalid(alert, given.by, "outcome", "auto", "an outcome that a person can know")
            if given.was_fall is not None and (alert.kind, given.outcome) != (FALL, Outcome.ASSISTED):
                return _invalid(
                    alert, given.by, "was_fall", given.was_fall, "only for a fall with outcome assisted"
                )
            if needs_presence(alert) and not (alert.present or given.presence or given.spoken):
                return refused(alert, "presence_missing", "presence_missing", given.by)
            present = alert.present
            if given.presence or (given.spoken and present is None):
                present = present or Present(given.by, now, "page" if given.presence else "spoken")
            closed = changed(
                alert,
                now,
                handling=Handling.RESOLVED,
                condition=Condition.GONE if alert.latching else alert.condition,
                present=present,
                outcome=given.outcome,
                was_fall=given.was_fall,
                closed=now,
                closed_by=given.by,
                escalate_at=None,
                shelved_until=None,
                warned=False,
                deed=deed,
            )
            how: dict[str, object] = {"outcome": given.outcome.value, "spoken": given.spoken}
            noted: list[Effect] = [Audit("resolved", given.by, how)]
            if present != alert.present and present is not None:
                noted.insert(0, Audit("present", given.by, {"how": present.how}))
            return closed, noted
        case Handling.RESOLVED if alert.deed == deed and same_person(alert.closed_by, given.by):
            return alert, []
        case Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def reopen(alert: Alert, given: Reopen, now: Instant, policies: Policies) -> Transition:
    """Take the closing back within a minute; whoever does has it."""
    deed = _deed("reopen", given.by)
    match alert.handling:
        case Handling.RESOLVED:
            since = now.since(alert.closed) if alert.closed else None
            if since is None or not timedelta(0) <= since <= REOPEN_WITHIN:
                return refused(alert, "wrong_state", "closed_too_long", given.by)
            if given.newer:
                return refused(alert, "wrong_state", "newer_is_open", given.by)
            after = replace(
                taken(alert, given.by, now, policies),
                condition=Condition.PRESENT if alert.latching else alert.condition,
                outcome=None,
                was_fall=None,
                closed=None,
                closed_by=None,
                deed=deed,
            )
            return after, [Audit("reopened", given.by)]
        case Handling.ACKNOWLEDGED if alert.deed == deed and same_person(_holder(alert).by, given.by):
            return alert, []
        case Handling.UNACKNOWLEDGED | Handling.ACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def shelve(alert: Alert, given: Shelve, now: Instant) -> Transition:
    """Set it aside until a time, at most as long as its priority allows."""
    deed = _deed("shelve", given.by, given.asked or str(given.until.wall_ns))
    match alert.handling:
        case Handling.UNACKNOWLEDGED:
            longest = SHELF_MAX[alert.priority]
            span = given.until.since(now)
            if not timedelta(0) < span <= longest:
                minutes = round(longest.total_seconds() / 60)
                return _invalid(
                    alert,
                    given.by,
                    "until",
                    f"{span.total_seconds() / 60:.0f} min ahead",
                    f"a time from now on, at most {minutes} min ahead",
                )
            if alert.lasting and not (alert.present or given.spoken):
                return refused(alert, "presence_missing", "presence_missing", given.by)
            present = alert.present or (Present(given.by, now, "spoken") if given.spoken else None)
            shelved = changed(
                alert,
                now,
                handling=Handling.SHELVED,
                shelved_until=given.until,
                present=present,
                escalate_at=None,
                returned=False,
                helper=None,
                deed=deed,
            )
            return shelved, [Audit("shelved", given.by, {"minutes": round(span.total_seconds() / 60)})]
        case Handling.SHELVED if alert.deed == deed:
            return alert, []
        case Handling.ACKNOWLEDGED | Handling.SHELVED | Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def dispatch(alert: Alert, given: Dispatch, now: Instant, policies: Policies) -> Transition:
    """Send somebody, and have it until one of them takes it over."""
    deed = _deed("dispatch", given.by, given.to)
    told: list[Effect] = [
        Tell(given.to, "dispatch", given.by),
        Audit("dispatched", given.by, {"to": given.to}),
    ]
    match alert.handling:
        case Handling.UNACKNOWLEDGED | Handling.SHELVED:
            after = taken(alert, given.by, now, policies)
            return replace(after, asked=united(alert.asked, [given.to]), deed=deed), told
        case Handling.ACKNOWLEDGED:
            if not same_person(_holder(alert).by, given.by):
                return _somebody_has_it(alert, given.by)
            if alert.deed == deed:
                return alert, []
            return changed(alert, now, asked=united(alert.asked, [given.to]), deed=deed), told
        case Handling.SUPPRESSED | Handling.RESOLVED:
            return refused(alert, "wrong_state", f"{alert.handling}_alert", given.by)
        case never:
            assert_never(never)


def needs_presence(alert: Alert) -> bool:
    """Whether a person may close it only after somebody was there or has spoken with the resident."""
    return alert.priority in {Priority.EMERGENCY, Priority.HIGH} and alert.concern is not Concern.TECHNICAL


def taken(alert: Alert, by: str, now: Instant, policies: Policies) -> Alert:
    """Give the alert as it is when somebody has just taken it."""
    policy = policies(alert.policy)
    back = now.plus(policy.presence_after if alert.present else policy.return_after)
    return changed(
        alert,
        now,
        handling=Handling.ACKNOWLEDGED,
        taken=Taken(by, now, back),
        taken_from=None,
        warned=False,
        returned=False,
        helper=None,
        joined=tuple(name for name in alert.joined if not same_person(name, by)),
        shelved_until=None,
        escalate_at=None,
        deed=_deed("acknowledge", by),
    )


def _kept_until(alert: Alert, back: Instant, now: Instant) -> Alert:
    """Move the holder's time on, never back."""
    holder = _holder(alert)
    if holder.return_at.since(now) >= back.since(now):
        return alert
    return replace(alert, taken=replace(holder, return_at=back), warned=False)


def _holder(alert: Alert) -> Taken:
    assert alert.taken is not None, "an acknowledged alert has a holder"
    return alert.taken


def _somebody_has_it(alert: Alert, by: str) -> Transition:
    holder = _holder(alert)
    values = {"by": holder.by, "since": iso(holder.time.wall_ns)}
    return refused(alert, "already_acknowledged", "already_acknowledged", by, values)


def _invalid(alert: Alert, by: str, key: str, found: str, expected: str) -> Transition:
    errors = [{"key": key, "found": found, "expected": expected}]
    return refused(alert, "invalid", f"invalid_{key}", by, {"errors": errors})


def _deed(action: str, by: str, *words: str) -> str:
    return " ".join([action, by.casefold(), *words])
