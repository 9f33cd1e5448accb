"""The demo's configuration, written as a technician would have it: a home, its places, devices and people."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Any

import tomlkit

from gateway.demo.children import Broker

PEOPLE = {"demo": ("care", "technician", "manager", "protection"), "nat": ("care",)}
ONLY_IN_USE = {"thermometer"}  # on the air only while somebody measures
BEAT_S = 20.0  # a device that speaks oftener is expected this often: three misses are a minute
RIGHTS = ("see_values", "audit", "basis", "enrol")


def draw_pin() -> str:
    """Draw a PIN of six digits for this start."""
    return f"{secrets.randbelow(1_000_000):06d}"


def label_of(place: str) -> str:
    """Give a place's label: `room-07` is *Bolig 7*, its bathroom *Bad, Bolig 7*."""
    parts = place.split("-")
    number = next((part.lstrip("0") for part in parts if part.isdigit()), "")
    if number:
        home = f"Bolig {number}"
        return f"Bad, {home}" if parts[-1] in {"bath", "bad"} else home
    return {"living": "Opholdsstue", "shared": "Opholdsstue"}.get(parts[0], place.capitalize())


def places_of(devices: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Give the places that devices stand in, as the configuration has them."""
    places: dict[str, dict[str, str]] = {}
    for place in sorted({str(device["place"]) for device in devices}):
        bath = place.endswith(("-bath", "-bad"))
        within = place.rsplit("-", 1)[0] if bath else None
        places[place] = {
            "label": label_of(place),
            "kind": "bath" if bath else "home" if place.startswith("room-") else "shared",
        }
        if within:
            places[place]["within"] = within
            places.setdefault(within, {"label": label_of(within), "kind": "home"})
    return places


def write_home(
    folder: Path,
    devices: list[dict[str, Any]],
    *,
    broker: Broker,
    board_port: int,
    pins: Mapping[str, str],
) -> None:
    """Write `home.toml`, `gateway.toml` and `secrets.toml`; `pins` are scrypt hashes by person."""
    folder.mkdir(parents=True, exist_ok=True)
    home: dict[str, Any] = {
        "site": {
            "municipality": "demo",
            "home": "home",
            "gateway": "gw-demo",
            "zone": "Europe/Copenhagen",
            "phone": "0000",
            "title": "Plejehjemmet Solhjem (demo)",
        },
        "group": {
            "dag": {"label": "Dagvagt", "persons": ["demo"]},
            "nat": {"label": "Natvagt", "persons": ["nat"]},
        },
        "person": {
            name: {"roles": list(roles), **({"rights": list(RIGHTS)} if name == "demo" else {})}
            for name, roles in PEOPLE.items()
        },
        "alerts": {
            "policies": {
                policy: {
                    "steps": [
                        {"targets": ["page", "group:dag"], "after": "30s"},
                        {"targets": ["page", "group:dag", "group:nat"], "after": "60s"},
                    ]
                }
                for policy in ("emergency", "call", "high")
            },
            # Seen at any hour: a demo is looked at by day.
            "rules": {
                rule: {"schedule": {"start": time(0), "end": time(0)}}
                for rule in ("bed-left", "bed-not-back", "door-opened")
            },
            # Nothing happens in a demo but what it shows, or what its visitor does.
            "tests": {"enabled": False},
        },
        "place": places_of(devices),
    }
    own: dict[str, Any] = {
        "mqtt": {
            "host": broker.host,
            "port": broker.port,
            "username": broker.username,
            "unsigned_commands": True,
            "subscribe": ["zigbee2mqtt/#"],
        },
        "board": {"host": "127.0.0.1", "port": board_port},
        "device": {},
    }
    hidden: dict[str, Any] = {
        "mqtt": {"password": broker.password},
        "person": {name: {"pin": pin} for name, pin in pins.items()},
        "device": {},
    }
    for device in devices:
        name = device["name"]
        entry = {
            key: device[key] for key in ("address", "topic", "place", "driver", "profile") if device.get(key)
        }
        if device.get("interval") and device["kind"] not in ONLY_IN_USE:
            entry["heard_every"] = f"{max(device['interval'], BEAT_S):g}s"
        own["device"][name] = entry
        if device.get("key"):
            hidden["device"][name] = {"key": device["key"]}
    _write(folder / "home.toml", "The demo's home: what a municipality and a home decide.", home)
    _write(folder / "gateway.toml", "What this one gateway hears, and where it sends.", own)
    secret = folder / "secrets.toml"
    secret.unlink(missing_ok=True)
    secret.touch(0o600)
    _write(secret, "Made anew at each start of the demo; opens nothing outside it.", hidden)


def _write(file: Path, why: str, tables: dict[str, Any]) -> None:
    document = tomlkit.document()
    document.add(tomlkit.comment(why))
    for key, value in tables.items():
        document.add(key, tomlkit.item(value))
    file.write_text(tomlkit.dumps(document))
