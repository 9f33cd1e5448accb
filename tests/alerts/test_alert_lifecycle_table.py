"""Each input in each state of an alert: what becomes of it is written down here, pair by pair.

The table is written from the specification of the life-cycle, not from the code.
"""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.alerts.effects import Audit, Publish
from gateway.alerts.inputs import (
    Acknowledge,
    Assist,
    BasisChanged,
    Cancelled,
    ConditionGone,
    Deed,
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
from gateway.alerts.lifecycle import step
from gateway.model.alert import Concern, Handling, Outcome, Priority
from support.alarm_cases import at, call, in_state, policies, refusal, room

U, A, S, X, R = (
    Handling.UNACKNOWLEDGED,
    Handling.ACKNOWLEDGED,
    Handling.SHELVED,
    Handling.SUPPRESSED,
    Handling.RESOLVED,
)
ASSIST = call(
    id="0190-assist", key="assist/room-12", rule="assist", kind="assist", priority=Priority.EMERGENCY
)

# What stands for an answer: the state afterwards; `same`: nothing changes and nothing is refused;
# a code: refused with it. KL is the holder (or closed it, or set it aside), AB somebody else.
TABLE: dict[str, tuple[Input, dict[Handling, Handling | str]]] = {
    "pressed again": (call(), {U: U, A: U, S: U, X: U, R: U}),
    "graver": (
        call(kind="help_call.long_press", priority=Priority.EMERGENCY),
        {U: U, A: U, S: U, X: U, R: U},
    ),
    "gone (latched)": (ConditionGone(), {U: "same", A: "same", S: "same", X: "same", R: "wrong_state"}),
    "cancelled by the device": (Cancelled(), {U: U, A: A, S: S, X: X, R: "wrong_state"}),
    "acknowledge": (
        Acknowledge("AB"),
        {U: A, A: "already_acknowledged", S: A, X: "wrong_state", R: "wrong_state"},
    ),
    "acknowledge by the holder": (
        Acknowledge("KL"),
        {U: A, A: "same", S: A, X: "wrong_state", R: "wrong_state"},
    ),
    "take over": (Acknowledge("AB", True), {U: A, A: A, S: A, X: "wrong_state", R: "wrong_state"}),
    "join": (Join("AB"), {U: U, A: A, S: "wrong_state", X: "wrong_state", R: "wrong_state"}),
    "presence": (Presence("AB", "tag"), {U: U, A: A, S: S, X: "wrong_state", R: "wrong_state"}),
    "extend": (Extend("KL"), {U: "wrong_state", A: A, S: "wrong_state", X: "wrong_state", R: "wrong_state"}),
    "extend by another": (
        Extend("AB"),
        {U: "wrong_state", A: "already_acknowledged", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "release": (
        Release("KL"),
        {U: "wrong_state", A: U, S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "release by another": (
        Release("AB"),
        {U: "wrong_state", A: "already_acknowledged", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "assist": (Assist("KL", ASSIST), {U: "same", A: "same", S: "same", X: "same", R: "same"}),
    "resolve": (
        Resolve(by="AB", outcome=Outcome.CHECKED, spoken=True),
        {U: R, A: R, S: R, X: "wrong_state", R: "wrong_state"},
    ),
    "resolve unseen": (
        Resolve(by="AB", outcome=Outcome.CHECKED),
        {U: "presence_missing", A: "presence_missing", S: R, X: "wrong_state", R: "wrong_state"},
    ),
    "resolve as the machine": (
        Resolve(by="AB", outcome=Outcome.AUTO, spoken=True),
        {U: "invalid", A: "invalid", S: "invalid", X: "wrong_state", R: "wrong_state"},
    ),
    "reopen": (Reopen("AB"), {U: "wrong_state", A: "wrong_state", S: "wrong_state", X: "wrong_state", R: A}),
    "reopen beside a newer": (
        Reopen("AB", newer=True),
        {U: "wrong_state", A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "shelve": (
        Shelve(by="AB", until=at(900), spoken=True),
        {U: S, A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "shelve unseen": (
        Shelve(by="AB", until=at(900)),
        {U: "presence_missing", A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "dispatch": (
        Dispatch("AB", "group:nat"),
        {U: A, A: "already_acknowledged", S: A, X: "wrong_state", R: "wrong_state"},
    ),
    "dispatch by the holder": (
        Dispatch("KL", "group:nat"),
        {U: A, A: A, S: A, X: "wrong_state", R: "wrong_state"},
    ),
    "escalate": (
        TimerDue("escalate", -1),
        {U: U, A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "return": (
        TimerDue("return", -1),
        {U: "wrong_state", A: U, S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "warn": (
        TimerDue("warn", -1),
        {U: "wrong_state", A: A, S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "shelf": (
        TimerDue("shelf", -1),
        {U: "wrong_state", A: "wrong_state", S: U, X: "wrong_state", R: "wrong_state"},
    ),
    "a timer of an older state": (
        TimerDue("escalate", 0),
        {U: "wrong_state", A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "a step that failed": (
        NotificationFailed(1, 0),
        {U: U, A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "a step that is over": (
        NotificationFailed(2, 0),
        {U: "wrong_state", A: "wrong_state", S: "wrong_state", X: "wrong_state", R: "wrong_state"},
    ),
    "schedule opens": (ScheduleChanged(None), {U: "same", A: "same", S: "same", X: U, R: "wrong_state"}),
    "maintenance begins": (
        ScheduleChanged("maintenance"),
        {U: "same", A: "same", S: "same", X: X, R: "wrong_state"},
    ),
    "basis ends": (BasisChanged(False), {U: "same", A: "same", S: "same", X: "same", R: "wrong_state"}),
    "holder leaves": (HolderLeft("KL"), {U: "same", A: U, S: "same", X: "same", R: "wrong_state"}),
    "somebody else leaves": (
        HolderLeft("AB"),
        {U: "same", A: "same", S: "same", X: "same", R: "wrong_state"},
    ),
}
PAIRS = [
    pytest.param(given, handling, wanted, id=f"{name} when {handling}")
    for name, (given, row) in TABLE.items()
    for handling, wanted in row.items()
]


@pytest.mark.parametrize(("given", "handling", "wanted"), PAIRS)
def test_pair(given: Input, handling: Handling, wanted: Handling | str) -> None:
    """Every pair of state and input comes out as the table says; what is refused changes nothing."""
    before = in_state(handling)
    if isinstance(given, Occurred) and handling is Handling.SUPPRESSED:
        before = in_state(handling, call(concern=Concern.PRESENCE))
    if isinstance(given, TimerDue) and given.rev < 0:
        given = TimerDue(given.kind, before.rev)
    after, effects = step(before, given, at(30), policies)
    assert after is not None
    if isinstance(wanted, Handling):
        assert refusal(effects) is None
        assert after.handling is wanted
        assert after != before
        assert Publish() in effects
        assert any(isinstance(each, Audit) for each in effects), "every transition is in the audit log"
    elif wanted == "same":
        assert (after, refusal(effects)) == (before, None)
        assert Publish() not in effects
    else:
        found = refusal(effects)
        assert found is not None
        assert found.code == wanted
        assert found.reason
        assert after is before
        audited = [each for each in effects if isinstance(each, Audit)]
        assert [each.what for each in audited] == ["refused"], "what is refused is audited, never ignored"
        assert all(each.by == getattr(given, "by", None) for each in audited)


def test_the_table_is_whole() -> None:
    """No input and no state is left out of the table."""
    inputs = {type(given) for given, _ in TABLE.values()}
    assert inputs == set(_leaves(Input))
    assert len(inputs) == 18
    assert all(set(row) == set(Handling) for _, row in TABLE.values())
    assert len(PAIRS) == len(TABLE) * 5


def test_without_an_alert_only_an_occurrence_makes_one() -> None:
    """Everything else finds no such alert, which is answered and audited."""
    for given, _ in TABLE.values():
        after, effects = step(None, given, at(0), policies)
        if isinstance(given, Occurred):
            assert after is not None
            assert (after.handling, after.rev, after.step) == (U, 1, 1)
        else:
            found = refusal(effects)
            assert (after, found and found.code) == (None, "not_found")


def test_rev_rises_with_each_transition() -> None:
    """Every change of the handling raises `rev` by one."""
    for given, row in TABLE.values():
        for handling in row:
            before = in_state(handling)
            given_now = TimerDue(given.kind, before.rev) if isinstance(given, TimerDue) else given
            after, _ = step(before, given_now, at(30), policies)
            assert after is not None
            opened = handling is R and isinstance(given, Occurred)
            if not opened and after.handling is not before.handling:
                assert after.rev == before.rev + 1


def test_every_deed_is_a_persons() -> None:
    """What a person does names who; nothing acts for nobody."""
    deeds = _leaves(Deed)
    assert len(deeds) == 10
    assert all("by" in each.__dataclass_fields__ for each in deeds)


def test_a_medium_alert_closes_itself_when_its_cause_is_gone() -> None:
    """Gone closes what nobody has and what is held back; what somebody has stays theirs."""
    wanted = {U: R, A: A, S: S, X: R}
    for handling, state in wanted.items():
        before = in_state(handling, room())
        after, effects = step(before, ConditionGone(), at(30), policies)
        assert after is not None
        assert (after.handling, after.condition.value, refusal(effects)) == (state, "gone", None)
        assert after.outcome is (Outcome.AUTO if state is R else None)


def _leaves(union: object) -> list[type]:
    return [leaf for part in get_args(union) for leaf in (_leaves(part) if get_args(part) else [part])]
