"""docs/schemas/*.json: JSON Schema (2020-12) of what Velgate publishes.

The keys and their order are those of real documents; here stands what may be in them. Keys may be added in
any version, so none is closed to more: a receiver ignores what it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from docs.making import samples
from gateway.model.alert import Concern, Condition, Handling, Outcome, Priority
from gateway.model.clock import ClockQuality
from gateway.model.ids import SLUG
from gateway.model.quantities import ALL
from gateway.model.readings import Kind

Schema: TypeAlias = dict[str, Any]

TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
"""RFC 3339 in UTC with milliseconds, as Velgate writes it."""
NONE: frozenset[str] = frozenset()
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def reading() -> Schema:
    """Give the schema `velgate/reading/1`."""
    kinds = {
        Kind.MEASUREMENT: {"value": {"type": "number"}, "unit": {"type": "string"}},
        Kind.STATE: {"value": {"type": ["boolean", "string"]}, "unit": {"type": "null"}},
        Kind.EVENT: {"value": {"type": "string"}, "unit": {"type": "null"}},
    }
    keys = {
        "schema": _const("velgate/reading/1"),
        "id": _uuid("The same for every copy of this reading: drop repeats by it."),
        "device": _slug("Which device said it."),
        "place": _slug("Where it was when it said it."),
        "quantity": _text(
            "What it is about; see the reference of quantities. More may come.",
            pattern="^[a-z][a-z0-9_]*$",
            examples=sorted({q.name for q in ALL.values()})[:3],
        ),
        "kind": _words(Kind, "A number with a unit; something that stays true; something that happened."),
        "value": {"type": ["number", "boolean", "string"], "description": "By kind; see allOf."},
        "unit": _or_null(_text("UCUM, or dBm; null for states and events.")),
        "channel": _or_null(_whole("Tells equal quantities of one device apart.", least=1)),
        "time": _time("When it happened."),
        "clock": _words(
            ClockQuality, "How far `time` can be trusted: synced, synced since boot, never synced."
        ),
        "driver": _text("Name and version of the driver.", pattern="^[a-z0-9-]+/.+$"),
    }
    schema = _object("reading/1", "A reading", keys, samples.readings())
    schema["allOf"] = [
        {"if": {"properties": {"kind": {"const": kind.value}}}, "then": {"properties": then}}
        for kind, then in kinds.items()
    ]
    return schema


def alert() -> Schema:
    """Give the schema `velgate/alert/1`."""
    by = _or_null(_text("Initials or another pseudonym; null once it has been closed for 24 hours."))
    taken = _part({"by": by, "time": _time("Since when."), "return_at": _time("When it comes back.")})
    how = _text("How that is known.", enum=["button", "tag", "page", "spoken"])
    present = _part({"by": by, "time": _time("Since when."), "how": how})
    keys = {
        "schema": _const("velgate/alert/1"),
        "id": _uuid("Of this alert."),
        "key": _text("Rule, and device or place: while one with this key is open, an occurrence joins it."),
        "rule": _or_null(_text("The rule that raised it.")),
        "kind": _text("A key of the catalogue of words, such as `help_call.press`."),
        "concern": _words(Concern, "What it is about."),
        "priority": _words(Priority, "How urgent."),
        "condition": _words(Condition, "Whether what raised it still holds."),
        "handling": _words(Handling, "What people have done about it."),
        "suppressed": {
            "enum": ["schedule", "maintenance", None],
            "description": "Why it is not told, if so.",
        },
        "rev": _whole("Raised by each transition; an action may name the one it saw.", least=1),
        "durable": _bool("False while the disk has not answered: then it cannot be taken."),
        "device": _or_null(_slug("The device, if it is about one.")),
        "place": _or_null(_slug("The place, if it is at one.")),
        "channel": _or_null(_whole("The device's channel, if it has several.", least=1)),
        "label": _text("What staff call the place."),
        "title": _both("What and where."),
        "do": _both("What to do."),
        "raised": _time("When it was raised."),
        "last": _time("The last occurrence."),
        "changed": _time("The last transition."),
        "count": _whole("How often it occurred.", least=1),
        "step": _whole("Which step of its policy was told last.", least=1),
        "cycle": _whole("How often escalation began anew."),
        "next_step": _or_null(_time("When the next step starts if nobody takes it.")),
        "taken": _or_null({**taken, "description": "Who has it."}),
        "taken_from": by | {"description": "Who had it before, where it was taken over."},
        "warned": _bool("Its holder has been asked; it comes back in 2 minutes."),
        "helper": by | {"description": "Who had it when it was pressed again."},
        "present": _or_null({**present, "description": "Who has been with the resident."}),
        "joined": {"type": "array", "items": {"type": "string"}, "description": "Who comes too."},
        "shelved_until": _or_null(_time("Until when it is set aside.")),
        "cancelled_at": _or_null(_time("When the device itself called it a mistake.")),
        "returned": _bool("It came back unfinished."),
        "outcome": {"enum": [*(each.value for each in Outcome), None], "description": "How it ended."},
        "was_fall": {"enum": ["yes", "no", "unknown", None], "description": "Asked when a fall is closed."},
        "closed": _or_null(_time("When it was closed.")),
        "closed_by": by | {"description": "Who closed it; null also where it closed by itself."},
        "asked": {"type": "array", "items": {"type": "string"}, "description": "The targets that were told."},
        "test": _bool("A test of the chain: marked everywhere, counted nowhere."),
        "quiet": _bool("A test that the gateway made by itself: shown, without sound, and closed by itself."),
        "trial": _or_null(_text("The trial it belongs to.")),
        "detail": _text("One sentence for the technician, in English; mostly empty."),
        "readings": {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "description": "The readings behind it, by id.",
        },
    }
    return _object("alert/1", "An alert", keys, samples.alerts())


def device() -> Schema:
    """Give the schema of a device, as at `GET /api/v1/devices` and on MQTT."""
    keys = {
        "device": _slug("Its name."),
        "place": _slug("Where it is."),
        "driver": _or_null(_text("The driver that reads it; null while nobody knows.")),
        "available": {
            "type": ["boolean", "null"],
            "description": "Whether it was heard within its time; null where nobody can know.",
        },
        "last_seen": _or_null(_time("When it was last heard.")),
        "battery": {"type": ["number", "null"], "description": "In percent."},
        "signal": {"type": ["integer", "null"], "description": "In dBm."},
    }
    return _object("device/1", "A device", keys, samples.devices())


def health() -> Schema:
    """Give the schema `velgate/health/1`."""
    name, reason = _text("Its name."), _text("Why it is not as it should be; empty if it is.")
    adapter = {
        "name": name,
        "state": _text("How it is.", enum=["up", "off", "gone", "deaf"]),
        "silent_s": _number("Since when nothing was heard."),
    }
    room = {
        "name": name,
        "state": _text("How it is.", enum=["running", "restarting", "stopped"]),
        "restarts": _whole("How often it was started again."),
        "queue": _whole("What waits for it."),
    }
    outlet = {
        "name": name,
        "state": _text(
            "How it is; `off`: not configured, or another gateway has its name.", enum=["up", "down", "off"]
        ),
        "lag": _whole("Readings, events and alerts that wait to be sent."),
        "aside": _whole("What the server refused for good."),
        "reason": reason,
    }
    head = _part(
        {
            "seq": _or_null(_whole("Its number; null before the first was noted.", least=1)),
            "hash": _or_null(_text("Its hash, hexadecimal.")),
        }
    )
    journal = {
        "records": _whole("What is kept."),
        "fsync_p99_ms": _number("How long the slowest of a hundred writes took."),
        "disk_free": _number("The share of the disk that is free, 0 to 1."),
        "dropped": _whole("Routine readings that could not be kept since the start."),
        "audit": {**head, "description": "The newest entry of the audit log that was noted."},
    }
    alerts = {
        "unacknowledged": _whole("Calls and alarms that nobody has taken."),
        "acknowledged": _whole("Those that somebody has."),
        "technical": _whole("Technical ones that stand."),
    }
    keys = {
        "schema": _const("velgate/health/1"),
        "time": _time("When it was so."),
        "gateway": _slug("Which gateway."),
        "version": _text("Of Velgate."),
        "level": _text(
            "`error`: calls may go unheard or unkept. `warn`: help is needed.", enum=["ok", "warn", "error"]
        ),
        "uptime_s": _whole("Since its start."),
        "clock": _words(ClockQuality, "How far its clock can be trusted."),
        "adapters": _list(adapter, "Bluetooth adapters."),
        "rooms": _list(room, "Parts of the gateway."),
        "outlets": _list(outlet, "Where it sends.", optional=frozenset({"reason"})),
        "journal": _part(journal, optional=frozenset({"dropped", "audit"})),
        "devices": _part({"known": _whole("Configured."), "heard": _whole("Heard within their time.")}),
        "alerts": _part(alerts),
        "drivers": _part({"quarantined": {"type": "array", "items": {"type": "string"}}}),
    }
    return _object("health/1", "The health of a gateway", keys, samples.healths())


def notification() -> Schema:
    """Give the schema `velgate/notification/1`: what a webhook or an MQTT channel is told."""
    keys = {
        "schema": _const("velgate/notification/1"),
        "id": _text("The idempotency key: the same message again has the same."),
        "about": _text(
            "A step of escalation, or what one person is told.",
            enum=["alert", "dispatch", "taken_over", "return"],
        ),
        "time": _time("When it was sent."),
        "clock": _words(ClockQuality, "How far `time` can be trusted."),
        "alert": _uuid("Of the alert."),
        "rev": _whole("Its revision.", least=1),
        "priority": _words(Priority, "How urgent."),
        "label": _text("What staff call the place."),
        "test": _bool("A test of the chain."),
        "text": _both("What to say, whole."),
        "language": _text("Whose text to prefer.", enum=["da", "en"]),
        "repeated": _bool("It may have been told before, ahead of a restart."),
        "to": _text("The target of the policy."),
        "person": _or_null(_text("The person, if it is for one.")),
        "step": _whole("Which step."),
        "kind": _text("A key of the catalogue of words."),
        "place": _or_null(_slug("The place.")),
        "title": _both("What and where."),
        "do": _both("What to do."),
        "raised": _time("When the alert was raised."),
        "count": _whole("How often it occurred.", least=1),
    }
    return _object("notification/1", "A message to a channel", keys, samples.notifications())


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "reading-1": reading,
    "alert-1": alert,
    "device-1": device,
    "health-1": health,
    "notification-1": notification,
}
"""By the name of the file, without its ending."""


def _written(making: Callable[[], Schema]) -> Callable[[], str]:
    return lambda: json.dumps(making(), indent=2, ensure_ascii=False) + "\n"


FILES = {name: _written(making) for name, making in SCHEMAS.items()}
"""What makes each file's text."""


