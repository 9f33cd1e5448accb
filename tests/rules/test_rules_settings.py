"""Rules and policies as configuration: what does not load, what is warned of, and the base that ships."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.alerts.bound import Bound
from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import LANGUAGES, shipped
from gateway.settings import alerting_checks
from gateway.settings.alerting import Policy, split_target
from gateway.settings.alerting_checks import ways
from gateway.settings.channels import Channel
from gateway.settings.layers import base_folder
from gateway.settings.loader import Loaded, load
from gateway.settings.merge import Node, Origin
from gateway.settings.rules import Rule
from support.rule_house import RuleHouse, home_settings

GATEWAY = """
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
place.room-12 = {label = "Bolig 12"}
person.AB = {rights = ["basis"], channels = ["sms"]}
channel.sms = {kind = "webhook", url = "https://sms.example/send"}
"""


def loaded(folder: Path, more: str = "") -> Loaded:
    """Load a home with base under it."""
    (folder / "gateway.toml").write_text(GATEWAY + more, "utf-8")
    return load(folder)


def told(found: Loaded) -> list[tuple[str | None, str]]:
    """Give the key and the expectation of each finding."""
    return [(finding.key, finding.expected) for finding in found.findings]


def test_base_is_valid_and_says_nothing_in_a_home_with_two_ways(tmp_path: Path) -> None:
    """Every rule, policy, profile and floor of base loads; nothing is wrong with it."""
    found = loaded(tmp_path)
    assert found.findings == ()
    assert len(found.settings.alerts.rules) == 18
    assert len(found.settings.alerts.policies) == 7
    assert len(found.settings.profiles) == 15
    assert len(found.settings.floor) == 7


def test_base_alone_is_valid_and_says_what_it_lacks(tmp_path: Path) -> None:
    """A home that has set up nothing but its staff page works, and is told that this is one way only."""
    site = 'site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}\n'
    (tmp_path / "gateway.toml").write_text(site, "utf-8")
    found = load(tmp_path)
    assert found.errors == ()
    keys = [finding.key for finding in found.warnings]
    assert keys == ["alerts.policies.emergency.steps", "person"]
    assert found.warnings[0].where == "base/policies.toml:8"
    for policy in found.settings.alerts.policies.values():
        assert policy.steps[0].targets[0] == "page"


def test_every_rule_of_base_has_words_a_policy_and_a_line_what_to_do() -> None:
    """A sweep: both languages, each case, each policy there."""
    settings, visited = home_settings(), 0
    for name, rule in settings.alerts.rules.items():
        kinds = [(rule.kind, rule.policy), *((case.kind, case.policy) for case in rule.cases)]
        for kind, policy in kinds:
            words = shipped().title(kind, "Bolig 12")
            do = rule.do or shipped().what_to_do(kind)
            assert do is not None, name
            assert all(words[lang] and do[lang] for lang in LANGUAGES), name
            assert policy in settings.alerts.policies, name
            visited += 1
    assert visited == 23


def test_every_rule_of_base_can_be_bound_and_told() -> None:
    """Each gives an occurrence in words somewhere in a home."""
    house, bound = RuleHouse(), 0
    for name, rule in house.settings.alerts.rules.items():
        if rule.when.watches == "action":
            continue
        for case in (None, *rule.cases):
            kind = case.place_kind if case and case.place_kind else "home"
            calls = bool(case and case.calls)
            word = case.event[0] if case and case.event else None
            held = Bound(name, rule, "kald-12", "room-12", kind, calls)
            given = held.occurrence(shipped(), "Bolig 12", word=word)
            assert given.kind == (case.kind if case else rule.kind)
            assert given.do["da"]
            bound += 1
    assert bound == 22


def test_every_profile_of_base_is_a_table_with_a_title_in_both_languages() -> None:
    """A sweep over the files: each says what it is and what kind it meets."""
    visited = 0
    for path in sorted((base_folder() / "profiles").glob("*.toml")):
        table = tomllib.loads(path.read_text("utf-8"))
        assert table["title"].keys() == {"da", "en"}, path.name
        assert "/" in table["meets"], path.name
        assert path.read_text("utf-8").startswith("# "), "what it is, for who opens it"
        visited += 1
    assert visited == 15


RULE: dict[str, Any] = {
    "when": {"quantity": "opening", "state": True},
    "kind": "door.opened",
    "concern": "presence",
    "priority": "high",
    "policy": "high",
}


OPEN = {"quantity": "opening", "state": True}
NIGHTLY = {"start": "23:00", "end": "07:00"}
IN_12 = {"places": "room-12"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"kind": "door.openned"}, "did you mean door.opened?"),
        ({"kind": "test"}, "a kind of alert that has words"),
        ({"do": {"da": "Se efter"}}, "what to do, in both languages"),
        ({"do": {"da": "Se efter", "en": " "}}, "what to do, in both languages"),
        ({"when": {"quantity": []}}, "a quantity that the rule watches"),
        ({"when": {"quantity": "opening", "state": True, "above": 3}}, "either a state or a limit"),
        ({"when": {"quantity": "opening", "event": "press", "state": True}}, "not both"),
        ({"when": {"quantity": "help_call", "held": "3m"}}, "an event does not last"),
        ({"when": {"quantity": "temperature", "above": 3, "below": 5}}, "below under above"),
        ({"when": {"quantity": "opening", "state": True, "hysteresis": 1}}, "a hysteresis beside"),
        ({"when": {"action": "assist", "quantity": "opening"}}, "an action alone"),
        ({"when": {"quantity": "opening", "missing": "0s"}}, "a duration above zero"),
        ({"priority": "emergency", "auto_resolve": True}, "no emergency closes by itself"),
        ({"latching": True, "auto_resolve": True}, "either latching or auto_resolve"),
        (
            {"latching": True, "schedule": {"start": "23:00", "end": "07:00"}},
            "no schedule where the condition latches",
        ),
        ({"schedule": {"start": "23:00Z", "end": "07:00"}}, "a local time of day"),
        ({"schedule": {"start": 23, "end": "07:00"}}, "a local time of day"),
        ({"schedule": {"start": "23:00", "end": "07:00", "weekdays": [0]}}, "greater than or equal to 1"),
        (
            {"cases": [{"kind": "door.opened", "priority": "high", "policy": "high"}]},
            "event, place_kind or calls",
        ),
        ({"override": [{"held": "3m"}]}, "places, devices or profiles"),
        ({"override": [{"places": "room-12", "above": 3}]}, "where the rule has a limit only"),
        ({"override": [{"places": "room-12", "missing": "3h"}]}, "waits for something only"),
        (
            {
                "when": {"quantity": "opening", "missing": "3h"},
                "override": [{"places": "room-12", "held": "3m"}],
            },
            "watches a state or a limit only",
        ),
        (
            {
                "latching": True,
                "override": [{"places": "a", "schedule": {"start": "23:00", "end": "07:00"}}],
            },
            "no override of schedule",
        ),
        ({"concern": "vital", "when": {"quantity": "spo2", "below": 90}}, 'kind = "vital.limit"'),
        ({"when": {"quantity": "opening", "state": True, "missing": "1h", "above": 3}}, "either missing or"),
        ({"when": {"quantity": "temperature", "rises_by": 3}}, "rises_by or falls_by, and within, together"),
        ({"when": {"quantity": "temperature", "within": "1h"}}, "rises_by or falls_by, and within, together"),
        ({"when": {"quantity": "temperature", "rises_by": 3, "within": "1h", "above": 3}}, "into also"),
        (
            {"when": {"quantity": "temperature", "rises_by": 3, "within": "1h", "hysteresis": 3}},
            "or it would never end",
        ),
        ({"when": {**OPEN, "also": [{"quantity": "motion", "state": False}]}}, 'per = "place" beside also'),
        ({"per": "place", "when": {**OPEN, "also": [{"quantity": "motion"}]}}, "something that lasts"),
        ({"per": "place", "when": {**OPEN, "also": [{"state": False}]}}, "a quantity that the condition"),
        (
            {
                "per": "place",
                "when": {
                    **OPEN,
                    "also": [{"quantity": "motion", "state": True, "missing": "1h", "every": True}],
                },
            },
            "no every beside missing",
        ),
        (
            {"concern": "self", "when": {"quantity": "help_call", "during": NIGHTLY}},
            "neither also nor during for self",
        ),
        (
            {"when": {"quantity": "opening", "missing": "3h"}, "override": [{**IN_12, "during": NIGHTLY}]},
            "an override of during where the rule has it only",
        ),
        (
            {"per": "place", "when": OPEN, "override": [{"devices": "doer-12", "enabled": False}]},
            "an override by places where all devices",
        ),
        (
            {"when": {"quantity": "temperature", "above": 3}, "override": [{**IN_12, "below": 5}]},
            "below under",
        ),
        (
            {"when": {"quantity": "temperature", "above": 3}, "override": [{**IN_12, "rises_by": 5}]},
            "either a limit or a rate",
        ),
    ],
)
def test_a_rule_that_cannot_work_does_not_load(changed: dict[str, Any], expected: str) -> None:
    """And says what was expected."""
    with pytest.raises(ValidationError) as error:
        Rule.model_validate({**RULE, **changed})
    assert expected in str(error.value)


@pytest.mark.parametrize("target", ["group", "group:", "everybody", "sms:+45", ""])
def test_a_target_is_one_of_the_known(target: str) -> None:
    """A step that tells nobody does not load."""
    with pytest.raises(ValidationError):
        Policy.model_validate({"steps": [{"targets": [target], "after": "1m"}]})


def test_a_refused_device_is_told_within_a_minute_whatever_is_configured() -> None:
    """The wait may be shortened, not made longer than a call may be lost."""
    with pytest.raises(ValidationError, match="must not go unheard for a minute"):
        home_settings({"alerts": {"supervision": {"refused_after": "2m"}}})


def test_names_of_rules_are_slugs() -> None:
    """They appear in topics and keys."""
    with pytest.raises(ValidationError, match="lower-case letters"):
        home_settings({"alerts": {"rules": {"Dør åbnet": RULE}}})


def test_targets_split() -> None:
    """Kind and name."""
    assert split_target("group:nat-oest") == ("group", "nat-oest")
    assert split_target("centre:kommune-a/nat") == ("centre", "kommune-a/nat")
    assert split_target("page") == ("page", "")


def test_a_rule_name_of_the_gateways_own_is_refused() -> None:
    """Two rules with one name would share their alerts' keys."""
    with pytest.raises(ValidationError, match="the gateway raises alerts of its own"):
        home_settings({"alerts": {"rules": {"device-silent": RULE}}})


