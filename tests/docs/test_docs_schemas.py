"""The published JSON Schemas: they take what the code really makes, and refuse what it never may."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from docs.making import samples
from docs.making.asyncapi import command_schema
from gateway.board import documents
from gateway.model.alert import Handling
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.quantities import ALL
from gateway.model.readings import Kind, Record
from gateway.outlets.mqtt_commands import ACTIONS
from support.alarm_cases import after, at, call, in_state, room
from support.doc_pages import DOCS
from support.vectors import MODULES, vectors

NAMES = ("reading-1", "alert-1", "device-1", "health-1", "notification-1")
NOW = Instant(1_795_530_000 * NS, 5 * NS, "boot", ClockQuality.SYNCED)


def schema(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((DOCS / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return made


def validator(name: str, *, strict: bool = False) -> Draft202012Validator:
    """A validator that knows dates and ids; `strict`: a key that the schema does not name is wrong."""
    made = schema(name)
    if strict:
        closed(made)
    return Draft202012Validator(made, format_checker=FormatChecker())


def closed(part: Any) -> None:
    if isinstance(part, dict):
        if "properties" in part and "required" in part:
            part["additionalProperties"] = False
        for item in part.values():
            closed(item)
    elif isinstance(part, list):
        for item in part:
            closed(item)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_its_example_fits(name: str) -> None:
    """By the meta-schema; each key has words."""
    made = schema(name)
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    validator(name, strict=True).validate(made["examples"][0])
    unnamed = [
        key
        for key, part in made["properties"].items()
        if not part.keys() & {"description", "const", "properties"}
    ]
    assert unnamed == []
    assert len(list((DOCS / "schemas").iterdir())) == len(NAMES)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("reading-1", samples.readings()),
        ("alert-1", samples.alerts()),
        ("device-1", samples.devices()),
        ("health-1", samples.healths()),
        ("notification-1", samples.notifications()),
    ],
)
def test_documents_of_the_code_fit(name: str, made: list[dict[str, Any]]) -> None:
    """Nothing missing, and nothing that the schema does not name."""
    checking = validator(name, strict=True)
    for document in made:
        checking.validate(json.loads(json.dumps(document)))
    assert len(made) >= 2


def test_every_reading_of_every_vector_fits() -> None:
    """What the drivers make of real frames, as it is published."""
    checking, visited = validator("reading-1", strict=True), 0
    for module in MODULES:
        for vector in vectors(module):
            for said in vector.expect["readings"]:
                record = Record(
                    id=samples.READING_ID,
                    device="device-1",
                    place="room-1",
                    quantity=said["quantity"],
                    kind=Kind(said["kind"]),
                    value=said["value"],
                    unit=said.get("unit"),
                    channel=said.get("channel"),
                    time_ns=NOW.wall_ns,
                    at=NOW,
                    driver=f"{module.replace('_', '-')}/1.0.0",
                )
                checking.validate(record.document())
                visited += 1
    assert visited >= 300
    assert len(MODULES) >= 6


def test_every_quantity_may_be_published() -> None:
    """Its name has the form that the schema asks for."""
    checking = validator("reading-1")
    sample = samples.readings()[0]
    for quantity in ALL.values():
        checking.validate({**sample, "quantity": quantity.name})
    assert len(ALL) >= 100


def test_an_alert_in_every_state_fits_as_anybody_sees_it() -> None:
    """Whole, not kept yet, without names, and as visitors see it on a wall."""
    checking, visited = validator("alert-1"), 0
    for opened in (call(), room(), call(test=True, channel=2, detail="one sentence")):
        for state in Handling:
            alert = in_state(state, opened)
            forms = [
                alert.document(),
                alert.document(durable=False),
                alert.document(anonymous=True),
                documents.document(alert, at(90_000)),
            ]
            for made in [*forms, documents.public_form(forms[0])]:
                made["id"] = samples.ALERT_ID  # the tests' own ids are short
                made["readings"] = []
                checking.validate(json.loads(json.dumps(made)))
                visited += 1
    assert visited == 3 * 5 * 5
    assert after(None, call()).document()["asked"] == ["page", "group:nat"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("reading-1", {"kind": "event"}),
        ("reading-1", {"unit": None}),
        ("reading-1", {"device": "A4:C1:38:00:00:01"}),
        ("reading-1", {"time": "yesterday"}),
        ("reading-1", {"channel": 0}),
        ("alert-1", {"handling": "seen"}),
        ("alert-1", {"rev": 0}),
        ("alert-1", {"title": {"da": "Kald"}}),
        ("alert-1", {"outcome": "gone"}),
        ("device-1", {"available": "yes"}),
        ("health-1", {"level": "fine"}),
        ("health-1", {"adapters": [{"name": "hci0", "state": "sleepy", "silent_s": 1}]}),
        ("notification-1", {"about": "weather"}),
    ],
)
def test_what_never_may_be_is_refused(name: str, change: dict[str, Any]) -> None:
    """One wrong value in a document that fits."""
    good = copy.deepcopy(schema(name)["examples"][0])
    validator(name).validate(good)
    with pytest.raises(ValidationError):
        validator(name).validate({**good, **change})


def test_commands_that_the_home_takes_fit_their_schema() -> None:
    """Each action with its fields, and no action without what it needs."""
    made = command_schema()
    Draft202012Validator.check_schema(made)
    checking = Draft202012Validator(made, format_checker=FormatChecker())
    base = {"by": "KL", "rev": 1, "issued": "2026-11-24T14:00:00Z"}
    needed: dict[str, dict[str, Any]] = {
        "resolve": {"outcome": "assisted"},
        "dispatch": {"to": "group:nat"},
    }
    assert len(ACTIONS) >= 9
    for action in ACTIONS:
        checking.validate({**base, "action": action, **needed.get(action, {})})
        if action in needed:
            assert not checking.is_valid({**base, "action": action})
    assert not checking.is_valid({**base, "action": "ignore"})
    assert not checking.is_valid({**base, "action": "object"}), "a resident's no is not said by machines"
    assert not checking.is_valid({"action": "join", "by": "KL", "rev": 1})
