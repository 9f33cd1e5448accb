"""Scenario files: which devices there are, and what happens when. TOML, read and judged here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from firmware_sim.bluez.controller import TEMPORARY_TIMEOUT_S
from firmware_sim.devices.base import Spec
from firmware_sim.devices.kinds import KINDS
from firmware_sim.problem import Exit, SimProblem

HOME: Final = "home"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ADDRESS: Final = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_KEY_B: Final = 16
_DEVICE_KEYS: Final = {
    "name",
    "kind",
    "address",
    "random_address",
    "topic",
    "key",
    "interval",
    "battery",
    "place",
}
_STEP_KEYS: Final = {"at", "every", "device", "do", "value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterOptions:
    """How the radio behaves; see `bluez/controller.py`."""

    slots: int = 7
    release: Literal["5.66", "5.88"] = "5.66"
    repeats: Literal["every", "changes"] = "every"
    gatt_cache: Literal["always", "no"] = "always"
    temporary_timeout: float = TEMPORARY_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that somebody does: `at_s` after the start, and again every `every_s` if that is set."""

    at_s: float
    device: str
    action: str
    value: str | None = None
    every_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole scenario, checked."""

    title: str
    adapter: AdapterOptions
    devices: tuple[Spec, ...]
    script: tuple[Step, ...]


def load_scenario(given: str | None) -> Scenario:
    """Read a scenario: a path, or the name of one that comes along (`home` if None).

    Raises SimProblem (exit 3 for a wrong file, 4 for none).
    """
    name = given or HOME
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        try:
            return parse_scenario(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise _missing(name, error.strerror or "unreadable") from None
    resource = files("firmware_sim").joinpath("scenarios", f"{name}.toml")
    if not _SLUG.fullmatch(name) or not resource.is_file():
        raise _missing(name, "neither a file nor a scenario of that name")
    return parse_scenario(resource.read_text(encoding="utf-8"), f"{name}.toml")


def _missing(name: str, found: str) -> SimProblem:
    known = sorted(
        p.name.removesuffix(".toml") for p in files("firmware_sim").joinpath("scenarios").iterdir()
    )
    return SimProblem(
        name,
        expected=f"a scenario file, or one of: {', '.join(known)}",
        found=found,
        do="Give the path of a .toml file, or one of these names.",
        exit_code=Exit.NOT_FOUND,
    )


def parse_scenario(text: str, where: str) -> Scenario:
    """Read a scenario's text. Raises SimProblem that names the file and the key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(where, "TOML", str(error)) from None
    _only(table, {"title", "adapter", "device", "script"}, where)
    devices = tuple(
        _device(each, f"{where}: device {index}")
        for index, each in enumerate(_tables(table, "device", where), start=1)
    )
    names = [each.name for each in devices]
    for attribute in ("name", "address", "topic"):
        values = [v for each in devices if (v := getattr(each, attribute)) is not None]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise _wrong(where, f"each {attribute} once", f"twice: {', '.join(twice)}")
    steps = tuple(
        _step(each, names, f"{where}: script {index}")
        for index, each in enumerate(_tables(table, "script", where), start=1)
    )
    return Scenario(
        title=str(table.get("title", where)),
        adapter=_adapter(_table(table.get("adapter", {}), f"{where}: adapter"), f"{where}: adapter"),
        devices=devices,
        script=steps,
    )


def _device(table: Mapping[str, Any], where: str) -> Spec:
    _only(table, _DEVICE_KEYS, where)
    name = _text(table, "name", where)
    where = f"{where} ({name})"
    if not _SLUG.fullmatch(name):
        raise _wrong(f"{where}: name", "lower-case letters, digits and dashes", repr(name))
    kind = _text(table, "kind", where)
    if kind not in KINDS:
        raise _wrong(f"{where}: kind", f"one of: {', '.join(sorted(KINDS))}", repr(kind))
    row = KINDS[kind]
    foreign = "address" if row.speaks == "mqtt" else "topic"
    if foreign in table:
        raise _wrong(f"{where}: {foreign}", f"none: a {kind} has no {foreign}", repr(table[foreign]))
    address, topic = table.get("address"), None
    if row.speaks == "mqtt":
        topic = _text(table, "topic", where) if "topic" in table else f"zigbee2mqtt/{name}"
    elif not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise _wrong(f"{where}: address", "six octets such as A4:C1:38:00:00:01", repr(address))
    return Spec(
        name=name,
        kind=kind,
        address=address,
        random_address=bool(table.get("random_address", False)),
        topic=topic,
        key=_key(table.get("key"), f"{where}: key"),
        interval_s=_number(table, "interval", row.interval_s, where, low=0.02),
        battery=round(_number(table, "battery", 87, where, low=0, high=100)),
        place=_text(table, "place", where) if "place" in table else None,
    )


def _key(value: object, where: str) -> bytes | None:
    if value is None:
        return None
    try:
        key = bytes.fromhex(str(value))
    except ValueError:
        key = b""
    if len(key) != _KEY_B:
        raise _wrong(where, "32 hexadecimal digits", f"{len(str(value))} characters")
    return key


def _step(table: Mapping[str, Any], names: list[str], where: str) -> Step:
    _only(table, _STEP_KEYS, where)
    device = _text(table, "device", where)
    if device not in {*names, "adapter"}:
        raise _wrong(f"{where}: device", "a device of this scenario, or adapter", repr(device))
    value = table.get("value")
    return Step(
        at_s=_number(table, "at", None, where, low=0),
        device=device,
        action=_text(table, "do", where),
        value=None if value is None else str(value),
        every_s=_number(table, "every", None, where, low=1) if "every" in table else None,
    )


def _adapter(table: Mapping[str, Any], where: str) -> AdapterOptions:
    _only(table, {each.name for each in fields(AdapterOptions)}, where)
    allowed = {"release": ("5.66", "5.88"), "repeats": ("every", "changes"), "gatt_cache": ("always", "no")}
    for name, words in allowed.items():
        if name in table and table[name] not in words:
            raise _wrong(f"{where}: {name}", f"one of: {', '.join(words)}", repr(table[name]))
    if type(table.get("slots", 0)) is not int or table.get("slots", 0) < 0:
        raise _wrong(f"{where}: slots", "a whole number", repr(table["slots"]))
    _number(table, "temporary_timeout", TEMPORARY_TIMEOUT_S, where, low=0.1)
    return AdapterOptions(**table)


def _tables(table: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, Any]]:
    found = table.get(name, [])
    if not isinstance(found, list):
        raise _wrong(f"{where}: {name}", f"tables that begin with [[{name}]]", repr(found))
    return [_table(each, f"{where}: {name}") for each in found]


def _table(found: object, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise _wrong(where, "a table", repr(found))
    return found


def _only(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise _wrong(f"{where}: {unknown[0]}", f"one of: {', '.join(sorted(allowed))}", "an unknown key")


def _text(table: Mapping[str, Any], name: str, where: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(f"{where}: {name}", "a text", "nothing" if value is None else repr(value))
    return value


def _number(
    table: Mapping[str, Any], name: str, default: float | None, where: str, *, low: float, high: float = 1e9
) -> float:
    value = table.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(
            f"{where}: {name}",
            f"a number from {low:g} to {high:g}",
            "nothing" if value is None else repr(value),
        )
    return float(value)


def _wrong(where: str, expected: str, found: str) -> SimProblem:
    return SimProblem(
        where,
        expected=expected,
        found=found,
        do="Mend the scenario file; nothing was started.",
        exit_code=Exit.CONFIGURATION,
    )
