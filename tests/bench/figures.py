"""A measured figure, its goal, and how figures are written down."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `goal` is what the project claims or aims at; None where it claims nothing."""

    name: str
    value: float
    unit: str
    goal: float | None
    better: Literal["higher", "lower"]

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal


def percentile(values: list[float], share: float) -> float:
    """Give the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(
    name: str, values_ms: list[float], goals: tuple[float, float] | tuple[None, None] | None
) -> list[Figure]:
    """Give median and 99th percentile of latencies in milliseconds."""
    shares = (("median", 0.5), ("99 %", 0.99))
    return [
        Figure(
            name=f"{name}, {word}", value=percentile(values_ms, share), unit="ms", goal=goal, better="lower"
        )
        for (word, share), goal in zip(shares, goals or (None, None), strict=True)
    ]


def machine() -> str:
    """Say where and when: no figure means anything without it."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith(("model name", "Model"))
        ),
        platform.machine(),
    )
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors ({cpu}), "
        f"Linux {platform.release()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"load before the start {load}"
    )


def table(figures: list[Figure]) -> str:
    """Write the figures for people."""
    marks = {True: "reached", False: "MISSED", None: ""}
    width = max(len(each.name) for each in figures)
    lines = []
    for each in figures:
        goal = "" if each.goal is None else f"{'≥' if each.better == 'higher' else '≤'} {each.goal:g}"
        lines.append(
            f"{each.name:<{width}}  {each.value:>12,.1f} {each.unit:<9} {goal:>10}  {marks[each.reached]}"
        )
    return "\n".join(lines)


def write(figures: list[Figure], file: Path) -> None:
    """Write the figures for programs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {
        each.name: {
            "value": round(each.value, 3),
            "unit": each.unit,
            "goal": each.goal,
            "better": each.better,
        }
        for each in figures
    }
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