def _object(name: str, title: str, keys: dict[str, Schema], examples: Sequence[dict[str, Any]]) -> Schema:
    """Make a schema; `required` are the keys that every example has. Raises LookupError where keys differ."""
    have = list(dict.fromkeys(key for example in examples for key in example))
    if differing := set(have) ^ set(keys):
        raise LookupError(
            f"docs/making/schemas.py, {name}: the code and the schema differ in {sorted(differing)}"
        )
    return {
        "$schema": DRAFT,
        "$id": f"urn:velgate:{name.replace('/', ':')}",
        "title": title,
        "description": "Keys may be added in any version; ignore those you do not know.",
        "type": "object",
        "required": [key for key in have if all(key in example for example in examples)],
        "properties": {key: keys[key] for key in have},
        "examples": [examples[0]],
    }


def _part(keys: dict[str, Schema], *, optional: frozenset[str] = NONE) -> Schema:
    return {"type": "object", "required": [key for key in keys if key not in optional], "properties": keys}


def _list(keys: dict[str, Schema], description: str, *, optional: frozenset[str] = NONE) -> Schema:
    return {"type": "array", "items": _part(keys, optional=optional), "description": description}


def _const(word: str) -> Schema:
    return {"const": word}


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", **more, "description": description}


def _words(words: Any, description: str) -> Schema:
    return _text(description, enum=[each.value for each in words])


def _slug(description: str) -> Schema:
    return _text(description, pattern=f"^{SLUG.pattern}$")


def _uuid(description: str) -> Schema:
    return _text(description, format="uuid")


def _time(description: str) -> Schema:
    return _text(description, format="date-time", pattern=TIME)


def _whole(description: str, least: int = 0) -> Schema:
    return {"type": "integer", "minimum": least, "description": description}


def _number(description: str) -> Schema:
    return {"type": ["number", "null"], "description": description + " Null where it cannot be measured."}


def _bool(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _both(description: str) -> Schema:
    texts = {"da": {"type": "string"}, "en": {"type": "string"}}
    return {"type": "object", "required": ["da", "en"], "properties": texts, "description": description}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}
