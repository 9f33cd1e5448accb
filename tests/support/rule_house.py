"""A home for tests of rules: base with changes, a clock that jumps, timers that come due."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any

from gateway.alerts.memory import Memory
from gateway.alerts.rules import RuleBook
from gateway.alerts.verdicts import Arm, Cancel, Disarm, Failed, Gone, Judged, NoBasis, Occurrence
from gateway.alerts.watched import DriverFacts, Watched, watched
from gateway.model import quantities
from gateway.model.alert import Concern
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.readings import Kind, Record, Value
from gateway.settings.layers import base_folder
from gateway.settings.models import Settings

NIGHT = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)  # 02:00 in Copenhagen
DAY = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # 12:00 in Copenhagen

HOME: dict[str, Any] = {
    "site": {"municipality": "kommune-a", "home": "solhjem", "gateway": "gw-1", "title": "Solhjem"},
    "place": {
        "room-12": {"label": "Bolig 12"},
        "bath-12": {"label": "Bad 12", "kind": "bath", "within": "room-12"},
        "room-13": {"label": "Bolig 13"},
        "hall": {"label": "Gang", "kind": "shared"},
    },
    "device": {
        "kald-12": {"address": "A4:C1:38:00:00:01", "place": "room-12", "profile": "call-button"},
        "kald-12-bad": {"address": "A4:C1:38:00:00:02", "place": "bath-12", "profile": "call-button"},
        "fald-12": {"address": "A4:C1:38:00:00:03", "place": "room-12", "profile": "fall-pendant"},
        "seng-12": {"address": "A4:C1:38:00:00:04", "place": "room-12", "profile": "bed"},
        "doer-12": {"address": "A4:C1:38:00:00:05", "place": "room-12", "profile": "door"},
        "klima-12": {"address": "A4:C1:38:00:00:06", "place": "room-12", "profile": "ruuvi-tag"},
        "uro-12": {"topic": "zigbee2mqtt/uro-12", "place": "room-12", "profile": "motion"},
        "uro-12-bad": {"topic": "zigbee2mqtt/uro-12-bad", "place": "bath-12", "profile": "motion"},
        "vand-12": {"topic": "zigbee2mqtt/vand-12", "place": "bath-12", "profile": "water-leak"},
        "seng-13": {"address": "A4:C1:38:00:00:07", "place": "room-13", "profile": "bed"},
    },
}

_serial = count(1)


@cache
def base_text() -> str:
    """Read the whole base configuration as JSON, so that nobody changes it for another test."""
    tree: dict[str, Any] = {"profiles": {}}
    for path in sorted(base_folder().glob("*.toml")):
        laid(tree, tomllib.loads(path.read_text("utf-8")))
    for path in sorted((base_folder() / "profiles").glob("*.toml")):
        tree["profiles"][path.stem] = tomllib.loads(path.read_text("utf-8"))
    return json.dumps(tree, default=str)


def laid(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a tree over another, in place."""
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(under.get(key), dict):
            laid(under[key], value)
        else:
            under[key] = dict(value) if isinstance(value, Mapping) else value
    return under


def home_settings(*overlays: Mapping[str, Any]) -> Settings:
    """Make settings of base, the home above, and what a test changes."""
    tree = json.loads(base_text())
    for overlay in (json.loads(json.dumps(HOME)), *overlays):
        laid(tree, overlay)
    return Settings.model_validate(tree)


def no_driver(_name: str, _device: object) -> DriverFacts | None:
    """Know no driver."""
    return None


def driver(name: str = "bthome", *said: str, heard_every: timedelta | None = None) -> DriverFacts:
    """Make the facts of a driver."""
    rows = [row for word in said for row in quantities.named(word)]
    return SimpleNamespace(name=name, heard_every=heard_every, said=tuple(rows))


@dataclass
class Basis:
    """A legal basis that a test sets: everything is allowed but what it names."""

    refused: set[tuple[str, Concern | str]]

    def __call__(self, place: str, concern: Concern, now: Instant, *, rule: str | None = None) -> bool:
        """Judge as `Allows` does."""
        del now
        return (place, concern) not in self.refused and (place, rule or "") not in self.refused