def rule_x(when: str, kind: str, concern: str) -> str:
    """Write a rule of a home."""
    also = 'priority = "medium", policy = "medium"'
    return f'alerts.rules.x = {{when = {when}, kind = "{kind}", concern = "{concern}", {also}}}'


def placed(also: str, concern: str) -> str:
    """Write a rule that combines two conditions at a place."""
    when = f'{{quantity = "opening", state = true, also = [{also}]}}'
    return rule_x(when, "door.unattended", concern).replace("{when", '{per = "place", when', 1)


@pytest.mark.parametrize(
    ("more", "key", "expected"),
    [
        (
            rule_x('{quantity = "heart_rate", above = 120.0}', "room.hot", "room"),
            "alerts.rules.x.concern",
            "vital: heart_rate tells of it",
        ),
        (
            'alerts.rules.help-call.concern = "presence"',
            "alerts.rules.help-call.concern",
            "self: help_call tells of it",
        ),
        (
            rule_x('{quantity = "temperature", state = true}', "room.hot", "room"),
            "alerts.rules.x.when.quantity",
            "a quantity that is reported as state",
        ),
        (
            'alerts.rules.fall.when.event = ["detect"]',
            "alerts.rules.fall.when.event",
            "a word of fall: cancelled, detected",
        ),
        (
            rule_x('{quantity = "measurement_quality", state = "bad"}', "vital.limit", "vital"),
            "alerts.rules.x.when.state",
            "one of ok, questionable",
        ),
        (
            placed('{quantity = "heart_rate", above = 120.0}', "presence"),
            "alerts.rules.x.concern",
            "vital: heart_rate tells of it",
        ),
        (
            placed('{quantity = "motion", state = false}', "room"),
            "alerts.rules.x.concern",
            "presence: opening tells of it",
        ),
        (
            placed('{quantity = "motion", above = 1.0}', "presence"),
            "alerts.rules.x.when.also.0.quantity",
            "a quantity that is reported as measurement",
        ),
        (
            placed('{quantity = "motoin", state = false}', "presence"),
            "alerts.rules.x.when.also.0.quantity",
            "quantity",
        ),
        (
            placed('{quantity = "motion", state = "yes"}', "presence"),
            "alerts.rules.x.when.also.0.state",
            "true or false",
        ),
        (
            placed('{quantity = "motion", state = false, devices = "uro-99"}', "presence"),
            "alerts.rules.x.when.also.0.devices",
            "a device that exists",
        ),
        (
            'alerts.rules.room-hot.override = [{profiles = "ruuvi", above = 30.0}]',
            "alerts.rules.room-hot.override.0.profiles",
            "a profile that exists",
        ),
    ],
)
def test_what_fits_no_reading_is_an_error(tmp_path: Path, more: str, key: str, expected: str) -> None:
    """With its key, its line and what to do; never a rule that quietly watches nothing."""
    found = loaded(tmp_path, more + "\n")
    errors = {finding.key: finding for finding in found.errors}
    assert expected in errors[key].expected
    assert errors[key].where == "gateway.toml:6"
    assert errors[key].do


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("alerts.rules.help-call.enabled = false", "alerts.rules"),
        ("alerts.policies.emergency.repeat = false", "alerts.policies.emergency.repeat"),
        ("alerts.policies.call.repeat = false", "alerts.policies.call.repeat"),
        ('alerts.rules.fall.schedule = {start = "23:00", end = "07:00"}', "alerts.rules.fall.schedule"),
        (
            rule_x('{quantity = "spo2", below = 90.0}', "vital.limit", "vital"),
            "alerts.rules.x",
        ),
        ('person.AB.rights = ["audit"]', "person"),
        ("person.AB.channels = []", "alerts.policies.emergency.steps"),
    ],
)
def test_what_is_weak_is_warned_of(tmp_path: Path, more: str, key: str) -> None:
    """A gateway runs with it all the same."""
    text = GATEWAY
    if more.startswith("person.AB."):
        name, _, value = more.partition(" = ")
        field = name.rpartition(".")[2]
        text = text.replace('rights = ["basis"]', f"rights = {value}") if field == "rights" else text
        text = text.replace('channels = ["sms"]', "channels = []") if field == "channels" else text
        more = ""
    (tmp_path / "gateway.toml").write_text(f"{text}{more}\n", "utf-8")
    found = load(tmp_path)
    assert found.errors == ()
    assert [finding.key for finding in found.warnings] == [key]


