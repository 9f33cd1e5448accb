"""Alerts, occurrences and policies for tests of the life-cycle, in as few words as will do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.alerts.effects import Effect, Refuse
from gateway.alerts.inputs import Acknowledge, Input, Occurred, Resolve, Shelve
from gateway.alerts.lifecycle import step
from gateway.model.alert import Alert, Concern, Handling, Outcome, Priority
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.settings.alerting import Policy, Step

BOOT = "11111111-1111-1111-1111-111111111111"
START_NS = 1_795_530_000 * NS

POLICY = Policy(
    steps=(
        Step(targets=("page", "group:nat"), after=timedelta(minutes=2)),
        Step(targets=("group:dag",), after=timedelta(minutes=3)),
        Step(targets=("everyone",), after=timedelta(minutes=4)),
    )
)
ONCE = POLICY.model_copy(update={"repeat": False})


def at(seconds: float, *, boot: str = BOOT, quality: ClockQuality = ClockQuality.SYNCED) -> Instant:
    """Give the moment so many seconds after the beginning of the test."""
    ns = round(seconds * NS)
    return Instant(START_NS + ns, 5 * NS + ns, boot, quality)


def policies(name: str) -> Policy:
    """Give the policy that does not repeat for `once`, else the usual one."""
    return ONCE if name == "once" else POLICY


def call(**changes: Any) -> Occurred:
    """Give a plain help call from room 12, with changes."""
    plain = Occurred(
        id="0190-alert-1",
        key="help-call/kald-12",
        rule="help-call",
        kind="help_call.press",
        concern=Concern.SELF,
        priority=Priority.HIGH,
        policy="high",
        device="kald-12",
        place="room-12",
        label="Bolig 12",
        title={"da": "Kald – Bolig 12", "en": "Call – Bolig 12"},
        do={"da": "Gå til boligen", "en": "Go to the home"},
        readings=("reading-1",),
    )
    return replace(plain, **changes)


def room(**changes: Any) -> Occurred:
    """Give a room that is too cold: medium, not latching, closes itself."""
    plain = call(
        key="room-cold/klima-12",
        rule="room-cold",
        kind="room.cold",
        concern=Concern.ROOM,
        priority=Priority.MEDIUM,
        policy="once",
        latching=False,
        auto_resolve=True,
    )
    return replace(plain, **changes)


def after(alert: Alert | None, *given: Input, seconds: float = 0) -> Alert:
    """Take a series of inputs that must all be accepted."""
    for each in given:
        alert, effects = step(alert, each, at(seconds), policies)
        assert not refusal(effects), refusal(effects)
    assert alert is not None
    return alert


def refusal(effects: tuple[Effect, ...] | list[Effect]) -> Refuse | None:
    """Give the refusal among the effects."""
    return next((each for each in effects if isinstance(each, Refuse)), None)


def in_state(handling: Handling, opened: Occurred | None = None) -> Alert:
    """Give an alert in a state; KL has taken, shelved or closed it."""
    opened = opened or call()
    if handling is Handling.SUPPRESSED:
        concern = Concern.PRESENCE if opened.concern in (Concern.SELF, Concern.FALL) else opened.concern
        return after(None, replace(opened, concern=concern, suppressed="schedule"))
    alert = after(None, opened)
    match handling:
        case Handling.ACKNOWLEDGED:
            return after(alert, Acknowledge("KL"))
        case Handling.SHELVED:
            return after(alert, Shelve(by="KL", until=at(600), spoken=True))
        case Handling.RESOLVED:
            return after(alert, Resolve(by="KL", outcome=Outcome.ASSISTED, spoken=True))
        case _:
            return alert
