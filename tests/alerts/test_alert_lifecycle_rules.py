"""Durations, limits and fine points of the life-cycle, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.alerts.effects import Audit, CancelTimer, Notify, Raise, Refuse, SetTimer, Tell
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
from gateway.alerts.lifecycle import step
from gateway.model.alert import Alert, Concern, Condition, Handling, Outcome, Priority
from support.alarm_cases import after, at, call, in_state, policies, refusal, room

U, A, S, X, R = (
    Handling.UNACKNOWLEDGED,
    Handling.ACKNOWLEDGED,
    Handling.SHELVED,
    Handling.SUPPRESSED,
    Handling.RESOLVED,
)
MIN = 60.0
REQUIRED = (
    "id",
    "key",
    "rule",
    "kind",
    "concern",
    "priority",
    "policy",
    "device",
    "place",
    "label",
    "title",
    "do",
)


def due(alert: Alert, kind: str) -> float | None:
    """Give at which second of the test a timer of an alert is due, as its last transition set it."""
    from gateway.alerts.transition import timers

    at_ = timers(alert).get(kind)  # type: ignore[call-overload]
    return None if at_ is None else at_.since(at(0)).total_seconds()


def code(alert: Alert, given: Input, seconds: float = 30) -> str | None:
    """Give with what an input is refused."""
    found = refusal(step(alert, given, at(seconds), policies)[1])
    return found and found.code


# Taking, and the return timer.


def test_the_return_timer_runs_ten_minutes_and_thirty_with_presence() -> None:
    """Taken is not done."""
    taken = after(after(None, call()), Acknowledge("KL"), seconds=60)
    assert (due(taken, "warn"), due(taken, "return")) == (60 + 8 * MIN, 60 + 10 * MIN)
    there = after(taken, Presence("KL", "tag"), seconds=120)
    assert (due(there, "warn"), due(there, "return")) == (120 + 28 * MIN, 120 + 30 * MIN)
    assert there.present is not None
    assert (there.present.by, there.present.how) == ("KL", "tag")


def test_presence_before_taking_gives_thirty_minutes_at_once() -> None:
    """Somebody who went straight there has the longer time when taking it."""
    taken = after(after(None, call()), Presence("KL", "button"), Acknowledge("KL"))
    assert due(taken, "return") == 30 * MIN


def test_extending_leaves_at_least_ten_minutes_and_never_takes_any() -> None:
    """With twenty-five minutes left, ten more minutes change nothing."""
    taken = after(after(None, call()), Acknowledge("KL"))
    assert due(after(taken, Extend("kl"), seconds=9 * MIN), "return") == 19 * MIN
    there = after(taken, Presence("KL", "page"))
    same, effects = step(there, Extend("KL"), at(5 * MIN), policies)
    assert (same, effects) == (there, ())
    warned = after(there, TimerDue("warn", there.rev), seconds=28 * MIN)
    assert warned.warned
    again = after(warned, Extend("KL"), seconds=29 * MIN)
    assert (again.warned, due(again, "warn"), due(again, "return")) == (False, 37 * MIN, 39 * MIN)


def test_taking_over_tells_the_one_who_had_it() -> None:
    """The hand-over of a shift is asked for apart, and never silent."""
    taken = after(after(None, call()), Acknowledge("KL"))
    found = refusal(step(taken, Acknowledge("AB"), at(40), policies)[1])
    assert found is not None
    assert (found.code, found.values["by"]) == ("already_acknowledged", "KL")
    assert found.values["since"].endswith("Z")
    over, effects = step(taken, Acknowledge("AB", take_over=True), at(40), policies)
    assert over is not None
    assert over.taken is not None
    assert (over.taken.by, over.taken_from, due(over, "return")) == ("AB", "KL", 40 + 10 * MIN)
    assert Tell("person:KL", "taken_over", "AB") in effects


def test_a_retry_is_answered_as_done() -> None:
    """The same from the same person again changes nothing and is no error."""
    called = after(None, call())
    twice: list[tuple[Alert, Input]] = [
        (called, Acknowledge("KL")),
        (called, Join("AB")),
        (called, Presence("KL", "tag")),
        (in_state(A), Release("KL")),
        (in_state(A), Dispatch("KL", "group:nat")),
        (in_state(A), Resolve(by="AB", outcome=Outcome.CHECKED, spoken=True)),
        (in_state(R), Reopen("KL")),
        (called, Shelve(by="KL", until=at(600), spoken=True)),
        (called, Dispatch("kommune-a/nat:KL", "group:nat")),
    ]
    for alert, given in twice:
        once = after(alert, given, seconds=10)
        assert step(once, given, at(12), policies) == (once, ()), given
    assert len(twice) == 9


def test_a_later_deed_of_somebody_else_ends_the_retry() -> None:
    """Given back by KL and taken by AB since: KL's giving back is refused, not done again."""
    back = after(in_state(A), Release("KL"))
    taken = after(back, Acknowledge("AB"))
    assert code(taken, Release("KL")) == "already_acknowledged"
    closed = after(taken, Resolve(by="AB", outcome=Outcome.CHECKED, spoken=True))
    assert code(closed, Resolve(by="AB", outcome=Outcome.ASSISTED, spoken=True)) == "wrong_state"
    assert code(closed, Resolve(by="KL", outcome=Outcome.CHECKED, spoken=True)) == "wrong_state"


