"""What readings come to: calls, falls, states, limits, what is missing; and what holds rules back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.alerts import conditions
from gateway.alerts.verdicts import Judged, Occurrence
from gateway.alerts.watched import watched
from gateway.model.alert import Concern, Priority
from gateway.model.quantities import PRESSES
from support.rule_house import DAY, RuleHouse, driver, home_settings

ALL_DAY = {"start": "00:00", "end": "00:00"}


@pytest.mark.parametrize(
    ("device", "word", "kind", "priority"),
    [
        ("kald-12", "press", "help_call.press", "high"),
        ("kald-12", "double_press", "help_call.double_press", "high"),
        ("kald-12", "long_press", "help_call.long_press", "emergency"),
        ("kald-12", "hold_press", "help_call.long_press", "emergency"),
        ("kald-12", "triple_press", "help_call.triple_press", "emergency"),
        ("kald-12", "long_triple_press", "help_call.long_press", "emergency"),
        ("kald-12", "quadruple_press", "help_call.press", "high"),
        ("kald-12-bad", "press", "help_call.bath", "emergency"),
        ("kald-12-bad", "long_press", "help_call.bath", "emergency"),
    ],
)
def test_a_call_by_word_and_place(device: str, word: str, kind: str, priority: str) -> None:
    """A word that nobody knows counts as a press, never as nothing; a bath makes any press an emergency."""
    assert RuleHouse().says(device, "help_call", word) == [f"+help-call/{device} {kind} {priority}"]


def test_every_press_word_raises_a_call() -> None:
    """No word of the vocabulary is lost."""
    visited = 0
    for word in PRESSES:
        assert RuleHouse().says("kald-12", "help_call", word), word
        visited += 1
    assert visited == 7


def test_each_press_counts() -> None:
    """An event is not an edge: the second press says so too, and it is the engine that joins them."""
    house = RuleHouse()
    assert house.says("kald-12", "help_call", "press") == house.says("kald-12", "help_call", "press")


def test_a_channel_has_a_key_of_its_own() -> None:
    """Two buttons on one device are two alerts."""
    house = RuleHouse()
    assert house.says("kald-12", "help_call", "press", channel=2) == [
        "+help-call/kald-12/2 help_call.press high"
    ]


def test_cancelled_is_shown_and_raises_nothing() -> None:
    """A device's own `cancelled` belongs to the open alert."""
    house = RuleHouse()
    assert house.says("fald-12", "fall", "detected") == ["+fall/fald-12 fall.detected emergency"]
    assert house.says("fald-12", "fall", "cancelled") == ["~fall/fald-12"]
    assert house.says("kald-12", "help_call", "cancelled") == ["~help-call/kald-12"]


def test_a_chain_test_never_joins_a_real_call() -> None:
    """Its key ends in /test and its words say so first."""
    house = RuleHouse()
    judged = house.judge(house.record("kald-12", "help_call", "press", test=True))
    (told,) = judged.verdicts
    assert isinstance(told, Occurrence)
    assert (told.key, told.test) == ("help-call/kald-12/test", True)
    assert told.title["da"] == "PRØVE – Kald – Bolig 12"


def test_what_an_occurrence_says() -> None:
    """Words in both languages, what to do, the evidence; the input of `step` says the same."""
    house = RuleHouse()
    record = house.record("kald-12", "help_call", "press")
    (told,) = house.judge(record).verdicts
    assert isinstance(told, Occurrence)
    assert told.title == {"da": "Kald – Bolig 12", "en": "Call – Bolig 12"}
    assert told.do == {"da": "Gå til boligen", "en": "Go to the home"}
    assert (told.concern, told.policy, told.latching) == (Concern.SELF, "call", True)
    given = told.as_input("01999999-0000-7000-8000-000000000000")
    assert given.readings == (record.id,)
    assert (given.key, given.kind, given.place) == ("help-call/kald-12", "help_call.press", "room-12")


