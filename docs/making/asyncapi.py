"""docs/asyncapi.yaml: the topics of MQTT as AsyncAPI 3.0, from the names and figures of the outlet itself."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from docs.making import schemas, yaml
from gateway import __version__
from gateway.board.bodies import ACTIONS, OWN, Action
from gateway.model.clock import ClockQuality, Instant
from gateway.model.ids import SLUG
from gateway.model.readings import Kind, Record
from gateway.outlets.discovery import discovery_topic
from gateway.outlets.mqtt import HEALTH_EVERY_S, MEASUREMENT_EXPIRY_S, STATUS_SCHEMA
from gateway.outlets.mqtt_commands import ACTIONS as COMMANDS
from gateway.outlets.mqtt_commands import LIFE_S, PAYLOAD_MAX
from gateway.outlets.mqtt_topics import DOUBLE, Topics
from gateway.settings.models import Settings, Site

TEXTS = tomllib.loads((Path(__file__).parent / "mqtt.toml").read_text(encoding="utf-8"))
"""What stands beside the names: an introduction, and a text for each channel."""

DRAFT = "application/schema+json;version=draft-2020-12"
JSON = "application/json"
USER = "schema"

PARAMETERS = {
    "municipality": "The municipality, a slug.",
    "home": "The home, a slug.",
    "gateway": "The gateway, a slug.",
    "device": "The device, a slug chosen by the technician.",
    "quantity": "The quantity, by its key in the reference; `-n` follows for channel n.",
    "alert": "The id of the alert, a UUIDv7.",
    "channel": "The name of the channel in the configuration.",
}


def page() -> str:
    """Write the document."""
    return "# Written by `make docs` from the code; change it there.\n" + yaml.dump(document())


def topics() -> dict[str, str]:
    """Give the address of each channel, made by the code that makes the topics."""
    made = Topics(root="velgate/v1/{municipality}/{home}", gateway="{gateway}")
    now = Instant(0, 0, "", ClockQuality.SYNCED)
    anywhere = Settings.model_construct(site=Site.model_construct(home="{home}"))
    reading = Record(
        id="",
        device="{device}",
        place="",
        quantity="{quantity}",
        kind=Kind.EVENT,
        value="",
        unit=None,
        channel=None,
        time_ns=0,
        at=now,
        driver="",
    )
    return {
        "gatewayStatus": made.status,
        "gatewayHealth": made.health,
        "deviceStatus": made.device("{device}"),
        "reading": made.reading(reading),
        "alert": made.alert("{alert}"),
        "alertCommand": made.commands.replace("+", "{alert}"),
        "duty": made.duty,
        "notice": f"{made.root}/notice/{{channel}}",
        "discovery": discovery_topic(anywhere, "{device}"),
    }


def document() -> dict[str, Any]:
    """Give the whole document."""
    messages = _messages()
    carried = {
        "gatewayStatus": ["gatewayStatus"],
        "gatewayHealth": ["gatewayHealth"],
        "deviceStatus": ["device", "cleared"],
        "reading": ["measurement", "state", "event", "cleared"],
        "alert": ["alert", "cleared"],
        "alertCommand": ["command"],
        "duty": ["duty"],
        "notice": ["notification"],
        "discovery": ["discovery", "cleared"],
    }
    channels: dict[str, dict[str, Any]] = {
        name: {
            "address": address,
            "description": _about(name),
            "parameters": {
                each: {"description": says} for each, says in PARAMETERS.items() if f"{{{each}}}" in address
            },
            "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in carried[name]},
        }
        for name, address in topics().items()
    }
    channels["answer"] = {
        "address": None,
        "description": "The response topic that a command names (MQTT 5).",
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in ("alert", "problem")},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Velgate on MQTT",
            "version": __version__,
            "description": TEXTS["introduction"].format(both=", ".join(sorted(DOUBLE))),
        },
        "defaultContentType": JSON,
        "servers": {
            "broker": {
                "host": "broker.example:8883",
                "protocol": "mqtts",
                "protocolVersion": "5",
                "description": "The broker of the configuration; without TLS only on the same machine.",
            }
        },
        "channels": channels,
        "operations": _operations(),
        "components": {"messages": messages},
    }


def _about(channel: str) -> str:
    text: str = TEXTS["channel"][channel]
    return text.format(every_s=HEALTH_EVERY_S, most_bytes=PAYLOAD_MAX, life_s=LIFE_S)


def _operations() -> dict[str, Any]:
    def send(
        channel: str, *messages: str, retain: bool, expiry_s: int | None = None, about: str = ""
    ) -> dict[str, Any]:
        binding: dict[str, Any] = {"qos": 1, "retain": retain}
        if expiry_s is not None:
            binding["messageExpiryInterval"] = expiry_s
        return {
            "action": "send",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": about,
            "messages": [{"$ref": f"#/channels/{channel}/messages/{each}"} for each in messages],
            "bindings": {"mqtt": {**binding, "bindingVersion": "0.2.0"}},
        }

    return {
        "tellStatus": send(
            "gatewayStatus", "gatewayStatus", retain=True, about="Online, and offline as its will"
        ),
        "tellHealth": send("gatewayHealth", "gatewayHealth", retain=True, about="Every minute"),
        "tellDevice": send(
            "deviceStatus", "device", "cleared", retain=True, about="When something of it changed"
        ),
        "tellMeasurement": send(
            "reading",
            "measurement",
            "cleared",
            retain=True,
            expiry_s=MEASUREMENT_EXPIRY_S,
            about="Each measurement; of a backlog, the newest alone is retained",
        ),
        "tellState": send(
            "reading", "state", "cleared", retain=True, about="Each state; of a backlog likewise"
        ),
        "tellEvent": send("reading", "event", retain=False, about="Each event, once it is kept"),
        "tellAlert": send("alert", "alert", "cleared", retain=True, about="Each transition, once it is kept"),
        "tellDuty": send("duty", "duty", retain=True, about="Every minute"),
        "tellHomeAssistant": send(
            "discovery", "discovery", "cleared", retain=True, about="Where mqtt.discovery is true"
        ),
        "tellNotice": send("notice", "notification", retain=False, about="Each telling of a step"),
        "takeCommand": {
            "action": "receive",
            "channel": {"$ref": "#/channels/alertCommand"},
            "summary": "Take, join, close … as over HTTP",
            "messages": [{"$ref": "#/channels/alertCommand/messages/command"}],
            "bindings": {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}},
            "reply": {
                "channel": {"$ref": "#/channels/answer"},
                "address": {
                    "location": "$message.header#/responseTopic",
                    "description": "With the command's correlation data, and the status as user property.",
                },
                "messages": [{"$ref": f"#/channels/answer/messages/{each}"} for each in ("alert", "problem")],
            },
        },
    }


def _messages() -> dict[str, Any]:
    reading = "velgate/reading/1"
    return {
        "gatewayStatus": _message("The gateway is there, or is not", _STATUS, STATUS_SCHEMA),
        "gatewayHealth": _message("Health", _file("health-1"), "velgate/health/1"),
        "device": _message("A device", _file("device-1"), "velgate/device/1"),
        "measurement": _message("A measurement", _file("reading-1"), reading),
        "state": _message("A state", _file("reading-1"), reading),
        "event": _message("An event", _file("reading-1"), reading),
        "alert": _message("An alert", _file("alert-1"), "velgate/alert/1"),
        "command": _message("A command", command_schema()),
        "duty": _message("Who is on duty, in numbers", _DUTY, "velgate/duty/1"),
        "notification": _message("A message", _file("notification-1")),
        "discovery": _message("A device, as Home Assistant wants it described", {"type": "object"}),
        "problem": _message("A refusal (RFC 9457)", _PROBLEM),
        "cleared": {
            "title": "Nothing any more",
            "summary": "An empty payload, retained: what stood here is gone.",
            "payload": {"type": "string", "maxLength": 0},
        },
    }


def _message(title: str, schema: dict[str, Any], user: str | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"title": title, "contentType": JSON}
    if user is not None:
        message["headers"] = {"type": "object", "properties": {USER: {"const": user}}, "required": [USER]}
    return {**message, "payload": {"schemaFormat": DRAFT, "schema": schema}}


def _file(name: str) -> dict[str, Any]:
    assert name in schemas.SCHEMAS
    return {"$ref": f"./schemas/{name}.json"}


def command_schema() -> dict[str, Any]:
    """Give what may stand in a command: the same fields as over HTTP, and who, when and on what."""
    return {
        "type": "object",
        "required": ["action", "by", "rev", "issued"],
        "properties": {
            "action": {"enum": list(COMMANDS)},
            "by": {"type": "string", "description": "Who does it."},
            "rev": {"type": "integer", "description": "The revision of the alert that was seen."},
            "issued": {"type": "string", "format": "date-time"},
        },
        "oneOf": [_one_action(name, ACTIONS[name]) for name in COMMANDS],
    }


def _one_action(name: str, body: type[Action]) -> dict[str, Any]:
    made = body.model_json_schema()
    fields = {
        key: _plain(part, made.get("$defs", {})) for key, part in made["properties"].items() if key not in OWN
    }
    needed = [key for key in made.get("required", []) if key in fields]
    return {
        "properties": {"action": {"const": name}, **fields},
        **({"required": needed} if needed else {}),
    }


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """Leave out titles and defaults, which say nothing here, and put definitions in place."""
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {
        key: _plain(part, definitions)
        for key, part in schema.items()
        if key not in ("title", "default", "description")
    }


_SLUG = {"type": "string", "pattern": f"^{SLUG.pattern}$"}
_STATUS = {
    "type": "object",
    "required": ["state", "instance", "since", "version"],
    "properties": {
        "state": {"enum": ["online", "offline"]},
        "instance": {"type": "string", "description": "The id of its state folder."},
        "since": {"type": "string", "format": "date-time"},
        "version": {"type": "string"},
    },
}
_DUTY = {
    "type": "object",
    "required": ["groups", "centre"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["group", "until", "on", "reached"],
                "properties": {
                    "group": _SLUG,
                    "until": {"type": ["string", "null"], "format": "date-time"},
                    "on": {"type": "integer"},
                    "reached": {
                        "type": ["integer", "null"],
                        "description": "How many of them were proved reachable; null before any proof.",
                    },
                },
            },
        },
        "centre": {"type": ["string", "null"]},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "See the reference of errors."},
    },
}
