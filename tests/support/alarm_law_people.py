"""The law of the life-cycle for what people do; see `support.alarm_law`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.alerts.effects import Audit, Effect, Raise, Tell
from gateway.alerts.inputs import (
    Acknowledge,
    Assist,
    Dispatch,
    Extend,
    Input,
    Join,
    Occurred,
    Presence,
    Release,
    Reopen,
    Resolve,
    Shelve,
)
from gateway.model.alert import Alert, Concern, Handling, Outcome, Present, Priority
from gateway.model.clock import Instant, iso
from support.alarm_law import (
    GONE,
    PRESENT,
    A,
    Law,
    R,
    S,
    U,
    given_back,
    happened,
    opened,
    policies,
    refusal,
    same,
    taken,
)

LONGEST_SHELF = {
    Priority.EMERGENCY: 15,
    Priority.HIGH: 30,
    Priority.MEDIUM: 8 * 60,
    Priority.TECHNICAL: 7 * 24 * 60,
}
"""Minutes."""

FITS: dict[type, tuple[Handling, ...]] = {
    Acknowledge: (U, A, S),
    Join: (U, A),
    Presence: (U, A, S),
    Extend: (A,),
    Release: (A,),
    Resolve: (U, A, S),
    Reopen: (R,),
    Shelve: (U,),
    Dispatch: (U, A, S),
}
"""In which states a person may do what; help for a colleague may be called in each."""


def law(alert: Alert | None, given: Input, now: Instant) -> Law:
    """Say what must come of an input."""
    if alert is None:
        if isinstance(given, Occurred):
            return opened(given, now)
        found = refusal(None, "not_found", "no_such_alert")
        found.audits = [Audit("refused", None, {"reason": "no_such_alert"})]
        return found
    if isinstance(given, Assist):
        told: list[Effect] = [Raise(given.call)]
        return Law() if given.already else Law(audits=[Audit("assist", given.by)], told=told)
    if type(given) not in FITS:
        return happened(alert, given, now)
    if alert.handling not in FITS[type(given)]:
        return refusal(alert, "wrong_state", f"{alert.handling}_alert", given.by)  # type: ignore[union-attr]
    if isinstance(given, Dispatch | Extend | Release) and alert.handling is A:
        return _of_the_holder(alert, given, now)
    if isinstance(given, Dispatch):
        return _sent(given, {**taken(alert, given.by, now), "asked": _asked(alert, given)})
    return _anybodys(alert, given, now)


def _anybodys(alert: Alert, given: Input, now: Instant) -> Law:
    match given:
        case Acknowledge():
            return _acknowledge(alert, given, now)
        case Join():
            return _join(alert, given)
        case Presence():
            return _presence(alert, given, now)
        case Resolve():
            return _resolve(alert, given, now)
        case Shelve():
            return _shelve(alert, given, now)
        case _:
            assert isinstance(given, Reopen)
            return _reopen(alert, given, now)


def _of_the_holder(alert: Alert, given: Dispatch | Extend | Release, now: Instant) -> Law:
    assert alert.taken is not None
    if not same(alert.taken.by, given.by):
        return _somebody_has_it(alert, given.by)
    match given:
        case Dispatch():
            return _sent(given, {"asked": _asked(alert, given)})
        case Release():
            back = given_back(alert, now)
            back.audits = [Audit("released", given.by), *back.audits]
            return back
        case Extend():
            longer = _until(alert, now.plus(timedelta(minutes=10)))
            return (
                Law(transition=True, fields=longer, audits=[Audit("extended", given.by)]) if longer else Law()
            )


def _asked(alert: Alert, given: Dispatch) -> tuple[str, ...]:
    return alert.asked if given.to in alert.asked else (*alert.asked, given.to)


def _join(alert: Alert, given: Join) -> Law:
    holder = alert.taken.by if alert.taken else None
    if same(holder, given.by) or any(same(name, given.by) for name in alert.joined):
        return Law()
    joined = {"joined": (*alert.joined, given.by)}
    return Law(transition=True, fields=joined, audits=[Audit("joined", given.by)])


def _sent(given: Dispatch, fields: dict[str, Any]) -> Law:
    told: list[Effect] = [Tell(given.to, "dispatch", given.by)]
    return Law(
        transition=True, fields=fields, audits=[Audit("dispatched", given.by, {"to": given.to})], told=told
    )


def _somebody_has_it(alert: Alert, by: str) -> Law:
    assert alert.taken is not None
    who = {"by": alert.taken.by, "since": iso(alert.taken.time.wall_ns)}
    return refusal(alert, "already_acknowledged", "already_acknowledged", by, **who)


def _until(alert: Alert, back: Instant) -> dict[str, Any]:
    """Later, and then the holder is asked anew; never sooner."""
    assert alert.taken is not None
    if back.mono_ns <= alert.taken.return_at.mono_ns:
        return {}
    return {"taken": replace(alert.taken, return_at=back), "warned": False}


def _acknowledge(alert: Alert, given: Acknowledge, now: Instant) -> Law:
    fields = taken(alert, given.by, now)
    if alert.handling is not A:
        return Law(transition=True, fields=fields, audits=[Audit("acknowledged", given.by)])
    assert alert.taken is not None
    holder = alert.taken.by
    if same(holder, given.by):
        return Law()
    if not given.take_over:
        return _somebody_has_it(alert, given.by)
    return Law(
        transition=True,
        fields={**fields, "taken_from": holder},
        audits=[Audit("taken_over", given.by, {"from": holder})],
        told=[Tell(f"person:{holder}", "taken_over", given.by)],
    )


def _presence(alert: Alert, given: Presence, now: Instant) -> Law:
    before = alert.present
    again = before is not None and same(before.by, given.by) and before.how == given.how
    if again and before is not None and now.mono_ns - before.time.mono_ns <= 60 * 10**9:
        return Law()
    fields: dict[str, Any] = {"present": Present(given.by, now, given.how)}
    if alert.handling is A:
        fields |= _until(alert, now.plus(policies(alert.policy).presence_after))
    return Law(transition=True, fields=fields, audits=[Audit("present", given.by, {"how": given.how})])


def _invalid(alert: Alert, by: str, key: str, found: str, expected: str) -> Law:
    errors = [{"key": key, "found": found, "expected": expected}]
    return refusal(alert, "invalid", f"invalid_{key}", by, errors=errors)


def _resolve(alert: Alert, given: Resolve, now: Instant) -> Law:
    if given.outcome is Outcome.AUTO:
        return _invalid(alert, given.by, "outcome", "auto", "an outcome that a person can know")
    fall_helped = alert.kind == "fall.detected" and given.outcome is Outcome.ASSISTED
    if given.was_fall is not None and not fall_helped:
        words = "only for a fall with outcome assisted"
        return _invalid(alert, given.by, "was_fall", given.was_fall, words)
    grave = alert.priority in (Priority.EMERGENCY, Priority.HIGH) and alert.concern is not Concern.TECHNICAL
    if grave and not alert.present and not given.presence and not given.spoken:
        return refusal(alert, "presence_missing", "presence_missing", given.by)
    audits = [Audit("resolved", given.by, {"outcome": given.outcome.value, "spoken": given.spoken})]
    present = alert.present
    if present is None and (given.presence or given.spoken):
        present = Present(given.by, now, "page" if given.presence else "spoken")
        audits.append(Audit("present", given.by, {"how": present.how}))
    return Law(
        transition=True,
        fields={
            "handling": R,
            "condition": GONE if alert.latching else alert.condition,
            "present": present,
            "outcome": given.outcome,
            "was_fall": given.was_fall,
            "closed": now,
            "closed_by": given.by,
            "escalate_at": None,
            "shelved_until": None,
            "warned": False,
        },
        audits=audits,
    )


def _shelve(alert: Alert, given: Shelve, now: Instant) -> Law:
    most = LONGEST_SHELF[alert.priority]
    seconds = (given.until.mono_ns - now.mono_ns) / 10**9
    if not 0 < seconds <= most * 60:
        words = f"a time from now on, at most {most} min ahead"
        return _invalid(alert, given.by, "until", f"{seconds / 60:.0f} min ahead", words)
    asks = alert.priority is Priority.EMERGENCY or alert.concern is Concern.SELF
    if asks and not alert.present and not given.spoken:
        return refusal(alert, "presence_missing", "presence_missing", given.by)
    present = alert.present or (Present(given.by, now, "spoken") if given.spoken else None)
    return Law(
        transition=True,
        fields={
            "handling": S,
            "shelved_until": given.until,
            "present": present,
            "escalate_at": None,
            "returned": False,
            "helper": None,
        },
        audits=[Audit("shelved", given.by, {"minutes": round(seconds / 60)})],
    )


def _reopen(alert: Alert, given: Reopen, now: Instant) -> Law:
    assert alert.closed is not None
    if not 0 <= now.mono_ns - alert.closed.mono_ns <= 60 * 10**9:
        return refusal(alert, "wrong_state", "closed_too_long", given.by)
    if given.newer:
        return refusal(alert, "wrong_state", "newer_is_open", given.by)
    fields = taken(alert, given.by, now) | {
        "condition": PRESENT if alert.latching else alert.condition,
        "outcome": None,
        "was_fall": None,
        "closed": None,
        "closed_by": None,
    }
    return Law(transition=True, fields=fields, audits=[Audit("reopened", given.by)])


def words(given: Input) -> tuple[object, ...] | None:
    """Give what makes two deeds one, done again because the answer was lost; None for what has no memory."""
    match given:
        case Release() | Reopen():
            return type(given), given.by.lower()
        case Resolve():
            return Resolve, given.by.lower(), given.outcome
        case Shelve():
            return Shelve, given.by.lower(), given.asked or given.until
        case Dispatch():
            return Dispatch, given.by.lower(), given.to
        case _:
            return None
