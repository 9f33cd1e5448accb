"""What a gateway has to be told about a scenario's devices: one entry each, for people and programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from firmware_sim.devices.base import Spec
from firmware_sim.devices.kinds import KINDS


def entries(specs: Iterable[Spec]) -> list[dict[str, Any]]:
    """Describe devices as `velgate-sim devices --json` prints them; what a device has not is null.

    `interval` is in seconds; `profile` names the profile in Velgate's base configuration that fits.
    """
    return [
        {
            "name": spec.name,
            "kind": spec.kind,
            "place": spec.place,
            "address": spec.address,
            "topic": spec.topic,
            "driver": KINDS[spec.kind].make.driver,
            "profile": KINDS[spec.kind].make.profile,
            "key": None if spec.key is None else spec.key.hex(),
            "interval": spec.interval_s,
        }
        for spec in specs
    ]


def table(specs: Iterable[Spec]) -> str:
    """Return the entries as columns; keys are left to `--json`."""
    head = ("NAME", "KIND", "PLACE", "ADDRESS OR TOPIC", "DRIVER", "INTERVAL")
    rows = [
        (
            entry["name"],
            entry["kind"],
            entry["place"] or "-",
            entry["address"] or entry["topic"] or "-",
            entry["driver"],
            f"{entry['interval']:g} s",
        )
        for entry in entries(specs)
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)
