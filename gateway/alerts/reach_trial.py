"""One trial of one person's reach: what it is, and what others may know of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.alerts.channels.push import KIND
from gateway.model.clock import Instant, iso

PAGE = "page"
"""The way of a trial that is shown on an open page."""

State: TypeAlias = Literal["waiting", "reached", "missed", "failed", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial of one person."""

    id: str
    person: str
    begun: Instant
    ends: Instant
    ways: tuple[str, ...] = ()
    """By what it went out: `web_push`, names of channels, or `page`."""
    state: State = "waiting"
    way: str | None = None
    """By what it was answered."""
    took_ms: int | None = None
    reason: str | None = None
    """Why it did not go out, or not by every way: one English sentence."""
    token: str = field(repr=False, default="")
    code: str = field(repr=False, default="")
    tries: int = 0

    def document(self) -> dict[str, Any]:
        """Give what others may know of it: neither token nor code."""
        return {
            "trial": self.id,
            "person": self.person,
            "state": self.state,
            "ways": list(self.ways),
            "way": self.way,
            "took_ms": self.took_ms,
            "reason": self.reason,
            "begun": iso(self.begun.wall_ns),
            "ends": iso(self.ends.wall_ns),
            "code": self.written != PAGE,
        }

    @property
    def written(self) -> str:
        """The channel by which its code went out; `page` where none did."""
        return next((way for way in self.ways if way not in (KIND, PAGE)), PAGE)