def test_states_say_their_edges_only() -> None:
    """Out of bed is told once, until somebody lies in it again."""
    house = RuleHouse()
    assert house.says("seng-12", "bed_occupancy", True) == []
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]
    assert house.says("seng-12", "bed_occupancy", False) == []
    assert house.says("seng-12", "bed_occupancy", True) == ["-bed-left/seng-12"]
    assert house.says("seng-12", "bed_occupancy", True) == []
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]


def test_not_back_after_twenty_minutes() -> None:
    """Held long enough, the condition counts; its words say how long."""
    house = RuleHouse()
    house.says("seng-12", "bed_occupancy", False)
    assert house.wait(minutes=19, seconds=59) == []
    assert house.wait(seconds=1) == ["+bed-not-back/seng-12 bed.not_back high"]
    assert house.says("seng-12", "bed_occupancy", True) == ["-bed-left/seng-12", "-bed-not-back/seng-12"]
    assert house.timers == {}


def test_back_in_time() -> None:
    """Back before the time is over: nothing is told, and nothing is left to come due."""
    house = RuleHouse()
    house.says("seng-12", "bed_occupancy", False)
    house.wait(minutes=10)
    house.says("seng-12", "bed_occupancy", True)
    assert house.timers == {}
    assert house.wait(hours=1) == []


def test_a_stale_timer_comes_to_nothing() -> None:
    """A timer that was late, its condition being over, says nothing."""
    house = RuleHouse()
    house.says("seng-12", "bed_occupancy", False)
    late = dict(house.timers)
    house.says("seng-12", "bed_occupancy", True)
    house.timers = late
    assert house.wait(hours=1) == []


def test_a_limit_with_hysteresis() -> None:
    """Too hot after half an hour above 28; gone only at 27 and below."""
    house = RuleHouse(at=DAY)
    assert house.says("klima-12", "temperature", 28.1) == []
    assert house.wait(minutes=30) == ["+room-hot/klima-12 room.hot medium"]
    assert house.says("klima-12", "temperature", 27.5) == []
    assert house.says("klima-12", "temperature", 27.0) == ["-room-hot/klima-12"]
    assert house.says("klima-12", "temperature", 28.0) == []
    assert house.wait(hours=1) == []


def test_hazards_from_any_place() -> None:
    """Smoke, carbon monoxide, gas and water need no legal basis and no schedule."""
    house = RuleHouse(at=DAY)
    house.basis.refused = {("room-12", concern) for concern in Concern if concern.personal}
    assert house.says("klima-12", "smoke", True) == ["+smoke/klima-12 smoke emergency"]
    assert house.says("klima-12", "carbon_monoxide", True) == [
        "+carbon-monoxide/klima-12 carbon_monoxide emergency"
    ]
    assert house.says("klima-12", "gas", True) == ["+gas/klima-12 gas emergency"]
    assert house.says("klima-12", "gas", 4.5) == [], "the measurement of a gas meter is no gas alarm"
    assert house.says("vand-12", "moisture", True) == ["+leak/vand-12 leak high"]
    assert house.says("vand-12", "moisture", 80.0) == [], "a plant pot is no leak"


def test_tamper_is_high_where_calls_hang_on_it() -> None:
    """A call button torn off is heard among the calls, a climate sensor is not."""
    house = RuleHouse(at=DAY)
    assert house.says("kald-12", "tamper", True) == ["+tamper/kald-12 tamper high"]
    assert house.says("klima-12", "tamper", True) == ["+tamper/klima-12 tamper technical"]


def test_no_motion_in_a_home_with_its_bath() -> None:
    """One condition a home; the bath counts; what never was is not missed."""
    house = RuleHouse(at=DAY)
    assert house.wait(hours=48) == [], "a home whose sensors never said anything"
    house.says("uro-12", "motion", True)
    house.wait(hours=11)
    house.says("uro-12-bad", "motion", True)
    assert house.wait(hours=11) == []
    house.says("uro-12", "motion", False)  # nothing moves: no sign of life
    assert house.wait(hours=1) == ["+no-motion/room-12 no_motion medium"]
    assert house.wait(hours=24) == []
    assert house.says("uro-12", "motion", True) == ["-no-motion/room-12"]
    assert house.wait(hours=12) == ["+no-motion/room-12 no_motion medium"]


