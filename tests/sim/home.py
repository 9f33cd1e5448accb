"""The home that is simulated: its places, devices and people, and how its escalation is set up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from gateway.settings.loader import Loaded
from gateway.settings.merge import Node, Origin
from gateway.settings.models import Settings
from gateway.settings.trust import Trust
from support.rule_house import base_text, laid

Speaks = Literal["press", "beat"]

NAMES = ("Karen Nordlys", "Aage Mikkelgaard")
"""Residents' names, as they stand in what devices and other systems say. None of them may ever leave."""
PASSWORD, SECRET, TOKEN = "broker-wachtwort-7781", "webhook-geheim-4410", "influx-token-9907"


@dataclass(frozen=True, slots=True)
class Thing:
    """One device on the air."""

    name: str
    address: str
    place: str
    kind: Literal["call", "fall", "bed", "door", "climate"]
    key: bytes | None = None
    beats_s: float | None = None
    """How often it speaks by itself; None: only when pressed."""
    counts: bool = True
    """Whether it sends a packet id."""


def things(random: Random) -> list[Thing]:
    """Give the devices of the home; keys are the seed's."""

    def key() -> bytes:
        return random.randbytes(16)

    return [
        Thing("kald-01", "A4:C1:38:00:00:01", "room-01", "call"),
        Thing("kald-02", "A4:C1:38:00:00:02", "room-02", "call", key=key(), beats_s=30),
        Thing("kald-03-bad", "A4:C1:38:00:00:03", "bath-03", "call", beats_s=45),
        Thing("kald-04", "A4:C1:38:00:00:04", "room-03", "call", key=key()),
        Thing("fald-01", "A4:C1:38:00:00:05", "room-01", "fall", key=key(), beats_s=60),
        Thing("seng-02", "A4:C1:38:00:00:06", "room-02", "bed", beats_s=40),
        Thing("doer-03", "A4:C1:38:00:00:07", "room-03", "door", beats_s=50),
        Thing("klima-01", "A4:C1:38:00:00:08", "room-01", "climate", beats_s=20),
        Thing("klima-02", "A4:C1:38:00:00:09", "room-02", "climate", key=key(), beats_s=25),
    ]


PROFILES = {"call": "call-button", "fall": "fall-pendant", "bed": "bed", "door": "door", "climate": "climate"}
PEOPLE = ("AB", "KL", "MN", "OP")


@dataclass(frozen=True, slots=True)
class Steps:
    """How fast things escalate, and come back."""

    emergency_s: float
    call_s: float
    return_s: float
    presence_s: float

    @classmethod
    def draw(cls, random: Random) -> Steps:
        """Draw one setting."""
        return cls(
            emergency_s=random.choice((20, 30, 45)),
            call_s=random.choice((30, 45, 90)),
            return_s=random.choice((150, 180, 240)),
            presence_s=random.choice((200, 320)),
        )


def loaded(every: list[Thing], steps: Steps, folder: Path) -> Loaded:
    """Make the configuration."""
    import json

    tree = json.loads(base_text())
    laid(tree, _home(every, steps))
    settings = Settings.model_validate(tree)
    origin = Origin("gateway", "gateway.toml", 1)
    return Loaded(folder, Node({}, origin), {}, (), 1, settings, Trust())


def _home(every: list[Thing], steps: Steps) -> dict[str, Any]:
    tell = ["page", "duty", "channel:pager"]

    def policy(after_s: float) -> dict[str, Any]:
        return {
            "steps": [
                {"targets": tell, "after": f"{after_s:g}s"},
                {"targets": ["page", "everyone", "channel:pager", "channel:sms"], "after": f"{after_s:g}s"},
            ],
            "return_after": f"{steps.return_s:g}s",
            "presence_after": f"{steps.presence_s:g}s",
        }

    return {
        "site": {"municipality": "kommune-a", "home": "solhjem", "gateway": "gw-1", "title": "Solhjem"},
        "place": {
            "room-01": {"label": "Bolig 1"},
            "room-02": {"label": "Bolig 2"},
            "room-03": {"label": "Bolig 3"},
            "bath-03": {"label": "Bad 3", "kind": "bath", "within": "room-03"},
        },
        "device": {
            thing.name: {
                "address": thing.address,
                "place": thing.place,
                "driver": "bthome",
                "profile": PROFILES[thing.kind],
                **({"key": thing.key.hex()} if thing.key else {}),
                **({"heard_every": f"{thing.beats_s:g}s"} if thing.beats_s else {}),
            }
            for thing in every
        },
        "person": {name: {"roles": ["care"], "rights": ["basis"] if name == "AB" else []} for name in PEOPLE},
        "channel": {
            "pager": {"kind": "webhook", "url": "http://pager.test/in", "secret": SECRET, "timeout": "5s"},
            "sms": {"kind": "webhook", "url": "http://sms.test/in", "detail": "short", "timeout": "8s"},
        },
        "mqtt": {
            "host": "broker.test",
            "username": "gateway",
            "password": PASSWORD,
            "unsigned_commands": True,
        },
        "influx": {"url": "http://influx.test", "token": TOKEN, "wait_for_clock": "60s"},
        "radio": {"enabled": False},
        "alerts": {
            "policies": {
                "emergency": policy(steps.emergency_s),
                "call": policy(steps.call_s),
                "high": policy(steps.call_s),
            },
            "rules": {"bed-not-back": {"when": {"held": "120s"}}},
        },
    }
