"""Heads of the audit log, noted beside the journal: what shows that its end was cut off, or all written anew.

A chain of hashes shows a removed or changed entry, but whoever can write the file can also cut its end and
compute the rest anew. The gateway therefore notes, while it runs, number and hash of the newest entry in a
second file, and says them in its health document, which MQTT takes off the machine each minute. One who
changes both files and the broker is beyond what a machine can prove about itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from gateway.model.clock import NS, iso, parse_iso

FILE = "audit-heads.jsonl"
HOUR_NS, DAY_NS = 3600 * NS, 86_400 * NS
FINE_NS = 2 * DAY_NS  # for so long one head an hour is kept, then one a day
HEADS_MAX = 2500  # more than five years of days

Mark: TypeAlias = tuple[int, str]
"""Number and hash of an entry."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of the audit log at some time."""

    seq: int
    hash: str
    """Hexadecimal."""
    noted_ns: int
    told: bool = False
    """Whether it was told that the log belies it."""

    @property
    def mark(self) -> Mark:
        """What tells it from every other."""
        return self.seq, self.hash

    def document(self) -> dict[str, Any]:
        """Give it as a line of the file."""
        told = {"told": True} if self.told else {}
        return {"seq": self.seq, "hash": self.hash, "noted": iso(self.noted_ns)} | told


def read_heads(folder: Path) -> list[Head]:
    """Give the noted heads by number; a line that cannot be read counts as none."""
    try:
        lines = (folder / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    heads = [head for line in lines if (head := _read(line)) is not None]
    return sorted(heads, key=lambda head: head.seq)


def write_heads(folder: Path, heads: Sequence[Head]) -> None:
    """Replace the file as a whole. Blocks; raises OSError."""
    path, fresh = folder / FILE, folder / f"{FILE}.new"
    with fresh.open("wb") as file:
        file.write(b"".join(orjson.dumps(head.document()) + b"\n" for head in heads))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def with_head(heads: Sequence[Head], head: Head, begin: int, belied: frozenset[Mark]) -> list[Head]:
    """Add the newest, and keep of the others one an hour and then one a day, none up to entry `begin`.

    Those that the log belies all stay, as told of: they are what shows it.
    """
    kept: dict[tuple[str, int | Mark], Head] = {}
    for each in heads:
        if each.seq <= begin or each.mark == head.mark:
            continue
        young = head.noted_ns - each.noted_ns < FINE_NS
        span = each.noted_ns // (HOUR_NS if young else DAY_NS)
        if each.mark in belied:
            kept["belied", each.mark] = replace(each, told=True)
        else:
            kept["kept", span] = each
    return sorted([*kept.values(), head], key=lambda each: each.seq)[-HEADS_MAX:]


def _read(line: bytes) -> Head | None:
    try:
        row = orjson.loads(line)
        told = row.get("told") is True
        return Head(int(row["seq"]), bytes.fromhex(row["hash"]).hex(), parse_iso(row["noted"]), told)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
