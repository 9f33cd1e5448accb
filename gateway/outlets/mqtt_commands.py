"""Commands to alerts by MQTT: checked for freshness and signature, done, and answered.

Without a clock that is right freshness is the revision: a command names the `rev` it saw. Who sent it is
its Ed25519 signature over topic, line feed and payload as sent, in the user properties `key` and `sig`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiomqtt
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.model.clock import NS, ClockQuality, Instant, parse_iso
from gateway.model.refusal import Refused, wrong_fields
from gateway.outlets.mqtt_link import Link, PublishRefused, properties_of
from gateway.outlets.outcome import OutletDown

log = logging.getLogger(__name__)

LIFE_S = 30  # a command issued longer ago is refused, where the clock is synced
PAYLOAD_MAX = 8192
ACTIONS = (
    "acknowledge", "join", "presence", "extend", "release", "assist", "resolve", "reopen", "dispatch",
)  # fmt: skip
"""What may be commanded. Setting an alert aside and objecting need somebody at the place."""

NEEDED = (
    ("action", str, f"one of {', '.join(ACTIONS)}"),
    ("by", str, "a person of this home"),
    ("rev", int, "the revision of the alert that was seen"),
    ("issued", str, "an RFC 3339 time with zone"),
)
"""What every command names: key, type, and what is expected of it."""

Answer = tuple[int, dict[str, Any]]
CommandHandler = Callable[[str, "Command"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Command:
    """A message on `alert/{alert}/command`, as received."""

    topic: str
    payload: bytes
    retained: bool
    key: str | None
    signature: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command that may be done."""

    action: str
    by: str
    rev: int
    fields: Mapping[str, Any]


def problem(code: str, detail: str, **more: Any) -> Answer:
    """Make an answer as over HTTP: the status and an RFC 9457 document."""
    refused = Refused(code, detail, **more)
    return refused.status, refused.document()


def invalid(*errors: dict[str, str]) -> Answer:
    """Make the answer to a command whose fields are wrong."""
    return problem("invalid", wrong_fields([error["key"] for error in errors]), errors=list(errors))


def judge(
    command: Command, *, now: Instant, keys: Mapping[str, bytes], unsigned_allowed: bool
) -> Accepted | Answer:
    """Say whether a command may be done: not retained, well-formed, fresh, and signed where it must be.

    `keys` are the raw public keys of those who may command, by id.
    """
    if command.retained:
        detail = "a retained command is refused: it would be done again at each start"
        return problem("wrong_state", detail, reason="retained")
    if len(command.payload) > PAYLOAD_MAX:
        return problem("too_large", f"{len(command.payload)} bytes; at most {PAYLOAD_MAX}")
    try:
        body = orjson.loads(command.payload)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return invalid(_wrong("", "something else", "a JSON object"))
    errors = [
        _wrong(key, "nothing" if body.get(key) is None else "something else", expected)
        for key, kind, expected in NEEDED
        if not isinstance(body.get(key), kind) or isinstance(body.get(key), bool)
    ]
    if isinstance(body.get("action"), str) and body["action"] not in ACTIONS:
        errors.append(_wrong("action", body["action"][:60], f"one of {', '.join(ACTIONS)}"))
    issued_ns = 0
    if isinstance(body.get("issued"), str):
        try:
            issued_ns = parse_iso(body["issued"])
        except ValueError:
            errors.append(_wrong("issued", "something else", "an RFC 3339 time with zone"))
    if errors:
        return invalid(*errors)
    if now.quality is ClockQuality.SYNCED and abs(now.wall_ns - issued_ns) > LIFE_S * NS:
        detail = f"issued more than {LIFE_S} s ago; look again and send anew"
        return problem("wrong_state", detail, reason="issued_long_ago")
    by = body["by"]
    if command.signature is None:
        if not unsigned_allowed or ":" in by:
            return problem("not_allowed", "the command is not signed, and this home asks for signatures")
    elif not _signed(command, keys):
        return problem("not_allowed", "the signature does not hold, or its key may not command here")
    known = {key for key, _, _ in NEEDED}
    return Accepted(body["action"], by, body["rev"], {k: v for k, v in body.items() if k not in known})


def _wrong(key: str, found: str, expected: str) -> dict[str, str]:
    return {"key": key, "found": found, "expected": expected}


def _signed(command: Command, keys: Mapping[str, bytes]) -> bool:
    raw = keys.get(command.key or "")
    if raw is None or command.signature is None:
        return False
    try:
        signature = bytes.fromhex(command.signature)
        Ed25519PublicKey.from_public_bytes(raw).verify(
            signature, command.topic.encode() + b"\n" + command.payload
        )
    except (ValueError, InvalidSignature):
        return False
    return True


async def answer_command(link: Link, message: aiomqtt.Message, alert: str, handle: CommandHandler) -> None:
    """Have a command done and answer on its response topic, with its correlation data."""
    properties = message.properties
    user: dict[str, str] = dict(getattr(properties, "UserProperty", None) or [])
    payload = message.payload if isinstance(message.payload, bytes) else b""
    command = Command(str(message.topic), payload, bool(message.retain), user.get("key"), user.get("sig"))
    try:
        status, body = await handle(alert, command)
    except Exception:  # contained: one command must not cost the others, and the alerts, their connection
        log.exception("a command by MQTT failed")
        status, body = problem("failed", "the gateway could not do it; see its log", status=500)
    response = getattr(properties, "ResponseTopic", None)
    if not response:
        return
    about = properties_of(body.get("schema"))
    about.UserProperty = [("status", str(status))]
    correlation = getattr(properties, "CorrelationData", None)
    if correlation:
        about.CorrelationData = correlation
    try:
        await link.send(response, orjson.dumps(body), properties=about)
    except (PublishRefused, OutletDown, ValueError) as failed:  # ValueError: no topic to publish on
        log.warning("the answer to a command on %s could not be sent: %s", message.topic, failed)
