"""Line protocol: measurement = quantity, tags = where it was, one field by kind, time in nanoseconds.

Every number is written as a float: the first integer would fix a field's type for ever.
Source: InfluxData, "Line protocol reference".
"""

from __future__ import annotations

import math

from gateway.model.readings import Kind, Record

_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": " ", "\\": "/"})
_STRING = str.maketrans({'"': r"\"", "\\": r"\\"})


def line(record: Record, *, municipality: str, home: str) -> str | None:
    """Write one record as a line; None for a number that the protocol cannot carry (NaN, infinity)."""
    channel = "" if record.channel is None else f",channel={record.channel}"
    match record.kind:
        case Kind.MEASUREMENT:
            value = float(record.value)
            if not math.isfinite(value):
                return None
            field = f"value={value!r}"
        case Kind.STATE:
            field = f"state={_state(record.value)}"
        case Kind.EVENT:
            field = f"event={_text(str(record.value))}"
    tags = f"device={_tag(record.device)},home={_tag(home)},municipality={_tag(municipality)}"
    return f"{_tag(record.quantity)}{channel},{tags},place={_tag(record.place)} {field} {record.time_ns}"


def _state(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(text: str) -> str:
    return f'"{text.translate(_STRING)}"'


def _tag(text: str) -> str:
    return text.translate(_TAG)
