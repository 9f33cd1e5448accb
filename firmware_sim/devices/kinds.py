"""The kinds of devices a scenario can name, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from firmware_sim.devices.base import Device, Place, Spec
from firmware_sim.devices.buttons import CallButton, FallPendant
from firmware_sim.devices.climate import Climate
from firmware_sim.devices.heart_rate_strap import HeartRateStrap
from firmware_sim.devices.ruuvi import RuuviTag
from firmware_sim.devices.states import BedSensor, DoorSensor
from firmware_sim.devices.thermometer import Thermometer
from firmware_sim.devices.zigbee import (
    ContactSensor,
    LeakSensor,
    MotionSensor,
    RoomClimate,
    SosButton,
    ZigbeeButton,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: its class, what it speaks, and how often it does so when the scenario does not say."""

    make: type[Device]
    speaks: Literal["advertisements", "gatt", "mqtt"]
    interval_s: float


KINDS: Final[dict[str, Kind]] = {
    "call-button": Kind(CallButton, "advertisements", 10.0),
    "fall-pendant": Kind(FallPendant, "advertisements", 10.0),
    "bed-sensor": Kind(BedSensor, "advertisements", 15.0),
    "door-sensor": Kind(DoorSensor, "advertisements", 20.0),
    "climate": Kind(Climate, "advertisements", 6.0),
    "ruuvi-tag": Kind(RuuviTag, "advertisements", 3.0),
    "heart-rate-strap": Kind(HeartRateStrap, "gatt", 1.0),
    "thermometer": Kind(Thermometer, "gatt", 2.0),
    "zigbee-leak": Kind(LeakSensor, "mqtt", 30.0),
    "zigbee-contact": Kind(ContactSensor, "mqtt", 30.0),
    "zigbee-motion": Kind(MotionSensor, "mqtt", 30.0),
    "zigbee-climate": Kind(RoomClimate, "mqtt", 15.0),
    "zigbee-sos": Kind(SosButton, "mqtt", 30.0),
    "zigbee-button": Kind(ZigbeeButton, "mqtt", 30.0),
}


def make_device(spec: Spec, place: Place) -> Device:
    """Build a device of a scenario."""
    return KINDS[spec.kind].make(spec, place)