def test_missing_moves_its_timer_seldom() -> None:
    """A sensor that speaks every minute costs no write a minute."""
    house = RuleHouse(at=DAY)
    armed = 0
    for _ in range(600):
        judged = house.judge(house.record("uro-12", "motion", True))
        armed += len(judged.verdicts)
        house.wait(minutes=1)
    assert armed == 9  # one each 72 minutes of ten hours


def test_missing_counts_from_the_last_sight_to_the_second() -> None:
    """Though its timer was not moved for the last one, it fires twelve hours after that one."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.wait(minutes=50)
    house.says("uro-12", "motion", True)
    assert house.wait(hours=11, minutes=59) == []
    assert house.wait(minutes=1) == ["+no-motion/room-12 no_motion medium"]


def test_missing_without_a_basis_is_counted_and_begins_anew() -> None:
    """An objection that came meanwhile: no alert, and nothing waits on."""
    house = RuleHouse(at=DAY)
    house.says("uro-12", "motion", True)
    house.basis.refused = {("room-12", Concern.PRESENCE)}
    assert house.wait(hours=13) == ["?no-motion room-12"]
    assert (house.timers, len(house.memory)) == ({}, 0)
    assert (
        house.take(house.book.due("rule:no-motion/room-12", "missing", house.now, house.memory)) == Judged()
    )


def test_outside_its_schedule_it_is_recorded_only() -> None:
    """In the day a bed is left and recorded; it says when its night begins."""
    house = RuleHouse(at=DAY)
    judged = house.judge(house.record("seng-12", "bed_occupancy", False))
    told = next(verdict for verdict in judged.verdicts if isinstance(verdict, Occurrence))
    assert told.suppressed == "schedule"
    assert told.suppressed_until is not None
    assert told.suppressed_until.wall_ns == datetime(2026, 11, 24, 22, 0, tzinfo=UTC).timestamp() * 1e9
    assert house.book.suppression("bed-left", "seng-12", "room-12", house.now, house.memory)[0] == "schedule"
    house.now = told.suppressed_until
    assert house.book.suppression("bed-left", "seng-12", "room-12", house.now, house.memory) == (None, None)


def test_an_unsynced_clock_suppresses_nothing() -> None:
    """Nobody knows whether it is night: it is."""
    house = RuleHouse({"device": {"seng-12": {"maintenance_until": "2026-11-24T14:00:00Z"}}}, at=DAY)
    house.unsync()
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]


def test_an_overlay_makes_the_night_whole() -> None:
    """start equal to end is the whole day."""
    house = RuleHouse({"alerts": {"rules": {"bed-left": {"schedule": ALL_DAY}}}}, at=DAY)
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]


def test_maintenance_holds_back_but_never_calls_and_falls() -> None:
    """In maintenance a bed is recorded only; a call goes out, marked as a test."""
    until = {"maintenance_until": "2026-11-25T03:00:00Z"}
    house = RuleHouse({"device": dict.fromkeys(("seng-12", "kald-12", "fald-12"), until)})
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high maintenance"]
    assert house.says("kald-12", "help_call", "press") == ["+help-call/kald-12/test help_call.press high"]
    assert house.says("fald-12", "fall", "detected") == ["+fall/fald-12/test fall.detected emergency"]
    house.wait(hours=2)
    assert house.says("kald-12", "help_call", "press") == ["+help-call/kald-12 help_call.press high"]


def test_maintenance_lasts_four_hours_at_most() -> None:
    """A date far off, and restarts meanwhile, make a device quiet no longer than that."""
    house = RuleHouse({"device": {"kald-12": {"maintenance_until": "2027-01-01T00:00:00Z"}}})
    assert house.says("kald-12", "help_call", "press") == ["+help-call/kald-12/test help_call.press high"]
    house.restart(dark=timedelta(hours=3, minutes=59))
    assert house.says("kald-12", "help_call", "press") == ["+help-call/kald-12/test help_call.press high"]
    house.restart(dark=timedelta(minutes=1))
    assert house.says("kald-12", "help_call", "press") == ["+help-call/kald-12 help_call.press high"]


def test_without_a_basis_there_is_no_alert_and_a_count() -> None:
    """Nothing is suppressed in silence; a basis that comes while it lasts lets it be told."""
    house = RuleHouse()
    house.basis.refused = {("room-12", Concern.PRESENCE)}
    assert house.says("seng-12", "bed_occupancy", False) == ["?bed-left room-12"]
    assert house.wait(minutes=20) == ["?bed-not-back room-12"]
    house.basis.refused = set()
    assert house.says("seng-12", "bed_occupancy", False) == ["+bed-left/seng-12 bed.left high"]
    assert house.wait(minutes=20) == ["+bed-not-back/seng-12 bed.not_back high"]


def test_an_objection_to_one_rule_stops_that_rule() -> None:
    """The other rules of the concern go on; the one that is open stays for people to close."""
    house = RuleHouse()
    house.basis.refused = {("room-12", "bed-left")}
    assert house.says("seng-12", "bed_occupancy", False) == ["?bed-left room-12"]
    assert house.says("doer-12", "opening", True) == ["+door-opened/doer-12 door.opened high"]


def test_disabled_rules_say_nothing() -> None:
    """`enabled = false` is off."""
    house = RuleHouse({"alerts": {"rules": {"bed-left": {"enabled": False}}}})
    assert house.says("seng-12", "bed_occupancy", False) == []


def test_where_a_rule_holds() -> None:
    """By place (a home brings its bath along), by device, by kind of place, and not where it is excepted."""
    rules = {"alerts": {"rules": {"leak": {"places": ["room-12"]}, "bed-left": {"devices": ["seng-13"]}}}}
    house = RuleHouse(rules)
    assert house.says("vand-12", "moisture", True) == ["+leak/vand-12 leak high"]
    assert house.says("seng-12", "bed_occupancy", False) == []
    assert house.says("seng-13", "bed_occupancy", False) == ["+bed-left/seng-13 bed.left high"]
    house = RuleHouse({"alerts": {"rules": {"bed-left": {"except_places": ["room-12"]}}}})
    assert house.says("seng-12", "bed_occupancy", False) == []
    assert house.says("seng-13", "bed_occupancy", False) == ["+bed-left/seng-13 bed.left high"]
    house = RuleHouse({"device": {"doer-12": {"place": "hall"}}})
    assert house.says("doer-12", "opening", True) == [], "base watches the doors of homes"


def test_one_place_differs() -> None:
    """An override changes how long, how grave, or turns a rule off, at that place alone."""
    override = [
        {"places": "room-12", "held": "3m", "priority": "medium", "policy": "medium"},
        {"devices": ["seng-13"], "enabled": False},
    ]
    house = RuleHouse({"alerts": {"rules": {"bed-left": {"override": override}}}})
    assert house.says("seng-12", "bed_occupancy", False) == []
    assert house.wait(minutes=3) == ["+bed-left/seng-12 bed.left medium"]
    assert house.says("seng-13", "bed_occupancy", False) == []


def test_two_quantities_that_say_the_same() -> None:
    """`opening` and `door` of one device make one condition: gone when neither holds."""
    house = RuleHouse()
    assert house.says("doer-12", "opening", True) == ["+door-opened/doer-12 door.opened high"]
    assert house.says("doer-12", "door", True) == []
    assert house.says("doer-12", "opening", False) == []
    assert house.says("doer-12", "door", False) == ["-door-opened/doer-12"]


VITAL = {
    "alerts": {
        "rules": {
            "fever": {
                "when": {"quantity": "body_temperature", "above": 38.5},
                "kind": "vital.limit",
                "concern": "vital",
                "priority": "medium",
                "policy": "medium",
            }
        }
    }
}


def test_limits_on_vital_signs_are_off_until_somebody_answers_for_them() -> None:
    """The module loads only with `intended_use` filled in, and marks its alerts by their kind."""
    house = RuleHouse(VITAL)
    assert house.says("klima-12", "body_temperature", 39.0) == []
    use = {"responsible": "kommune-a", "since": "2026-01-01", "grounds": "klasse IIa"}
    house = RuleHouse(VITAL, {"intended_use": use})
    (told,) = house.judge(house.record("klima-12", "body_temperature", 39.0)).verdicts
    assert isinstance(told, Occurrence)
    assert (told.kind, told.detail[:24]) == ("vital.limit", "a limit on a vital sign,")


def test_a_devices_own_word_on_a_vital_sign_is_passed_on() -> None:
    """The device has judged, not Velgate: no declaration is needed, the legal basis is."""
    rule = {
        "when": {"quantity": "irregular_pulse", "state": True},
        "kind": "vital.limit",
        "concern": "vital",
        "priority": "medium",
        "policy": "medium",
    }
    house = RuleHouse({"alerts": {"rules": {"pulse": rule}}})
    assert house.says("klima-12", "irregular_pulse", True) == ["+pulse/klima-12 vital.limit medium"]
    house = RuleHouse({"alerts": {"rules": {"pulse": rule}}})
    house.basis.refused = {("room-12", Concern.VITAL)}
    assert house.says("klima-12", "irregular_pulse", True) == ["?pulse room-12"]


def test_assist_goes_out_whatever_the_rules_say() -> None:
    """A colleague needs help: an emergency at the place, also where somebody turned the rule off."""
    told = RuleHouse().book.assist("room-12")
    assert (told.key, told.kind, told.priority) == ("assist/room-12", "assist", Priority.EMERGENCY)
    assert told.title["da"] == "Kollega har brug for hjælp – Bolig 12"
    off = RuleHouse({"alerts": {"rules": {"assist": {"enabled": False}}}}).book.assist("room-12", test=True)
    assert (off.key, off.policy) == ("assist/room-12/test", "emergency")


def test_a_rule_that_fails_leaves_the_others_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contained: its memory is put back, the others told theirs, and later it alone is judged again."""
    house = RuleHouse()
    real = conditions.on_level

    def broken(bound: object, *args: object) -> object:
        if getattr(bound, "name", "") == "bed-left":
            raise ZeroDivisionError
        return real(bound, *args)  # type: ignore[arg-type]

    monkeypatch.setattr("gateway.alerts.rules.on_level", broken)
    record = house.record("seng-12", "bed_occupancy", False)
    judged = house.judge(record)
    assert [failed.rule for failed in judged.failed] == ["bed-left"]
    assert len(house.timers) == 1, "bed-not-back has judged"
    trouble = judged.failed[0].trouble()
    assert (trouble.kind, trouble.subject, trouble.calls_unheard) == ("rule.failing", "bed-left", False)
    monkeypatch.undo()
    again = house.take(house.book.judge(record, house.now, house.memory, only={"bed-left"}))
    assert [verdict.key for verdict in again.verdicts if isinstance(verdict, Occurrence)] == [
        "bed-left/seng-12"
    ]
    assert len(house.timers) == 1


def test_a_failing_rule_about_calls_says_that_calls_may_go_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its technical alert is high."""

    def broken(*_: object) -> object:
        raise KeyError("x")

    monkeypatch.setattr("gateway.alerts.rules.on_event", broken)
    house = RuleHouse()
    judged = house.judge(house.record("kald-12", "help_call", "press"))
    assert judged.failed[0].calls_unheard
    assert judged.failed[0].error == "KeyError"


def test_what_hangs_on_a_device() -> None:
    """Calls and falls by what a profile means; a whole family's driver counts until a profile says."""
    house = home_settings({"device": {"sos": {"topic": "z/sos", "place": "room-12"}}})
    zigbee = driver("zigbee2mqtt", "help_call", "temperature", heard_every=timedelta(hours=1))
    known = watched(house, lambda _name, device: zigbee if device.topic else driver("bthome", "button"))
    calling = {name for name, device in known.items() if device.calls}
    assert calling == {"kald-12", "kald-12-bad", "fald-12", "sos"}
    assert known["uro-12"].heard_every == timedelta(hours=1)
    assert known["kald-12"].heard_every is None
    assert (known["uro-12"].source, known["kald-12"].source) == ("messages", "radio")
    assert known["klima-12"].battery_type == "CR2477"
