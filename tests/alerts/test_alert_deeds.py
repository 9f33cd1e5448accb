"""What a person asks for, read: everything wrong with it is told at once, key by key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.alerts.deeds import Asked, read
from gateway.alerts.inputs import (
    Acknowledge,
    Deed,
    Dispatch,
    Extend,
    Join,
    Presence,
    Release,
    Reopen,
    Resolve,
    Shelve,
)
from gateway.model.alert import Outcome
from gateway.model.clock import ClockQuality, iso
from gateway.model.refusal import Refused
from support.alarm_cases import at
from support.rule_house import home_settings

SETTINGS = home_settings({"person": {"KL": {}, "AB": {}}, "group": {"nat": {"persons": ["AB"]}}})
NOW = at(100)


def asked(action: str, **fields: Any) -> Asked:
    """Read what KL asks."""
    return read(action, "KL", fields, now=NOW, settings=SETTINGS)


def wrong(action: str, **fields: Any) -> list[tuple[str, str, str]]:
    """Give everything that is wrong with it."""
    with pytest.raises(Refused) as refused:
        asked(action, **fields)
    found = refused.value
    assert (found.code, found.status) == ("invalid", 422)
    keys = ", ".join(error["key"] for error in found.values["errors"])
    assert found.detail == f"wrong: {keys}"
    return [(error["key"], error["found"], error["expected"]) for error in found.values["errors"]]


UNTIL = "an RFC 3339 time with its zone, or a duration from now on, such as 15m"
REASON = "a reason of at most 280 characters; no names"
TO = "group:NAME or person:NAME that this home knows"


@pytest.mark.parametrize(
    ("action", "fields", "deed"),
    [
        ("acknowledge", {}, Acknowledge("KL", take_over=False)),
        ("acknowledge", {"take_over": False}, Acknowledge("KL", take_over=False)),
        ("acknowledge", {"take_over": True}, Acknowledge("KL", take_over=True)),
        ("join", {}, Join("KL")),
        ("presence", {}, Presence("KL", "page")),
        ("presence", {"how": "tag"}, Presence("KL", "tag")),
        ("presence", {"how": "button"}, Presence("KL", "button")),
        ("extend", {}, Extend("KL")),
        ("release", {}, Release("KL")),
        ("assist", {}, None),
        ("reopen", {}, Reopen("KL")),
        ("dispatch", {"to": "group:nat"}, Dispatch("KL", "group:nat")),
        ("dispatch", {"to": "person:ab"}, Dispatch("KL", "person:AB")),
        ("object", {}, None),
        ("resolve", {"outcome": "assisted"}, Resolve(by="KL", outcome=Outcome.ASSISTED)),
        (
            "resolve",
            {"outcome": "checked", "spoken": True, "presence": True, "was_fall": "unknown"},
            Resolve(by="KL", outcome=Outcome.CHECKED, spoken=True, presence=True, was_fall="unknown"),
        ),
        (
            "resolve",
            {"outcome": "test", "was_fall": True},
            Resolve(by="KL", outcome=Outcome.TEST, was_fall="yes"),
        ),
        (
            "resolve",
            {"outcome": "test", "was_fall": "no"},
            Resolve(by="KL", outcome=Outcome.TEST, was_fall="no"),
        ),
        (
            "resolve",
            {"outcome": "test", "was_fall": False},
            Resolve(by="KL", outcome=Outcome.TEST, was_fall="no"),
        ),
        (
            "resolve",
            {"outcome": "test", "was_fall": "yes"},
            Resolve(by="KL", outcome=Outcome.TEST, was_fall="yes"),
        ),
        (
            "shelve",
            {"until": "15m", "reason": "Sover", "spoken": True},
            Shelve(by="KL", until=NOW.plus(timedelta(minutes=15)), spoken=True, asked="15m"),
        ),
    ],
)
def test_a_request_is_read(action: str, fields: dict[str, Any], deed: Deed | None) -> None:
    """Every action, with what it may say; what is left out has its usual meaning."""
    found = asked(action, **fields)
    assert (found.action, found.by, found.deed) == (action, "KL", deed)
    assert found.undo is False


def test_a_shelf_until_a_time_holds_in_both_times() -> None:
    """A time of day is as far ahead by the monotonic clock; of a clock that was never set too."""
    until = iso(NOW.wall_ns + 600 * 10**9)
    deed = asked("shelve", until=until, reason="Sover").deed
    assert deed == Shelve(by="KL", until=NOW.plus(timedelta(minutes=10)), asked=until)
    dark = at(100, quality=ClockQuality.UNSYNCED)
    late = read("shelve", "KL", {"until": until, "reason": "x"}, now=dark, settings=SETTINGS).deed
    assert isinstance(late, Shelve)
    assert late.until == dark.plus(timedelta(minutes=10))


def test_notes_and_reasons() -> None:
    """A note is trimmed; the reason of a shelf stands for it, where there is none."""
    assert asked("join").note is None
    assert asked("join", note="  på vej ").note == "på vej"
    assert asked("join", note="   ").note is None
    assert asked("join", reason="unasked").note is None
    assert asked("shelve", until="5m", reason=" Sover ").note == "Sover"
    assert asked("shelve", until="5m", reason="Sover", note="Vagten ved det").note == "Vagten ved det"
    assert asked("join", note="n" * 280).note == "n" * 280


def test_an_objection_may_be_taken_back() -> None:
    """It is done to the rule, not to the alert."""
    assert asked("object", undo=True).undo is True
    assert asked("object", undo=False).undo is False


def test_an_unknown_action_is_not_found() -> None:
    """It says which."""
    with pytest.raises(Refused, match="there is no action 'explode'") as refused:
        asked("explode")
    assert (refused.value.code, refused.value.status) == ("not_found", 404)


@pytest.mark.parametrize(
    ("action", "fields", "errors"),
    [
        ("acknowledge", {"take_over": "yes"}, [("take_over", "something else", "true or false")]),
        ("acknowledge", {"take_over": 1}, [("take_over", "a number", "true or false")]),
        ("acknowledge", {"take_over": 1.5}, [("take_over", "a number", "true or false")]),
        ("object", {"undo": []}, [("undo", "a list", "true or false")]),
        ("join", {"note": {}}, [("note", "a table", "a text")]),
        ("join", {"note": True}, [("note", "true or false", "a text")]),
        ("join", {"note": "n" * 281}, [("note", "281 characters", "at most 280 characters")]),
        ("presence", {"how": "spoken"}, [("how", "spoken", "one of button, tag, page")]),
        ("presence", {"how": 7}, [("how", "a number", "one of button, tag, page")]),
        ("dispatch", {}, [("to", "nothing", TO)]),
        ("dispatch", {"to": 7}, [("to", "a number", TO)]),
        ("dispatch", {"to": "nat"}, [("to", "nat", TO)]),
        ("dispatch", {"to": "group:dag"}, [("to", "group:dag", TO)]),
        ("dispatch", {"to": "person:ZZ"}, [("to", "person:ZZ", TO)]),
        ("dispatch", {"to": "channel:sms"}, [("to", "channel:sms", TO)]),
        ("dispatch", {"to": "person:nat"}, [("to", "person:nat", TO)]),
        ("dispatch", {"to": "group:AB"}, [("to", "group:AB", TO)]),
        ("dispatch", {"to": "x" * 90}, [("to", "x" * 80, TO)]),
        ("shelve", {"until": "15m"}, [("reason", "nothing", REASON)]),
        ("shelve", {"until": "15m", "reason": " "}, [("reason", "nothing", REASON)]),
        ("shelve", {"reason": "Sover"}, [("until", "nothing", UNTIL)]),
        (
            "shelve",
            {"until": 15, "reason": "x"},
            [("until", "a number", UNTIL)],
        ),
        ("shelve", {"until": "soon", "reason": "x"}, [("until", "soon", UNTIL)]),
        (
            "shelve",
            {"until": "2026-11-25T10:00:00", "reason": "x"},
            [("until", "2026-11-25T10:00:00", UNTIL)],
        ),
        (
            "shelve",
            {"until": "1m" * 21, "reason": "x"},
            [("until", "42 characters", "at most 40 characters")],
        ),
        (
            "resolve",
            {},
            [
                (
                    "outcome",
                    "nothing",
                    "one of assisted, checked, false_alarm, test, technical, other",
                )
            ],
        ),
        (
            "resolve",
            {"outcome": "auto"},
            [("outcome", "auto", "one of assisted, checked, false_alarm, test, technical, other")],
        ),
        (
            "resolve",
            {"outcome": "other"},
            [("note", "nothing", "a note, for the outcome says nothing by itself; no names")],
        ),
        (
            "resolve",
            {"outcome": "test", "was_fall": "maybe"},
            [("was_fall", "maybe", "yes, no or unknown")],
        ),
        ("resolve", {"outcome": "test", "was_fall": 2}, [("was_fall", "a number", "yes, no or unknown")]),
        ("resolve", {"outcome": "test", "was_fall": []}, [("was_fall", "a list", "yes, no or unknown")]),
        (
            "resolve",
            {"outcome": "test", "spoken": "a", "presence": "b"},
            [("spoken", "something else", "true or false"), ("presence", "something else", "true or false")],
        ),
    ],
)
def test_everything_wrong_is_told_at_once(
    action: str, fields: dict[str, Any], errors: list[tuple[str, str, str]]
) -> None:
    """Which key, what was found, what was expected."""
    assert wrong(action, **fields) == errors


def test_the_outcome_other_says_something_with_a_note() -> None:
    """And nothing without one."""
    found = asked("resolve", outcome="other", note="Sengen flyttet")
    assert found.deed == Resolve(by="KL", outcome=Outcome.OTHER)
    assert found.note == "Sengen flyttet"
