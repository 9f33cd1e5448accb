"""Rules, escalation policies, duty groups and channels as data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.model.alert import Concern, Priority
from gateway.settings.span import Span


class Table(BaseModel):
    """A table of the configuration; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Table):
    """Whom to tell, and how long to wait for somebody to take it.

    A target is `page` (the staff page), `group:NAME`, `person:NAME` or `channel:NAME`.
    """

    targets: tuple[str, ...]
    after: Span


class Policy(Table):
    """Who is told when."""

    steps: tuple[Step, ...] = Field(min_length=1)
    return_after: Span = timedelta(minutes=10)
    presence_after: Span = timedelta(minutes=30)
    repeat: bool = True
    """Whether the last step begins again; always so for an emergency and for `self`."""


class When(Table):
    """What a rule watches."""

    quantity: str
    event: tuple[str, ...] = ()
    """The words of an event that count; empty: every word but `cancelled` and `release`."""
    state: bool | str | None = None
    """The value of a state."""
    above: float | None = None
    below: float | None = None
    hysteresis: float = 0
    missing: Span | None = None
    """No reading of the quantity for this long."""
    held: Span = timedelta(0)
    """The condition must hold this long before it counts."""


class Case(Table):
    """A finer case of a rule, by word or by kind of place; the first that fits is taken."""

    event: tuple[str, ...] = ()
    place_kind: str | None = None
    kind: str
    priority: Priority
    policy: str


class Schedule(Table):
    """When a rule notifies: local time of day, weekdays 1 (Monday) to 7."""

    start: str
    end: str
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


class Rule(Table):
    """A condition, what it is called, how urgent it is, and what to do about it."""

    enabled: bool = True
    when: When
    kind: str
    concern: Concern
    priority: Priority
    policy: str
    do: dict[Literal["da", "en"], str] | None = None
    """What to do; else the catalogue's line for `kind`; a rule without either does not load."""
    cases: tuple[Case, ...] = ()
    latching: bool | None = None
    """Present until a person deals with it; by default so for events."""
    auto_resolve: bool = False
    schedule: Schedule | None = None
    places: tuple[str, ...] = ()
    """Where it holds; empty: everywhere."""
    devices: tuple[str, ...] = ()


class Alerts(Table):
    """The table `alerts`."""

    rules: dict[str, Rule] = {}
    policies: dict[str, Policy] = {}


class Shift(Table):
    """One weekly shift of a group, local time."""

    start: str
    end: str
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    persons: tuple[str, ...]


class Group(Table):
    """A duty group. Without shifts all `persons` are always on duty."""

    label: str = ""
    persons: tuple[str, ...] = ()
    shifts: tuple[Shift, ...] = ()
    places: tuple[str, ...] = ()


class Channel(Table):
    """A way to reach somebody outside the staff page."""

    kind: Literal["webhook", "mqtt"]
    url: str | None = None
    secret: SecretStr | None = None
    detail: Literal["full", "short"] = "full"
    timeout: Span = timedelta(seconds=10)
    options: dict[str, Any] = {}
