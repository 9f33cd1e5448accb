"""Durations as people write them: `90s`, `2m`, `1h30m`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_span(text: object) -> timedelta:
    """Read a duration. Raises ValueError, naming the form that was expected."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError('a duration such as "90s", "2m", "1h30m" or "7d"')
    return timedelta(seconds=sum(float(number) * _UNIT[unit] for number, unit in _PART.findall(text)))


def write_span(span: timedelta) -> str:
    """Write a duration in the largest units that fit: 90 s becomes `1m30s`."""
    left = span.total_seconds()
    out = ""
    for unit in ("d", "h", "m"):
        whole, left = divmod(left, _UNIT[unit])
        out += f"{whole:.0f}{unit}" if whole else ""
    return out + (f"{left:g}s" if left or not out else "")


Span = Annotated[
    timedelta,
    BeforeValidator(parse_span),
    PlainSerializer(write_span, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_WHOLE.pattern}$", "examples": ["90s", "2m"]}),
]