def test_giving_back_calls_again_at_once_from_step_one() -> None:
    """And the card says that nobody finished."""
    second = after(after(None, call()), TimerDue("escalate", 1), seconds=120)
    assert second.step == 2
    back, effects = step(after(second, Acknowledge("KL")), Release("KL"), at(200), policies)
    assert back is not None
    assert (back.handling, back.step, back.returned, back.taken) == (U, 1, True, None)
    assert Notify(1) in effects
    assert due(back, "escalate") == 200 + 2 * MIN


def test_a_holder_who_leaves_gives_back_and_is_no_longer_coming() -> None:
    """Only what that person has is given back."""
    taken = after(in_state(A), Join("AB"))
    assert after(taken, HolderLeft("AB")).joined == ()
    left = after(taken, HolderLeft("kl"))
    assert (left.handling, left.returned, left.joined) == (U, True, ("AB",))


def test_presence_again_is_a_retry_for_a_minute_and_then_somebody_who_came_back() -> None:
    """The same person, the same way; another way is told at once."""
    there = after(after(None, call()), Presence("KL", "tag"), seconds=100)
    assert step(there, Presence("kl", "tag"), at(160), policies) == (there, ())
    back = after(there, Presence("KL", "tag"), seconds=160.001)
    assert back.present is not None
    assert back.present.time == at(160.001)
    assert after(there, Presence("KL", "page"), seconds=101).rev == there.rev + 1


def test_what_somebody_released_long_ago_is_no_retry_once_another_has_had_it() -> None:
    """AB took it since and ran out of time: that KL lets it call again is nothing done."""
    back = after(in_state(A), Release("KL"))
    taken = after(back, Acknowledge("AB"))
    again = after(taken, TimerDue("return", taken.rev), seconds=600)
    assert (again.handling, again.returned) == (U, True)
    assert code(again, Release("KL")) == "wrong_state"


# Occurring again.


def test_pressing_again_before_anybody_took_it_counts_and_is_no_transition() -> None:
    """An answer to the first press is an answer to both: `rev` stays, and so does the timer."""
    first = after(None, call())
    again, effects = step(first, call(readings=("reading-2",)), at(30), policies)
    assert again is not None
    assert (again.count, again.rev, again.readings) == (2, 1, ("reading-1", "reading-2"))
    assert again.last == at(30)
    assert not any(isinstance(each, Notify | SetTimer | CancelTimer) for each in effects)


def test_pressing_again_while_somebody_has_it_calls_again_and_keeps_the_helper() -> None:
    """Whoever was with the resident before may have gone: presence is to be recorded anew."""
    there = after(in_state(A), Presence("KL", "tag"))
    again, effects = step(there, call(), at(300), policies)
    assert again is not None
    assert (again.handling, again.step, again.helper, again.taken) == (U, 1, "KL", None)
    assert (again.returned, again.present) == (False, None)
    assert Notify(1) in effects
    taken = after(again, Acknowledge("AB"))
    assert (taken.helper, code(taken, Resolve(by="AB", outcome=Outcome.ASSISTED))) == (
        None,
        "presence_missing",
    )


def test_a_medium_alert_that_occurs_again_stays_with_who_has_it() -> None:
    """Only emergencies and high ones call again."""
    for state in (A, S):
        before = in_state(state, room())
        assert after(before, room()).handling is state


def test_a_graver_occurrence_raises_kind_priority_and_policy_from_step_one() -> None:
    """A long press after a plain one; nothing lowers it again."""
    second = after(after(None, call()), TimerDue("escalate", 1), seconds=120)
    long = call(kind="help_call.long_press", priority=Priority.EMERGENCY, policy="emergency")
    graver, effects = step(second, long, at(130), policies)
    assert graver is not None
    assert (graver.kind, graver.priority, graver.policy, graver.step, graver.count) == (
        "help_call.long_press",
        Priority.EMERGENCY,
        "emergency",
        1,
        2,
    )
    assert Notify(1) in effects
    lighter = after(graver, call())
    assert (lighter.kind, lighter.priority, lighter.policy) == (graver.kind, graver.priority, graver.policy)


