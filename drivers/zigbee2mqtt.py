"""Zigbee2MQTT: whatever it publishes of the devices it knows, as far as Velgate has a word for it.

Source: the Zigbee2MQTT documentation, "MQTT topics and messages", and the "exposes" of its device list
(zigbee-herdsman-converters). Every message repeats all that is known of a device, so a value may be old;
`action` alone is said once. A plain button is a `button`: whether it calls for help is the home's to say.
Only what can mean nothing else (`emergency`, `sos`, `panic`) is a `help_call`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from gateway.driver import (
    Availability,
    DecodeError,
    Fact,
    LastSeen,
    Malformed,
    Match,
    Message,
    MessageDriver,
    Quantity,
    Standing,
)
from gateway.driver import quantities as q

COMMANDS = frozenset({"set", "get"})
ATTRIBUTE_TEXT = re.compile(r"[\w.:+ -]{0,64}")  # what a bare value may look like
CALLS = frozenset({"emergency", "sos", "panic"})
NO_PRESS = frozenset({"btn", "arm", "disarm", "fall", "drop"})  # the thing itself fell: no person did
SIDES = {"left": 1, "center": 2, "middle": 2, "right": 3}
WORDS = {
    "single": "press", "press": "press", "pressed": "press", "short": "press", "click": "press",
    "push": "press", "initial": "press", "double": "double_press", "triple": "triple_press",
    "quadruple": "triple_press", "quintuple": "triple_press", "many": "triple_press",
    "hold": "long_press", "long": "long_press",
}  # fmt: skip
MILLIVOLT_FROM = 1000  # battery devices send mV, mains devices V, and neither says which
KILOPASCAL_BELOW = 300  # some send kPa: the air has never less than 300 hPa

Reader = Callable[[str, object], Iterator[Fact]]


def decode(message: Message) -> Iterator[Fact]:
    """Yield what one message says. A property of the wrong type is a fault, but the others stand."""
    levels = message.topic.split("/")
    name = levels[-1]
    if "bridge" in levels[1:] or COMMANDS.intersection(levels[2:]) or not message.payload:
        return
    if name == "availability":
        yield from availability(message)
        return
    fault: DecodeError | None = None
    for key, value in properties(message, name if len(levels) > 2 else None).items():
        read = READERS.get(key)
        if read is None or value is None:
            continue
        try:
            yield from read(key, value)
        except DecodeError as error:
            fault = fault or error
    if fault is not None:
        raise fault


def properties(message: Message, attribute: str | None) -> dict[str, object]:
    """Give the properties of a device: an object, or one bare value under the topic of its attribute."""
    try:
        said = message.json()
    except Malformed:
        text = message.payload.decode(errors="replace")
        if attribute is None or not ATTRIBUTE_TEXT.fullmatch(text):
            raise
        said = text
    if isinstance(said, dict):
        return said
    if attribute is None or isinstance(said, list):
        raise Malformed("expected a JSON object")
    return {attribute: said}


def availability(message: Message) -> Iterator[Fact]:
    """Yield whether Zigbee2MQTT reaches the device: `{"state": "online"}`, or the bare word before 1.35."""
    word: object = message.payload.decode(errors="replace")
    if str(word).startswith("{"):
        said = message.json()
        word = said.get("state") if isinstance(said, dict) else None
    if word in ("online", "offline"):
        yield Availability(word == "online")


def a_number(key: str, value: object) -> float:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return value
    raise Malformed(f"{key}: expected a number")


def a_boolean(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Malformed(f"{key}: expected true or false")


def a_word(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise Malformed(f"{key}: expected a word")


def number(quantity: Quantity) -> Reader:
    def read(key: str, value: object) -> Iterator[Fact]:
        if value != "nan":
            yield quantity(a_number(key, value))

    return read


def state(quantity: Quantity, *, inverted: bool = False) -> Reader:
    def read(key: str, value: object) -> Iterator[Fact]:
        yield quantity(a_boolean(key, value) is not inverted)

    return read


def voltage(key: str, value: object) -> Iterator[Fact]:
    if value != "nan":
        volts = a_number(key, value)
        yield q.voltage(volts / 1000 if volts >= MILLIVOLT_FROM else volts)


def pressure(key: str, value: object) -> Iterator[Fact]:
    if value == "nan" or isinstance(value, bool):  # a boolean is a pressure mat: on what, nobody says
        return
    raw = a_number(key, value)
    yield q.pressure(raw * 10 if raw < KILOPASCAL_BELOW else raw)


def standing(quantity: Quantity, word: str, *alarms: object) -> Reader:
    """Read a property that says an alarm in every message until it is over."""

    def read(key: str, value: object) -> Iterator[Fact]:
        (a_boolean if alarms == (True,) else a_word)(key, value)
        yield Standing(key, quantity(word) if value in alarms else None)

    return read


def posture(key: str, value: object) -> Iterator[Fact]:
    """Read `status` of a radar that tells beds and falls (OWON FDS315); of others it is something else."""
    if isinstance(value, str) and value in POSTURES:
        yield Standing(key, q.fall("detected") if value == "falling" else None)
        if value != "falling":
            yield q.bed_occupancy(value == "on_the_bed")


POSTURES = frozenset({"unoccupied", "occupied", "sitting", "on_the_bed", "low_posture", "falling"})


def action(key: str, value: object) -> Iterator[Fact]:
    """Read what a remote control or button says: `single`, `2_double`, `hold_left`, `emergency`."""
    word = a_word(key, value).lower()
    if word in CALLS:
        yield q.help_call("press")
        return
    tokens = re.split(r"[_ -]", word)
    if not NO_PRESS.isdisjoint(tokens):
        return
    said = "release" if tokens[-1] == "release" else next((WORDS[t] for t in tokens if t in WORDS), None)
    if said is None and word in {*SIDES, "both"}:
        said = "press"  # older wall switches say only which side
    if said is None:
        return
    channel = next((int(t) for t in tokens if t.isdecimal() and int(t) > 0), None)
    channel = channel or next((SIDES[t] for t in tokens if t in SIDES), None)
    yield q.button(said, channel=channel)


def last_seen(_key: str, value: object) -> Iterator[Fact]:
    """Read when the device was last heard: milliseconds, or ISO 8601 with a zone; else nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**53:
        yield LastSeen(int(value) * 1_000_000)
    elif isinstance(value, str):
        try:
            stamp = datetime.fromisoformat(value)
        except ValueError:
            return
        if stamp.tzinfo is not None:
            yield LastSeen(int(stamp.astimezone(UTC).timestamp() * 1000) * 1_000_000)


