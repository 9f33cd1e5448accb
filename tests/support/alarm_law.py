"""The law of the life-cycle: what alerts.md promises for each input in each state, as a small model.

It is written from the specification, not from the code, and says all of what is to be seen: every field that
changes (any other stays), every line of the audit log, everything that is told, every timer. What a person
last did (`deed`) is no part of it: whether a retry is known is tried by doing it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from gateway.alerts.effects import Audit, CancelTimer, Effect, Notify, Publish, Refuse, SetTimer, Tell
from gateway.alerts.inputs import (
    BasisChanged,
    Cancelled,
    ConditionGone,
    HolderLeft,
    Input,
    NotificationFailed,
    Occurred,
    ScheduleChanged,
    TimerDue,
)
from gateway.alerts.lifecycle import step
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Priority, Taken
from gateway.model.clock import Instant
from gateway.settings.alerting import Policy, Step

MINUTES = {number: timedelta(minutes=number) for number in (2, 3, 4, 5, 6, 10, 12, 30, 40)}
POLICIES = {
    "plain": Policy(
        steps=(
            Step(targets=("page", "group:nat"), after=MINUTES[2]),
            Step(targets=("group:nat", "group:dag"), after=MINUTES[3]),
            Step(targets=("everyone",), after=MINUTES[4]),
        ),
        return_after=MINUTES[10],
        presence_after=MINUTES[30],
        repeat=False,
    ),
    "grave": Policy(
        steps=(
            Step(targets=("page", "everyone"), after=MINUTES[5]),
            Step(targets=("centre:nat",), after=MINUTES[6]),
        ),
        return_after=MINUTES[12],
        presence_after=MINUTES[40],
        repeat=True,
    ),
}
"""No two of their durations and targets are alike, so that none can stand for another."""

U, A, S, X, R = Handling
GONE, PRESENT = Condition.GONE, Condition.PRESENT
FIELDS = tuple(Alert.__dataclass_fields__)
CALLS_AND_FALLS = (Concern.SELF, Concern.FALL)


def differs(before: Alert | None, given: Input, now: Instant, law: Law) -> str | None:
    """Say in what the machine and the law differ; None where they agree."""
    after, effects = step(before, given, now, policies)
    should = law.after(before, now)
    if should is before or should is None or after is None:
        if after is not should:
            return f"{after!r}, not {should!r}"
    else:
        should = replace(should, deed=after.deed)
        if after != should:
            names = [name for name in FIELDS if getattr(after, name) != getattr(should, name)]
            return "; ".join(
                f"{name} {getattr(after, name)!r}, not {getattr(should, name)!r}" for name in names
            )
    should_follow = law.effects(before, should)
    missing = list(should_follow)
    for each in effects:
        if each not in missing:
            return f"{each!r} among the effects, which are to be {should_follow!r}"
        missing.remove(each)
    return f"no {missing!r} among the effects {effects!r}" if missing else None


def policies(name: str) -> Policy:
    """Give the policy of that name; there is no other."""
    return POLICIES[name]


@dataclass
class Law:
    """What must come of one input."""

    fields: dict[str, Any] = field(default_factory=dict)
    """The fields that change."""
    transition: bool = False
    """Whether it is one: then `rev` rises by one and `changed` is now."""
    opens: Alert | None = None
    """Another alert than the one before."""
    refused: Refuse | None = None
    audits: list[Audit] = field(default_factory=list)
    told: list[Effect] = field(default_factory=list)

    def after(self, before: Alert | None, now: Instant) -> Alert | None:
        """Give the alert as it must be."""
        if self.opens is not None or before is None:
            return self.opens
        if not self.fields:
            return before
        moved = {"rev": before.rev + 1, "changed": now} if self.transition else {}
        return replace(before, **moved, **self.fields)

    def effects(self, before: Alert | None, after: Alert | None) -> list[Effect]:
        """Give everything that must follow, where `after` is the alert as it must be."""
        found: list[Effect] = [*self.audits, *self.told]
        if self.refused:
            return [self.refused, *found]
        if after is None or not (self.fields or self.opens):
            return found
        old = timers(before) if before is not None and self.opens is None else {}
        new = timers(after)
        if self.transition or self.opens is not None or old != new:
            found += [SetTimer(kind, due) for kind, due in new.items()]  # type: ignore[arg-type]
            found += [CancelTimer(kind) for kind in old if kind not in new]  # type: ignore[arg-type]
        return [*found, Publish()]


def timers(alert: Alert) -> dict[str, Instant]:
    """Give the timers of a state: the next step; coming back, and being asked 2 min before; the shelf."""
    if alert.handling is U:
        return {"escalate": alert.escalate_at} if alert.escalate_at else {}
    if alert.handling is A:
        assert alert.taken is not None
        back = alert.taken.return_at
        return {"return": back} if alert.warned else {"return": back, "warn": back.plus(-MINUTES[2])}
    if alert.handling is S:
        assert alert.shelved_until is not None
        return {"shelf": alert.shelved_until}
    return {}


def refusal(alert: Alert | None, code: str, reason: str, who: str | None = None, /, **values: Any) -> Law:
    """Refused with a reason and audited, never ignored; `wrong_state` says which state and `rev`."""
    if code == "wrong_state" and alert is not None:
        values |= {"handling": alert.handling.value, "rev": alert.rev}
    return Law(
        refused=Refuse(code, reason, {"reason": reason, **values}),
        audits=[Audit("refused", who, {"code": code, "reason": reason})],
    )


def calling(alert: Alert, now: Instant, **more: Any) -> Law:
    """Unacknowledged, from step 1, which goes out at once."""
    first = POLICIES[more.get("policy", alert.policy)].steps[0]
    return Law(
        transition=True,
        fields={
            "handling": U,
            "suppressed": None,
            "taken": None,
            "taken_from": None,
            "warned": False,
            "shelved_until": None,
            "step": 1,
            "cycle": alert.cycle + 1,
            "escalate_at": now.plus(first.after),
            "asked": first.targets,
            **more,
        },
        told=[Notify(1)],
    )


def ended(now: Instant) -> Law:
    """Closed by its rule."""
    return Law(
        transition=True,
        fields={
            "handling": R,
            "suppressed": None,
            "condition": GONE,
            "outcome": Outcome.AUTO,
            "closed": now,
            "closed_by": None,
            "escalate_at": None,
            "shelved_until": None,
            "warned": False,
        },
        audits=[Audit("auto_resolved")],
    )


def closes_itself(alert: Alert) -> bool:
    """A non-latching rule with `auto_resolve`; never an emergency."""
    return alert.auto_resolve and not alert.latching and alert.priority is not Priority.EMERGENCY


def given_back(alert: Alert, now: Instant) -> Law:
    """Calls again because nobody finished it, unless it is over and closes itself."""
    if alert.condition is GONE and closes_itself(alert):
        return ended(now)
    return calling(alert, now, returned=True)


def same(one: str | None, other: str | None) -> bool:
    """One person, however the initials are written."""
    return one is not None and other is not None and one.lower() == other.lower()


def opened(given: Occurred, now: Instant) -> Law:
    """Raised: step 1 goes out at once; held back, it is only recorded. Calls and falls never are."""
    held = given.suppressed if given.concern not in CALLS_AND_FALLS else None
    first = POLICIES[given.policy].steps[0]
    shared = (
        "id",
        "key",
        "rule",
        "kind",
        "concern",
        "priority",
        "policy",
        "device",
        "place",
        "channel",
        "label",
    )
    shared += ("title", "do", "latching", "auto_resolve", "test", "trial", "detail", "extra")
    alert = Alert(
        **{name: getattr(given, name) for name in shared},
        condition=PRESENT,
        handling=X if held else U,
        suppressed=held,
        rev=1,
        raised=now,
        last=now,
        changed=now,
        count=1,
        step=1,
        cycle=0,
        escalate_at=None if held else now.plus(first.after),
        asked=() if held else first.targets,
        readings=given.readings[-50:],
    )
    if held:
        return Law(opens=alert, audits=[Audit("suppressed", None, {"reason": held})])
    raised = Audit("raised", None, {"kind": given.kind, "priority": given.priority.value})
    return Law(opens=alert, audits=[raised], told=[Notify(1)])


def happened(alert: Alert, given: Input, now: Instant) -> Law:
    """Say what must come of what a device, a timer or the world around it does to an open or closed alert."""
    if isinstance(given, Occurred):
        return opened(given, now) if alert.handling is R else _again(alert, given, now)
    if isinstance(given, TimerDue):
        return _due(alert, given, now)
    if isinstance(given, NotificationFailed):
        return _failed(alert, given, now)
    if alert.handling is R:
        return refusal(alert, "wrong_state", "closed", getattr(given, "by", None))
    if isinstance(given, ConditionGone):
        return _gone(alert, now)
    if isinstance(given, Cancelled):
        return Law(fields={"cancelled_at": now}, audits=[Audit("cancelled")])
    if isinstance(given, BasisChanged):
        return Law(audits=[Audit("basis_changed", given.by, {"present": given.present})])
    if isinstance(given, ScheduleChanged):
        return _schedule(alert, given, now)
    assert isinstance(given, HolderLeft)
    left = [Audit("holder_left", given.by)]
    joined = tuple(name for name in alert.joined if not same(name, given.by))
    if alert.handling is A and alert.taken and same(alert.taken.by, given.by):
        law = given_back(alert, now)
        law.fields["joined"] = joined
        law.audits = [*left, *law.audits]
        return law
    if joined == alert.joined:
        return Law()
    return Law(transition=True, fields={"joined": joined}, audits=left)


def _again(alert: Alert, given: Occurred, now: Instant) -> Law:
    graver = list(Priority).index(given.priority) < list(Priority).index(alert.priority)
    counted: dict[str, Any] = {
        "count": alert.count + 1,
        "last": now,
        "condition": PRESENT,
        "readings": (*alert.readings, *given.readings)[-50:],
        "detail": given.detail or alert.detail,
    }
    if graver:
        counted |= {name: getattr(given, name) for name in ("kind", "title", "do", "priority", "policy")}
    priority = given.priority if graver else alert.priority
    calls = {
        U: graver or alert.test,
        A: graver or priority in (Priority.EMERGENCY, Priority.HIGH),
        S: graver or priority in (Priority.EMERGENCY, Priority.HIGH),
        X: given.suppressed is None or given.concern in CALLS_AND_FALLS,
    }[alert.handling]
    seen = Audit("occurred", None, {"count": alert.count + 1, "kind": given.kind})
    if not calls:
        return Law(fields=counted, transition=graver or alert.condition is GONE, audits=[seen])
    helper = alert.taken.by if alert.taken else alert.helper
    present = alert.present if alert.handling is U else None
    law = calling(alert, now, helper=helper, present=present, **counted)
    law.audits = [seen]
    return law


def _gone(alert: Alert, now: Instant) -> Law:
    if alert.condition is GONE:
        return Law()
    if alert.latching:
        return Law(audits=[Audit("condition_gone", None, {"latched": True})])
    if alert.handling is X or (alert.handling is U and closes_itself(alert)):
        law = ended(now)
    else:
        law = Law(transition=True, fields={"condition": GONE})
    law.audits = [Audit("condition_gone"), *law.audits]
    return law


def _next_step(alert: Alert, now: Instant) -> Law:
    steps = POLICIES[alert.policy].steps
    never_given_up = alert.priority is Priority.EMERGENCY or alert.concern is Concern.SELF
    number = alert.step + 1
    if number > len(steps):
        if not (never_given_up or POLICIES[alert.policy].repeat):
            told = Audit("escalation_ended", None, {"step": alert.step})
            return Law(transition=True, fields={"escalate_at": None}, audits=[told])
        number = len(steps)
    step = steps[number - 1]
    asked = [*alert.asked, *(each for each in step.targets if each not in alert.asked)]
    return Law(
        transition=True,
        fields={"step": number, "escalate_at": now.plus(step.after), "asked": tuple(asked)},
        audits=[Audit("escalated", None, {"step": number})],
        told=[Notify(number)],
    )


def _due(alert: Alert, given: TimerDue, now: Instant) -> Law:
    if given.rev != alert.rev:
        return refusal(alert, "wrong_state", "stale_timer", timer=given.kind)
    match given.kind, alert.handling:
        case "escalate", Handling.UNACKNOWLEDGED:
            return _next_step(alert, now)
        case "return", Handling.ACKNOWLEDGED:
            law = given_back(alert, now)
            law.audits = [Audit("returned", None, {"step": law.fields.get("step", alert.step)}), *law.audits]
            return law
        case "warn", Handling.ACKNOWLEDGED:
            assert alert.taken is not None
            holder = alert.taken.by
            told: list[Effect] = [Tell(f"person:{holder}", "return")]
            return Law(transition=True, fields={"warned": True}, audits=[Audit("warned", holder)], told=told)
        case "shelf", Handling.SHELVED:
            if alert.condition is GONE:
                return ended(now)
            law = calling(alert, now)
            law.audits = [Audit("shelf_ended")]
            return law
        case _:
            return refusal(alert, "wrong_state", "timer_does_not_fit", timer=given.kind)


def _failed(alert: Alert, given: NotificationFailed, now: Instant) -> Law:
    if alert.handling is not U:
        return refusal(alert, "wrong_state", "not_calling")
    if given.step != alert.step or given.cycle != alert.cycle:
        return refusal(alert, "wrong_state", "step_is_over", step=given.step)
    failed = Audit("step_failed", None, {"step": given.step, "why": given.why})
    if alert.step == len(POLICIES[alert.policy].steps):
        return Law(audits=[failed])
    law = _next_step(alert, now)
    law.audits = [failed, *law.audits]
    return law


def _schedule(alert: Alert, given: ScheduleChanged, now: Instant) -> Law:
    if alert.handling is not X:
        return Law(audits=[Audit("schedule_changed", None, {"suppressed": given.suppressed})])
    if given.suppressed == alert.suppressed:
        return Law()
    if given.suppressed is not None:
        held = Audit("suppressed", None, {"reason": given.suppressed})
        return Law(transition=True, fields={"suppressed": given.suppressed}, audits=[held])
    law = calling(alert, now)
    law.audits = [Audit("unsuppressed")]
    return law


def taken(alert: Alert, by: str, now: Instant) -> dict[str, Any]:
    """Give the fields of an alert that somebody has just taken; with presence the longer return timer."""
    policy = POLICIES[alert.policy]
    return {
        "handling": A,
        "taken": Taken(by, now, now.plus(policy.presence_after if alert.present else policy.return_after)),
        "taken_from": None,
        "warned": False,
        "returned": False,
        "helper": None,
        "joined": tuple(name for name in alert.joined if not same(name, by)),
        "shelved_until": None,
        "escalate_at": None,
    }
