"""What a command by MQTT becomes: the same action as over HTTP, by the same engine."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from gateway.alerts.engine import AlertEngine
from gateway.board.bodies import ACTIONS, OWN
from gateway.journal.errors import NotDurable
from gateway.model.clock import NS, Clock, Instant
from gateway.model.refusal import Refused
from gateway.outlets.mqtt_commands import Accepted, Answer, Command, invalid, judge
from gateway.settings.loader import Loaded
from gateway.settings.trust import Trust


class Commands:
    """Does commands on behalf of who signed them."""

    def __init__(self, engine: AlertEngine, clock: Clock, loaded: Loaded) -> None:
        """`loaded` may be replaced after a reload."""
        self._engine = engine
        self._clock = clock
        self.loaded = loaded

    async def __call__(self, alert: str, command: Command) -> Answer:
        """Judge a command and do it; gives status and body as over HTTP."""
        now = self._clock.now()
        settings = self.loaded.settings
        accepted = judge(
            command,
            now=now,
            keys=commanding_keys(self.loaded.trust, now),
            unsigned_allowed=settings.mqtt.unsigned_commands,
        )
        if not isinstance(accepted, Accepted):
            return accepted
        known = ACTIONS[accepted.action].model_fields.keys() - OWN
        if unknown := [
            {"key": key, "found": "unknown key", "expected": f"one of {', '.join(sorted(known))}"}
            for key in accepted.fields
            if key not in known
        ]:
            return invalid(*unknown)
        try:
            if command.signature is None and accepted.by.upper() not in {p.upper() for p in settings.person}:
                raise Refused("not_found", "no such person in this home")
            done = await self._engine.act(
                alert,
                accepted.action,
                by=accepted.by,
                source="mqtt",
                fields=accepted.fields,
                rev=accepted.rev,
            )
        except Refused as refused:
            return refused.status, refused.document()
        except NotDurable as disk:
            refusal = Refused("not_durable", f"the disk does not take it now: {disk.reason}")
            return refusal.status, refusal.document()
        return 200, done.document()


def commanding_keys(trust: Trust, now: Instant) -> dict[str, bytes]:
    """Give the public keys that may command here today, by id."""
    today = datetime.fromtimestamp(now.wall_ns // NS, UTC).date()
    keys: dict[str, bytes] = {}
    for key in trust.key:
        if key.until >= today and {"centre", "home"} & set(key.roles):
            raw = _raw(key.public)
            if raw is not None:
                keys[key.id] = raw
    return keys


def _raw(public: str) -> bytes | None:
    """Read `ed25519:…`, in hex or base64; None for anything else."""
    kind, _, text = public.partition(":")
    decoders: tuple[Any, ...] = (bytes.fromhex, lambda t: base64.b64decode(t, validate=True))
    for decode in decoders:
        try:
            raw = bytes(decode(text))
        except (ValueError, binascii.Error):
            continue
        if kind == "ed25519" and len(raw) == 32:
            return raw
    return None
