"""A device as staff read it: what and where, when heard, how long the battery lasts, the signal in a word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.board.words import Words
from gateway.model.clock import NS, parse_iso
from gateway.settings.models import Settings

GOOD_DBM = -85
WEAK_DBM = -92
"""Where the signal is no longer good, and where it is bad, in dBm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device, in words."""

    device: str
    title: str
    place: str
    heard: str
    heard_ns: int | None
    battery: str
    battery_type: str
    signal: str
    signal_word: str
    trouble: str
    """What is wrong, in words; empty where nothing is."""
    may_replace: bool
    calls: bool


def signal_class(dbm: float | None) -> str:
    """Give `good`, `weak`, `bad` or `unknown`."""
    if dbm is None:
        return "unknown"
    return "good" if dbm >= GOOD_DBM else "weak" if dbm >= WEAK_DBM else "bad"


def device_rows(
    rows: Sequence[Mapping[str, Any]], settings: Settings, words: Words, now_ns: int
) -> list[DeviceRow]:
    """Give the rows in order of place and name; those in trouble first."""
    made = [_row(row, settings, words, now_ns) for row in rows]
    return sorted(made, key=lambda row: (not row.trouble, _natural(row.place), _natural(row.device)))


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Order text as people do: `Bolig 2` before `Bolig 10`."""
    return [
        (0, int(part)) if part.isdigit() else (1, part.casefold())
        for part in re.split(r"(\d+)", text)
        if part
    ]


def _row(row: Mapping[str, Any], settings: Settings, words: Words, now_ns: int) -> DeviceRow:
    seen = row.get("last_seen")
    heard_ns = parse_iso(seen) if seen else None
    battery = row.get("battery")
    kind = signal_class(row.get("signal"))
    title = row.get("title")
    return DeviceRow(
        device=str(row["device"]),
        title=title.get(words.language, "") if isinstance(title, Mapping) else str(title or ""),
        place=settings.label(row.get("place")),
        heard=_heard(row, heard_ns, words, now_ns),
        heard_ns=heard_ns,
        battery=f"{battery:.0f} %" if battery is not None else "–",
        battery_type=str(row.get("battery_type") or ""),
        signal=kind,
        signal_word=words.t(f"signal.{kind}"),
        trouble=_trouble(row, words),
        may_replace=bool(row.get("battery_low") or row.get("refused")),
        calls=bool(row.get("calls")),
    )


def _heard(row: Mapping[str, Any], heard_ns: int | None, words: Words, now_ns: int) -> str:
    if heard_ns is None:
        return words.t("page.devices.pressed_only" if row.get("pressed_only") else "page.devices.never")
    return words.ago((now_ns - heard_ns) / NS)


def _trouble(row: Mapping[str, Any], words: Words) -> str:
    if row.get("refused"):
        return words.t("page.devices.refused")
    if row.get("silent"):
        return words.t("page.devices.silent")
    return words.t("page.devices.battery_low") if row.get("battery_low") else ""