def test_a_graver_occurrence_calls_again_even_where_the_old_one_was_medium() -> None:
    """What was medium and taken is now something else."""
    taken = in_state(A, room())
    assert after(taken, room(priority=Priority.HIGH)).handling is U


def test_the_device_that_takes_it_back_changes_nothing_but_says_so() -> None:
    """People close calls and falls."""
    fall = after(None, call(kind="fall.detected", concern=Concern.FALL, priority=Priority.EMERGENCY))
    said = after(fall, Cancelled(), seconds=20)
    assert replace(said, cancelled_at=None) == fall
    assert said.cancelled_at == at(20)


def test_of_a_long_series_the_newest_fifty_readings_are_named() -> None:
    """The count says how many there were."""
    alert = after(None, call(readings=tuple(f"r{number}" for number in range(60))))
    assert alert.readings == tuple(f"r{number}" for number in range(10, 60))
    again = after(alert, call(readings=("r60",)))
    assert (len(again.readings), again.readings[0], again.readings[-1]) == (50, "r11", "r60")


def test_a_test_proves_the_way_anew_each_time() -> None:
    """A second test of a device is told again; a real call that nobody took is on its way already."""
    trial = after(None, call(test=True, key="help-call/kald-12/test"))
    again = after(trial, call(test=True, key="help-call/kald-12/test"), seconds=30)
    assert (again.handling, again.step, again.cycle) == (U, 1, trial.cycle + 1)


# Conditions.


def test_a_condition_that_ends_closes_only_what_may_close_itself() -> None:
    """Never an emergency, never a latched event, never what somebody has."""
    assert after(after(None, room()), ConditionGone()).outcome is Outcome.AUTO
    kept = after(after(None, room(auto_resolve=False)), ConditionGone())
    assert (kept.handling, kept.condition) == (U, Condition.GONE)
    emergency = after(after(None, room(priority=Priority.EMERGENCY)), ConditionGone())
    assert (emergency.handling, emergency.condition) == (U, Condition.GONE)
    latched = after(None, call())
    assert step(latched, ConditionGone(), at(5), policies)[0] == latched


def test_what_is_over_does_not_call_again_when_its_holder_runs_out_of_time() -> None:
    """A cold room that is warm again closes itself instead of coming back."""
    taken = after(in_state(A, room()), ConditionGone())
    back = after(taken, TimerDue("return", taken.rev), seconds=600)
    assert (back.handling, back.outcome) == (R, Outcome.AUTO)
    open_ = after(in_state(A, room()), TimerDue("return", 2), seconds=600)
    assert open_.handling is U


def test_the_time_of_a_shelved_alert_is_up() -> None:
    """Still so: it calls. Over: it is closed."""
    shelved = in_state(S, room())
    assert after(shelved, TimerDue("shelf", shelved.rev), seconds=600).handling is U
    over = after(shelved, ConditionGone())
    assert after(over, TimerDue("shelf", over.rev), seconds=600).outcome is Outcome.AUTO


# Escalation.


def test_steps_follow_one_another_and_the_last_repeats_for_whatever_may_not_be_given_up() -> None:
    """An emergency, and whatever a resident calls, also where the policy would end."""
    for opened in (
        call(policy="once"),
        room(priority=Priority.EMERGENCY),
        call(concern=Concern.SELF, priority=Priority.MEDIUM, policy="once"),
    ):
        alert, steps = after(None, opened), [1]
        for seconds in (120, 300, 540, 780):
            alert = after(alert, TimerDue("escalate", alert.rev), seconds=seconds)
            steps.append(alert.step)
        assert steps == [1, 2, 3, 3, 3]
        assert due(alert, "escalate") == 780 + 4 * MIN


def test_a_policy_that_does_not_repeat_ends_after_its_last_step() -> None:
    """The alert stays open; nobody is told again."""
    alert = after(None, room())
    for seconds in (120, 300, 540):
        alert = after(alert, TimerDue("escalate", alert.rev), seconds=seconds)
    assert (alert.handling, alert.step, due(alert, "escalate")) == (U, 3, None)


def test_a_step_that_reached_nobody_does_not_wait() -> None:
    """The next starts at once; the last one is tried on and on."""
    alert, effects = step(after(None, call()), NotificationFailed(1, 0), at(1), policies)
    assert alert is not None
    assert (alert.step, Notify(2) in effects, due(alert, "escalate")) == (2, True, 1 + 3 * MIN)
    last = after(alert, NotificationFailed(2, 0), seconds=2)
    same, effects = step(last, NotificationFailed(3, 0), at(3), policies)
    assert (same, refusal(effects)) == (last, None)


