"""How a driver says which frames are its own. Data: the host builds an index of it, nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.frames import short_uuid


class Where(StrEnum):
    """The part of a frame that a match looks at."""

    SERVICE_DATA = "service_data"
    COMPANY = "company"
    SERVICE = "service"
    NAME = "name"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Match:
    """One thing that tells a frame apart. Made by the methods below."""

    where: Where
    what: str | int
    starts: bytes = b""
    """First bytes of the payload; among drivers of one key the longest that fits wins."""

    @classmethod
    def service_data(cls, uuid: str, *, starts: bytes = b"") -> Match:
        """Take advertisements with service data under this UUID; they are the payload, after `starts`."""
        return cls(Where.SERVICE_DATA, short_uuid(uuid), starts)

    @classmethod
    def company(cls, company: int, *, starts: bytes = b"") -> Match:
        """Take advertisements with manufacturer data of this company id; the payload follows `starts`."""
        return cls(Where.COMPANY, company, starts)

    @classmethod
    def service(cls, uuid: str) -> Match:
        """Take values of this GATT service's characteristics; of a device that advertises, the UUID alone."""
        return cls(Where.SERVICE, short_uuid(uuid))

    @classmethod
    def name(cls, pattern: str) -> Match:
        """Take advertisements whose local name fits, `*` for anything. A last resort: not unique."""
        return cls(Where.NAME, pattern)

    @classmethod
    def topic(cls, pattern: str) -> Match:
        """Take MQTT messages: `{name}` stands for one level, a last `{name...}` for one or more."""
        return cls(Where.TOPIC, pattern)

    def __str__(self) -> str:
        """Say it as a technician reads it: `company 0x0499`."""
        what = f"{self.what:#06x}" if isinstance(self.what, int) else self.what
        starts = f" starting {self.starts.hex()}" if self.starts else ""
        return f"{self.where.value.replace('_', ' ')} {what}{starts}"


def topic_parts(pattern: str, topic: str) -> dict[str, str] | None:
    """Read a topic by a pattern: the levels that its names stand for, or None where it does not fit."""
    wanted, levels = pattern.split("/"), topic.split("/")
    parts: dict[str, str] = {}
    for at, level in enumerate(wanted):
        if level.startswith("{") and level.endswith("...}"):
            rest = "/".join(levels[at:])
            return {**parts, level[1:-4]: rest} if rest else None
        if at >= len(levels):
            return None
        if level.startswith("{") and level.endswith("}"):
            parts[level[1:-1]] = levels[at]
        elif level != levels[at]:
            return None
    return parts if len(levels) == len(wanted) else None