def test_an_emergency_by_web_push_alone_is_refused() -> None:
    """R8: push may be late, muted or dropped; it is never the only way."""
    push = Channel.model_validate({"kind": "web_push", "contact": "mailto:teknik@example.org"})
    settings = home_settings({"person": {"AB": {"rights": ["basis"]}}})
    object.__setattr__(settings, "channel", {"push": push})
    alone = Policy.model_validate({"steps": [{"targets": ["channel:push"], "after": "60s"}]})
    assert ways(settings, alone.steps) == {"web_push"}
    settings.alerts.policies["emergency"] = alone
    tree = Node({}, Origin("gateway", "gateway.toml", 1))
    errors = [found for found in alerting_checks.judge(settings, tree) if not found.warning]
    assert "more than Web Push" in errors[0].expected
    assert "goes to the phones of whom a step names" in errors[1].expected
    both = Policy.model_validate({"steps": [{"targets": ["duty"], "after": "60s"}]})
    assert ways(settings, both.steps) == {"page", "web_push"}
    settings.alerts.policies["emergency"] = both
    [said] = alerting_checks.judge(settings, tree)
    assert said.warning
    assert "over HTTPS" in said.expected


def test_ways_are_counted_by_whom_a_target_reaches(tmp_path: Path) -> None:
    """Groups, shifts, persons, rights, a centre: the page and their channels."""
    more = 'person.CD = {}\ngroup.nat = {shifts = [{start = "23:00", end = "07:00", persons = ["ab"]}]}\n'
    settings = loaded(tmp_path, more).settings

    def by(*targets: str) -> set[str]:
        return ways(settings, Policy.model_validate({"steps": [{"targets": targets, "after": "1m"}]}).steps)

    assert by("page") == {"page"}
    assert by("group:nat") == by("person:ab") == by("duty") == by("everyone") == by("right:basis")
    assert by("group:nat") == {"page", "webhook"}
    assert by("person:CD") == {"page"}
    assert by("channel:sms", "centre:kommune-a/nat") == {"webhook", "centre"}


def test_emergencies_and_calls_are_what_they_should_be() -> None:
    """The table of priorities: who is an emergency, who is high, and who never is."""
    rules = home_settings().alerts.rules
    emergencies = {name for name, rule in rules.items() if Priority.EMERGENCY in rule.priorities}
    assert emergencies == {"help-call", "assist", "fall", "smoke", "carbon-monoxide", "gas"}
    assert {name for name, rule in rules.items() if rule.concern is Concern.SELF} == {"help-call", "assist"}
    assert {name for name, rule in rules.items() if rule.concern.personal} == {
        "fall",
        "bed-left",
        "bed-not-back",
        "door-opened",
        "no-motion",
        "door-unattended",
        "no-motion-day",
    }
    assert {name for name, rule in rules.items() if not rule.enabled} == {
        "door-unattended",
        "no-motion-day",
        "room-changing",
        "temperature-missing",
    }
    assert {name for name, rule in rules.items() if rule.schedule} == {
        "bed-left",
        "bed-not-back",
        "door-opened",
    }
