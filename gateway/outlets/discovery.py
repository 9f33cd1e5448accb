"""Home Assistant's device-based discovery: one retained message a device, off by default.

Each series of a device becomes a component that reads the topic where the reading is published anyway.
Source: Home Assistant, "MQTT discovery" (device discovery payload) and "MQTT event".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway import __version__
from gateway.model.quantities import find
from gateway.model.readings import Kind, Record
from gateway.outlets.mqtt_topics import Topics
from gateway.settings.models import Settings

PREFIX = "homeassistant"
UNITS = {
    "Cel": "°C", "/min": "bpm", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "m/s2": "m/s²", "kW.h": "kWh", "1": None,
    "[ppm]": "ppm", "deg": "°", "mm[Hg]": "mmHg", "[lb_av]": "lb",
}  # fmt: skip
"""UCUM to the units Home Assistant knows; what is not here is written alike in both."""
CLASSES = {
    "temperature": "temperature", "body_temperature": "temperature", "dewpoint": "temperature",
    "humidity": "humidity", "battery": "battery", "pressure": "atmospheric_pressure", "voltage": "voltage",
    "current": "current", "power": "power", "energy": "energy", "illuminance": "illuminance",
    "co2": "carbon_dioxide", "pm2_5": "pm25", "pm10": "pm10", "pm1": "pm1",
}  # fmt: skip
BINARY_CLASSES = {
    "motion": "motion", "occupancy": "occupancy", "bed_occupancy": "occupancy", "presence": "presence",
    "opening": "opening", "door": "door", "window": "window", "smoke": "smoke", "gas": "gas",
    "carbon_monoxide": "carbon_monoxide", "moisture": "moisture", "tamper": "tamper",
    "vibration": "vibration", "battery_low": "battery", "moving": "moving", "power": "power",
    "sound": "sound",
}  # fmt: skip


def discovery_topic(settings: Settings, device: str) -> str:
    """Give the topic of a device's message."""
    return f"{PREFIX}/device/velgate-{settings.site.home}-{device}/config"


def discovery(settings: Settings, topics: Topics, device: str, series: Iterable[Record]) -> dict[str, Any]:
    """Give the message of a device: what it has said so far, each as a component."""
    place = settings.device[device].place
    return {
        "dev": {
            "ids": [f"velgate-{settings.site.home}-{device}"],
            "name": device,
            "sa": settings.label(place),
        },
        "o": {"name": "Velgate", "sw": __version__},
        "avty_t": topics.status,
        "avty_tpl": "{{ value_json.state }}",
        "qos": 1,
        "cmps": {
            _name(topics, record): _component(settings, topics, record)
            for record in sorted(series, key=topics.reading)
        },
    }


def _name(topics: Topics, record: Record) -> str:
    return topics.reading(record).rpartition("/")[2].replace("-", "_")


def _component(settings: Settings, topics: Topics, record: Record) -> dict[str, Any]:
    quantity = find(record.quantity, record.kind)
    name = quantity.da if quantity else record.quantity
    shared = {
        "name": name if record.channel is None else f"{name} {record.channel}",
        "uniq_id": f"velgate-{settings.site.home}-{record.device}-{_name(topics, record)}",
        "stat_t": topics.reading(record),
    }
    found: dict[str, Any]
    match record.kind:
        case Kind.MEASUREMENT:
            unit = UNITS.get(record.unit or "", record.unit)
            found = {
                "p": "sensor",
                "val_tpl": "{{ value_json.value }}",
                "stat_cla": "measurement",
                "unit_of_meas": unit,
                "dev_cla": CLASSES.get(record.quantity),
            }
        case Kind.STATE if isinstance(record.value, bool):
            found = {
                "p": "binary_sensor",
                "val_tpl": "{{ 'ON' if value_json.value else 'OFF' }}",
                "dev_cla": BINARY_CLASSES.get(record.quantity),
            }
        case Kind.STATE:
            found = {"p": "sensor", "val_tpl": "{{ value_json.value }}"}
        case Kind.EVENT:
            found = {
                "p": "event",
                "evt_typ": list(quantity.words) if quantity else [str(record.value)],
                "val_tpl": "{{ {'event_type': value_json.value} | tojson }}",
            }
    return shared | {key: value for key, value in found.items() if value is not None}
