"""How much is too much, and when the chain is tested by itself."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Literal

from pydantic import Field, model_validator

from gateway.settings.span import Span
from gateway.settings.values import Lasting, LocalTime, Table


class Load(Table):
    """Figures to report, never a limit: whatever they are, no alert is held back because of them."""

    per_person: int = Field(default=2, ge=1)
    """More new alerts than this for each person on duty within `window` are told as a flood."""
    window: Lasting = timedelta(minutes=10)
    """How far back is looked, for floods and for what chatters."""
    chatter: int = Field(default=5, ge=3)
    """A condition that has come this often within `window`, going in between, is told to chatter."""


class ScheduledTests(Table):
    """Chain tests that the gateway makes by itself, of each device that carries calls or falls.

    They go the way of a call, from its rule to the pages, and are marked as test everywhere.
    """

    enabled: bool = True
    """Whether they are made."""
    at: LocalTime = time(10, 30)
    """When, by the home's clock."""
    every: Literal["day", "week"] = "week"
    """`week`: each device on a weekday of its own, so that they do not all come at once."""
    loud: bool = False
    """`true`: by every channel and with sound, to be taken like a call; else on staff page and MQTT only,
    without sound, and closed by itself."""
    remind_after: Span = timedelta(days=30)
    """A device that was not proved for so long is told,"""
    insist_after: Span = timedelta(days=90)
    """and told again after this."""

    @model_validator(mode="after")
    def _in_order(self) -> ScheduledTests:
        if not timedelta(0) < self.remind_after < self.insist_after:
            raise ValueError("remind_after above zero and below insist_after")
        return self
