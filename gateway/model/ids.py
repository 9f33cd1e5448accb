"""Ids: UUIDv7, so that they sort by time where the clock is right (order itself is the journal's `seq`).

Source: RFC 9562, section 5.7.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from uuid import UUID

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""The form of every name that appears in a topic: site, gateway, place, device, rule."""

NewId = Callable[[int], str]
"""Makes an id for something that happened at the given Unix time in nanoseconds."""


def uuid7(wall_ns: int, random: Callable[[int], bytes] = os.urandom) -> str:
    """Make a UUIDv7 for a Unix time in nanoseconds; `random(10)` brings its random part."""
    ms = max(wall_ns, 0) // 1_000_000 & (1 << 48) - 1
    tail = int.from_bytes(random(10), "big")
    value = ms << 80 | 0x7 << 76 | (tail >> 62 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return str(UUID(int=value))


def is_slug(text: str) -> bool:
    """Tell whether a text may stand as a name in a topic."""
    return SLUG.fullmatch(text) is not None