class RuleHouse:
    """Rules, their memory and their timers, driven by hand."""

    def __init__(self, *overlays: Mapping[str, Any], at: datetime = NIGHT, boot: str = "boot-1") -> None:
        """Begin at a time of day."""
        self.now = Instant(round(at.timestamp() * NS), 1_000 * NS, boot)
        self.memory = Memory()
        self.kept: dict[str, str] = {}
        self.timers: dict[tuple[str, str], Instant] = {}
        self.basis = Basis(set())
        self.failed: list[Failed] = []
        self.configure(*overlays)

    def configure(self, *overlays: Mapping[str, Any]) -> None:
        """Load a configuration; the memory stays."""
        self.settings = home_settings(*overlays)
        self.watched: dict[str, Watched] = watched(self.settings, no_driver)
        self.book = RuleBook(self.settings, self.watched, self.basis)

    def record(
        self, device: str, quantity: str, value: Value, *, channel: int | None = None, test: bool = False
    ) -> Record:
        """Make a record of now."""
        kind = (
            Kind.EVENT
            if quantities.find(quantity, Kind.EVENT)
            else Kind.STATE
            if isinstance(value, bool)
            else Kind.MEASUREMENT
        )
        known = self.settings.device.get(device)
        return Record(
            id=f"01999999-0000-7000-8000-{next(_serial):012d}",
            device=device,
            place=known.place if known else "room-12",
            quantity=quantity,
            kind=kind,
            value=value,
            unit=None,
            channel=channel,
            time_ns=self.now.wall_ns,
            at=self.now,
            driver="bthome/1.0.0",
            test=test,
        )

    def judge(self, record: Record) -> Judged:
        """Judge one record as the engine does: keep the timers and the memory."""
        return self.take(self.book.judge(record, self.now, self.memory))

    def take(self, judged: Judged) -> Judged:
        """Do what the engine does with verdicts: timers and memos in one go."""
        for verdict in judged.verdicts:
            match verdict:
                case Arm():
                    self.timers[verdict.subject, verdict.kind] = verdict.due
                case Disarm():
                    self.timers.pop((verdict.subject, verdict.kind), None)
                case _:
                    pass
        self.failed += judged.failed
        for key, memo in self.memory.changes().items():
            if memo is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = json.dumps(memo)
        return judged

    def says(self, device: str, quantity: str, value: Value, **also: Any) -> list[str]:
        """Let a device say something; give what came of it, in short words."""
        return shortly(self.judge(self.record(device, quantity, value, **also)))

    def wait(self, **span: float) -> list[str]:
        """Let time pass; what comes due is judged at its time."""
        until, said = self.now.plus(timedelta(**span)), list[str]()
        while due := [(at, key) for key, at in self.timers.items() if at.mono_ns <= until.mono_ns]:
            at, key = min(due, key=lambda pair: (pair[0].mono_ns, pair[1]))
            del self.timers[key]
            if at.mono_ns > self.now.mono_ns:
                self.now = replace(self.now, wall_ns=at.wall_ns, mono_ns=at.mono_ns)
            said += shortly(self.take(self.book.due(key[0], key[1], self.now, self.memory)))  # type: ignore[arg-type]
        self.now = replace(until, quality=self.now.quality)
        return said

    def restart(self, *, dark: timedelta = timedelta(0), boot: str | None = None) -> list[str]:
        """Stop and start again with what was kept; a new `boot` loses the monotonic clock."""
        self.now = self.now.plus(dark)
        if boot is not None:
            self.now = replace(self.now, boot=boot, mono_ns=5 * NS)
            self.timers = {
                key: replace(at, boot=boot, mono_ns=self.now.mono_ns + at.wall_ns - self.now.wall_ns)
                for key, at in self.timers.items()
            }
        self.memory = Memory.restored({key: json.loads(memo) for key, memo in self.kept.items()})
        self.book = RuleBook(self.settings, self.watched, self.basis)
        return shortly(self.take(self.book.started(self.now, self.memory)))

    def unsync(self) -> None:
        """Let nobody know what time it is."""
        self.now = replace(self.now, quality=ClockQuality.UNSYNCED)


def shortly(judged: Judged) -> list[str]:
    """Write verdicts for reading in a test: `+key kind priority`, `-key`, `~key cancelled`, `?rule place`."""
    said = []
    for verdict in judged.verdicts:
        match verdict:
            case Occurrence():
                more = f" {verdict.suppressed}" if verdict.suppressed else ""
                said.append(f"+{verdict.key} {verdict.kind} {verdict.priority.value}{more}")
            case Gone():
                said.append(f"-{verdict.key}")
            case Cancel():
                said.append(f"~{verdict.key}")
            case NoBasis():
                said.append(f"?{verdict.rule} {verdict.place}")
            case _:
                pass
    return said
