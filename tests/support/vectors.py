"""The vectors beside the drivers: frames with what must be made of them, and how two results compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import drivers
from gateway.intake.children import Children
from gateway.intake.host import DriverHost
from gateway.intake.loading import load
from gateway.intake.offline import OfflineDecoder

FOLDER = Path(drivers.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


@dataclass(frozen=True)
class Vector:
    """One line of a vector file."""

    module: str
    line: int
    frame: dict[str, Any]
    expect: dict[str, Any]
    key: str | None
    before: list[dict[str, Any]]
    source: str

    def __str__(self) -> str:
        return f"{self.module}.jsonl:{self.line}"

    def keys(self) -> dict[str, bytes]:
        """Give the key the frame needs, if it needs one."""
        return {self.frame["address"]: bytes.fromhex(self.key)} if self.key else {}


def host() -> DriverHost:
    """Load the drivers as `velgate decode` does."""
    loaded, findings = load(Children())
    return DriverHost(loaded, findings=findings, share_max=float("inf"))


def vectors(module: str) -> list[Vector]:
    """Read the vectors of one driver."""
    out = []
    for number, line in enumerate((FOLDER / f"{module}.jsonl").read_bytes().splitlines(), start=1):
        row = orjson.loads(line)
        expect, source = row.pop("expect"), row.pop("source")
        key, before = row.pop("key", None), row.pop("before", [])
        out.append(Vector(module, number, row, expect, key, before, source))
    return out


def answer(decoder: OfflineDecoder, frame: dict[str, Any]) -> dict[str, Any]:
    """Decode one frame and read the answer."""
    document: dict[str, Any] = orjson.loads(decoder.line(orjson.dumps(frame)))
    return document


def plain(reading: dict[str, Any]) -> tuple[Any, ...]:
    """Give a reading in a form that compares: numbers to a millionth, absent keys as None."""
    value = reading["value"]
    if isinstance(value, float | int) and not isinstance(value, bool):
        value = round(float(value), 6)
    return reading["quantity"], reading["kind"], value, reading.get("unit"), reading.get("channel")