READERS: dict[str, Reader] = {
    "action": action,
    "sos": standing(q.help_call, "press", True),
    "fall_down_status": standing(q.fall, "detected", "fall"),  # Tuya MIR-HE200-TY; `maybe_fall` is none yet
    "fall_status": standing(q.fall, "detected", "fall_alarm"),  # Heiman HS2FD-EF1
    "status": posture,
    "contact": state(q.opening, inverted=True),  # true is closed
    "occupancy": state(q.occupancy),
    "presence": state(q.presence),
    "vibration": state(q.vibration),
    "moving": state(q.moving),
    "water_leak": state(q.moisture_state),
    "smoke": state(q.smoke),
    "carbon_monoxide": state(q.carbon_monoxide),
    "gas": state(q.gas_state),
    "tamper": state(q.tamper),
    "battery_low": state(q.battery_low),
    "battery": number(q.battery),
    "voltage": voltage,
    "temperature": number(q.temperature),
    "humidity": number(q.humidity),
    "illuminance": number(q.illuminance),
    "co2": number(q.co2),
    "pressure": pressure,
    "breathing_rate": number(q.respiratory_rate),
    "power": number(q.power),
    "current": number(q.current),
    "energy": number(q.energy),
    "last_seen": last_seen,
}

driver = MessageDriver(
    name="zigbee2mqtt",
    version="1.0.0",
    models=("Zigbee2MQTT 1 and 2",),
    match=Match.topic("zigbee2mqtt/{device...}"),
    heard_every=None,  # a button speaks when pressed, a battery sensor every few hours: the product's
    decode=decode,
    reports=(
        q.help_call,
        q.button,
        q.fall,
        q.bed_occupancy,
        q.opening,
        q.occupancy,
        q.presence,
        q.vibration,
        q.moving,
        q.moisture_state,
        q.smoke,
        q.carbon_monoxide,
        q.gas_state,
        q.tamper,
        q.battery_low,
        q.battery,
        q.voltage,
        q.temperature,
        q.humidity,
        q.illuminance,
        q.co2,
        q.pressure,
        q.respiratory_rate,
        q.power,
        q.current,
        q.energy,
    ),
)
