"""Every alert that there can be, by what matters to its life-cycle, and every input in its variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

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
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Present, Priority, Taken
from gateway.model.clock import Instant
from support.alarm_cases import at, call

U, A, S, X, R = Handling
NOW = 600.0
"""When the input comes, in seconds of the test; the alert came into its state 20 s before."""
BEFORE = at(NOW - 20)
MINUTE = 60.0

Given = Callable[[Alert], Input]


def alert(handling: Handling, **changes: object) -> Alert:
    """Give an alert in a state, by the fields alone: KL has it, has set it aside, or has closed it."""
    opened = call(policy="plain")
    plain = Alert(
        id="0190-before",
        key=opened.key,
        rule=opened.rule,
        kind=opened.kind,
        concern=opened.concern,
        priority=opened.priority,
        policy="plain",
        device=opened.device,
        place=opened.place,
        label=opened.label,
        title=opened.title,
        do=opened.do,
        raised=at(0),
        last=at(300),
        changed=BEFORE,
        rev=7,
        count=2,
        step=1,
        cycle=1,
        asked=("page", "group:nat"),
        readings=("reading-1",),
        handling=handling,
    )
    shape: dict[str, object] = {
        U: {"escalate_at": at(NOW + 30)},
        A: {"taken": Taken("KL", BEFORE, at(NOW + 9 * MINUTE))},
        S: {"shelved_until": at(NOW + 5 * MINUTE)},
        X: {"suppressed": "schedule", "asked": ()},
        R: {"outcome": Outcome.CHECKED, "closed": BEFORE, "closed_by": "KL"},
    }[handling]
    return replace(plain, **{**shape, **changes})  # type: ignore[arg-type]


def kinds_of_alert() -> Iterator[Alert]:
    """What an alert is: state, condition, priority, concern, how it ends, whether somebody was there.

    Left out is what cannot be: a call or a fall that is held back, an event that is over before it is closed.
    """
    for handling, condition, priority, concern, (latching, auto), there in product(
        Handling,
        Condition,
        Priority,
        (Concern.SELF, Concern.FALL, Concern.PRESENCE, Concern.TECHNICAL),
        ((True, False), (False, False), (False, True)),
        (False, True),
    ):
        if handling is X and concern in (Concern.SELF, Concern.FALL):
            continue
        if latching and condition is Condition.GONE and handling is not R:
            continue
        yield alert(
            handling,
            condition=condition,
            priority=priority,
            concern=concern,
            latching=latching,
            auto_resolve=auto,
            present=Present("AB", at(100), "tag") if there else None,
            kind="fall.detected" if concern is Concern.FALL else "help_call.press",
        )


def histories() -> Iterator[Alert]:
    """What has happened before: who comes along, who had it, how far it has been told, and how often."""
    for handling in Handling:
        for more in (
            {},
            {"joined": ("AB",)},
            {"joined": ("ab", "MN")},
            {"joined": ("kl", "MN")},
            {"joined": ("MN",), "helper": "MN", "returned": True},
            {"step": 2, "asked": ("page", "group:nat", "group:dag")},
            {"step": 3, "asked": ("page", "group:nat", "group:dag", "everyone"), "escalate_at": None},
            {"policy": "grave", "step": 2, "asked": ("page",)},
            {"policy": "grave", "priority": Priority.MEDIUM, "concern": Concern.ROOM, "step": 2},
            {"priority": Priority.MEDIUM, "concern": Concern.ROOM, "step": 3},
            {"priority": Priority.EMERGENCY, "concern": Concern.ROOM, "step": 3},
            {"readings": tuple(f"r{n}" for n in range(50))},
            {"cancelled_at": at(50), "cycle": 4, "count": 9},
            {"present": Present("AB", at(NOW - 60), "page")},
            {"present": Present("AB", at(NOW - 60.001), "page")},
            {"present": Present("AB", at(NOW - 30), "tag")},
            {"present": Present("KL", at(NOW - 30), "page")},
            {"taken_from": "MN"},
            {
                "condition": Condition.GONE,
                "latching": False,
                "auto_resolve": True,
                "priority": Priority.MEDIUM,
                "concern": Concern.ROOM,
            },
            {"test": True},
            {"test": True, "priority": Priority.MEDIUM, "concern": Concern.ROOM},
            {"latching": True, "auto_resolve": True, "condition": Condition.GONE},
        ):
            if handling is not U and "escalate_at" in more:
                more = {key: value for key, value in more.items() if key != "escalate_at"}
            if handling is X and more.get("concern", Concern.SELF) is Concern.SELF:
                more = {**more, "concern": Concern.PRESENCE}
            yield alert(handling, **more)
        match handling:
            case Handling.ACKNOWLEDGED:
                for back in (0, 10, 10.001, 25, 30, 40, 41):
                    held = Taken("KL", BEFORE, at(NOW + back * MINUTE))
                    for warned in (False, True):
                        yield alert(A, taken=held, warned=warned, taken_from="MN", joined=("AB",))
                        yield alert(A, taken=held, warned=warned, policy="grave")
                over = {"condition": Condition.GONE, "latching": False, "auto_resolve": True, "warned": True}
                yield alert(A, **over, priority=Priority.MEDIUM, concern=Concern.ROOM)
            case Handling.RESOLVED:
                for ago in (-1, 0, 59.999, 60, 60.001):
                    yield alert(R, closed=at(NOW - ago), closed_by="KL", was_fall="no", warned=False)
                    yield alert(R, closed=at(NOW - ago), closed_by=None, outcome=Outcome.AUTO, taken=None)
            case Handling.SUPPRESSED:
                yield alert(X, concern=Concern.ROOM, suppressed="maintenance")
            case _:
                pass


def inputs() -> dict[str, Given]:
    """Every input, in every variant that can make a difference."""
    found: dict[str, Given] = {
        "gone": lambda _: ConditionGone(),
        "cancelled": lambda _: Cancelled(),
        "assist": lambda _: Assist("KL", call(id="0190-assist", rule="assist", policy="grave")),
        "assist again": lambda _: Assist("KL", call(id="0190-assist", rule="assist"), already=True),
        "basis begins": lambda _: BasisChanged(True),
        "basis ends, said by AB": lambda _: BasisChanged(False, "AB"),
        "failed": lambda before: NotificationFailed(before.step, before.cycle),
        "failed for nobody on duty": lambda before: NotificationFailed(
            before.step, before.cycle, "duty.empty"
        ),
        "failed in another step": lambda before: NotificationFailed(before.step + 1, before.cycle),
        "failed in another cycle": lambda before: NotificationFailed(before.step, before.cycle - 1),
        "reopen": lambda _: Reopen("AB"),
        "reopen beside a newer": lambda _: Reopen("AB", newer=True),
    }
    for priority, reason, concern in product(Priority, (None, "schedule"), (False, True)):
        found[f"occurs {priority} {reason} {concern}"] = _occurs(priority, reason, personal=concern)
    for name in ("KL", "kl", "AB", "ab", "MN", "kommune-a/nat:KL"):
        found |= {
            f"acknowledge {name}": lambda _, name=name: Acknowledge(name),
            f"take over {name}": lambda _, name=name: Acknowledge(name, take_over=True),
            f"join {name}": lambda _, name=name: Join(name),
            f"extend {name}": lambda _, name=name: Extend(name),
            f"release {name}": lambda _, name=name: Release(name),
            f"dispatch {name}": lambda _, name=name: Dispatch(name, "person:MN"),
            f"dispatch whom was asked {name}": lambda _, name=name: Dispatch(name, "group:nat"),
            f"left {name}": lambda _, name=name: HolderLeft(name),
            f"presence page {name}": lambda _, name=name: Presence(name, "page"),
        }
    for how in ("button", "tag", "spoken"):
        found[f"presence {how}"] = lambda _, how=how: Presence("AB", how)
    for outcome in Outcome:
        found[f"resolve {outcome}"] = lambda _, outcome=outcome: Resolve(
            by="AB", outcome=outcome, spoken=True
        )
    helped = (Outcome.ASSISTED, Outcome.CHECKED)
    for outcome, spoken, there, fall in product(helped, (False, True), (False, True), (None, "unknown")):
        found[f"resolve {outcome} {spoken} {there} {fall}"] = _resolves(outcome, spoken, there, fall)
    spans = [-1, 0, 0.001, 10, 15 * 60, 15 * 60 + 1, 30 * 60, 30 * 60 + 1]
    spans += [8 * 3600, 8 * 3600 + 1, 7 * 86_400, 7 * 86_400 + 1]
    for seconds, spoken in product(spans, (False, True)):
        until = at(NOW).plus(timedelta(seconds=seconds))
        found[f"shelve {seconds} {spoken}"] = lambda _, until=until, spoken=spoken: Shelve(
            by="AB", until=until, spoken=spoken
        )
    found["shelve by another"] = lambda _: Shelve(by="KL", until=at(NOW + 10), spoken=True)
    for kind, older in product(("escalate", "return", "warn", "shelf"), (0, 1, -1)):
        found[f"timer {kind} {older}"] = lambda before, kind=kind, older=older: TimerDue(
            kind, before.rev - older
        )
    for reason in (None, "schedule", "maintenance"):
        found[f"schedule {reason}"] = lambda _, reason=reason: ScheduleChanged(reason)
    return found


def _resolves(outcome: Outcome, spoken: bool, presence: bool, was_fall: Any) -> Given:
    return lambda _: Resolve(by="AB", outcome=outcome, spoken=spoken, presence=presence, was_fall=was_fall)


def _occurs(priority: Priority, reason: str | None, *, personal: bool) -> Given:
    def given(before: Alert) -> Occurred:
        return call(
            id="0190-another",
            key=before.key,
            kind="help_call.long_press",
            priority=priority,
            policy="grave",
            concern=Concern.SELF if personal else Concern.ROOM,
            suppressed=reason,
            title={"da": "Langt kald", "en": "Long call"},
            do={"da": "Gå straks", "en": "Go at once"},
            readings=("reading-2",),
            test=before.test,
            channel=3,
            trial="trial-1",
            detail="said by the device",
            extra={"counter": 4},
            latching=personal,
            auto_resolve=not personal,
        )

    return given


def now() -> Instant:
    """Give the moment of the input."""
    return at(NOW)