def test_a_timer_of_an_older_revision_is_refused() -> None:
    """Each transition sets timers anew, at its own revision."""
    first = after(None, call())
    joined, effects = step(first, Join("AB"), at(20), policies)
    assert joined is not None
    assert [each for each in effects if isinstance(each, SetTimer)] == [SetTimer("escalate", at(120))]
    assert code(joined, TimerDue("escalate", first.rev), 120) == "wrong_state"
    assert after(joined, TimerDue("escalate", joined.rev), seconds=120).step == 2


# Setting aside.


@pytest.mark.parametrize(
    ("opened", "longest"),
    [
        (call(priority=Priority.EMERGENCY), timedelta(minutes=15)),
        (call(), timedelta(minutes=30)),
        (room(), timedelta(hours=8)),
        (room(priority=Priority.TECHNICAL, concern=Concern.TECHNICAL), timedelta(days=7)),
    ],
)
def test_how_long_an_alert_may_be_set_aside(opened: Occurred, longest: timedelta) -> None:
    """By its priority; and from now on, never back."""
    alert = after(None, opened)
    seconds = longest.total_seconds()
    assert code(alert, Shelve(by="KL", until=at(30 + seconds), spoken=True)) is None
    assert code(alert, Shelve(by="KL", until=at(31 + seconds), spoken=True)) == "invalid"
    assert code(alert, Shelve(by="KL", until=at(30), spoken=True)) == "invalid"


def test_an_emergency_or_a_call_is_set_aside_only_by_who_was_there_or_has_spoken() -> None:
    """A door alarm of priority high needs neither."""
    assert code(after(None, call()), Shelve(by="KL", until=at(600))) == "presence_missing"
    smoke = after(None, room(priority=Priority.EMERGENCY))
    assert code(smoke, Shelve(by="KL", until=at(600))) == "presence_missing"
    door = after(None, room(priority=Priority.HIGH))
    assert code(door, Shelve(by="KL", until=at(600))) is None
    there = after(after(None, call()), Presence("KL", "tag"))
    assert code(there, Shelve(by="KL", until=at(600))) is None


# Held back.


def test_what_is_held_back_tells_nobody_and_calls_when_the_reason_ends() -> None:
    """Outside the schedule it is recorded."""
    held, effects = step(None, room(suppressed="schedule"), at(0), policies)
    assert held is not None
    assert (held.handling, held.suppressed, held.asked) == (X, "schedule", ())
    assert not any(isinstance(each, Notify | SetTimer) for each in effects)
    calling, effects = step(held, ScheduleChanged(None), at(60), policies)
    assert calling is not None
    assert (calling.handling, calling.suppressed, Notify(1) in effects) == (U, None, True)
    assert after(held, ConditionGone()).handling is R


@pytest.mark.parametrize("concern", [Concern.SELF, Concern.FALL])
def test_calls_and_falls_are_never_held_back(concern: Concern) -> None:
    """Whatever the rule says."""
    for reason in ("schedule", "maintenance"):
        assert after(None, call(concern=concern, suppressed=reason)).handling is U


# Closing.


def test_closing_records_who_was_there() -> None:
    """The closing itself may say so; a button at the door has said it before."""
    alert = after(None, call())
    spoken = after(alert, Resolve(by="AB", outcome=Outcome.CHECKED, spoken=True))
    assert spoken.present is not None
    assert (spoken.present.how, spoken.closed_by) == ("spoken", "AB")
    there = after(alert, Resolve(by="AB", outcome=Outcome.CHECKED, presence=True))
    assert there.present is not None
    assert there.present.how == "page"
    tagged = after(alert, Presence("KL", "tag"), Resolve(by="AB", outcome=Outcome.CHECKED, spoken=True))
    assert tagged.present is not None
    assert (tagged.present.by, tagged.present.how) == ("KL", "tag")


def test_that_somebody_was_there_is_noted_before_the_closing() -> None:
    """In the order in which a person reads the log."""
    given = Resolve(by="AB", outcome=Outcome.CHECKED, presence=True)
    _, effects = step(after(None, call()), given, at(20), policies)
    assert [each.what for each in effects if isinstance(each, Audit)] == ["present", "resolved"]


def test_a_closing_of_which_nobody_knows_when_is_not_taken_back() -> None:
    """It may be any time ago."""
    closed = replace(in_state(R), closed=None)
    assert code(closed, Reopen("AB")) == "wrong_state"


