"""The kinds of devices a scenario can name, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from firmware_sim.devices.base import Device, Place, Spec
from firmware_sim.devices.buttons import CallButton, FallPendant
from firmware_sim.devices.climate import Climate


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: its class, what it speaks, and how often it does so when the scenario does not say."""

    make: type[Device]
    speaks: Literal["advertisements", "gatt", "mqtt"]
    interval_s: float


KINDS: Final[dict[str, Kind]] = {
    "call-button": Kind(CallButton, "advertisements", 10.0),
    "fall-pendant": Kind(FallPendant, "advertisements", 10.0),
    "climate": Kind(Climate, "advertisements", 5.0),
}


def make_device(spec: Spec, place: Place) -> Device:
    """Build a device of a scenario."""
    return KINDS[spec.kind].make(spec, place)