def test_who_may_be_closed_from_afar() -> None:
    """Technical alerts of priority high, and everything medium."""
    technical = call(concern=Concern.TECHNICAL, kind="call_device.silent")
    assert code(after(None, technical), Resolve(by="KL", outcome=Outcome.TECHNICAL)) is None
    assert code(after(None, room()), Resolve(by="KL", outcome=Outcome.CHECKED)) is None
    assert code(after(None, call()), Resolve(by="KL", outcome=Outcome.CHECKED)) == "presence_missing"


def test_whether_it_was_a_fall_is_asked_of_falls_that_were_helped() -> None:
    """That is the only way a detector's hit rate becomes known."""
    fall = after(None, call(kind="fall.detected", concern=Concern.FALL, priority=Priority.EMERGENCY))
    closed = after(fall, Resolve(by="KL", outcome=Outcome.ASSISTED, presence=True, was_fall="no"))
    assert closed.was_fall == "no"
    given = Resolve(by="KL", outcome=Outcome.ASSISTED, presence=True, was_fall="no")
    assert code(after(None, call()), given) == "invalid"


def test_a_closing_may_be_taken_back_within_a_minute() -> None:
    """By anybody, who then has it; unless a newer one is open, or somebody's clock has moved."""
    closed = after(in_state(A), Resolve(by="KL", outcome=Outcome.CHECKED, spoken=True), seconds=100)
    again = after(closed, Reopen("AB"), seconds=160)
    assert again.taken is not None
    assert (again.handling, again.taken.by, again.outcome, again.closed) == (A, "AB", None, None)
    assert again.condition is Condition.PRESENT
    assert code(closed, Reopen("AB"), 160.1) == "wrong_state"
    assert code(closed, Reopen("AB", newer=True), 110) == "wrong_state"
    jumped = replace(at(110), wall_ns=at(110).wall_ns + 10**18)
    assert refusal(step(closed, Reopen("AB"), jumped, policies)[1]) is None


def test_help_for_a_colleague_is_another_alert() -> None:
    """This one stays as it is."""
    helped = call(id="0190-assist", key="assist/room-12", kind="assist", priority=Priority.EMERGENCY)
    alert = in_state(A)
    same, effects = step(alert, Assist("KL", helped), at(20), policies)
    assert same is alert
    assert Raise(helped) in effects
    assert step(alert, Assist("KL", helped, already=True), at(21), policies) == (alert, ())


def test_sending_somebody_takes_it_until_one_of_them_does() -> None:
    """The alert counts as taken by who sent, and whoever is sent takes it over."""
    alert = after(None, call())
    sent, effects = step(alert, Dispatch("kommune-a/nat:KL", "group:nat"), at(20), policies)
    assert sent is not None
    assert sent.taken is not None
    assert (sent.handling, sent.taken.by, "group:nat" in sent.asked) == (A, "kommune-a/nat:KL", True)
    assert Tell("group:nat", "dispatch", "kommune-a/nat:KL") in effects
    assert code(sent, Acknowledge("AB")) == "already_acknowledged"
    assert after(sent, Acknowledge("AB", take_over=True)).taken_from == "kommune-a/nat:KL"


def test_what_an_effect_or_an_input_does_not_say_is_nothing() -> None:
    """Nobody, no detail: the gateway itself, without more to tell."""
    assert Audit("raised") == Audit("raised", None, {})
    assert Tell("person:KL", "return") == Tell("person:KL", "return", None)
    assert Refuse("invalid", "invalid_until") == Refuse("invalid", "invalid_until", {})
    assert Acknowledge("KL") == Acknowledge("KL", False)
    assert Reopen("KL") == Reopen("KL", False)
    assert Assist("KL", call()) == Assist("KL", call(), False)
    assert BasisChanged(True) == BasisChanged(True, None)
    assert NotificationFailed(1, 0) == NotificationFailed(1, 0, "channel.failing")
    closing = Resolve(by="KL", outcome=Outcome.CHECKED)
    assert (closing.spoken, closing.presence, closing.was_fall) == (False, False, None)
    shelf = Shelve(by="KL", until=at(600))
    assert (shelf.spoken, shelf.asked) == (False, None)
    plain = call(readings=())
    given = {name: getattr(plain, name) for name in REQUIRED}
    assert Occurred(**given) == plain
    assert (plain.channel, plain.suppressed, plain.trial) == (None, None, None)
    assert (plain.latching, plain.auto_resolve, plain.test) == (True, False, False)
    assert (plain.readings, plain.detail, plain.extra) == ((), "", {})
