"""What a rule watches, as data: conditions that last, events, hours, and several of them together."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from gateway.settings.span import Span
from gateway.settings.values import Lasting, LocalTime, OneOrMany, Table, Weekday

Watches: TypeAlias = Literal["event", "state", "measurement", "missing", "action"]


class Schedule(Table):
    """A window of the week: local time of day, weekdays 1 (Monday) to 7.

    A window over midnight belongs to the day on which it begins. `start` equal to `end` is the
    whole day.
    """

    start: LocalTime
    """When it begins."""
    end: LocalTime
    """When it ends."""
    weekdays: tuple[Weekday, ...] = Field(default=(1, 2, 3, 4, 5, 6, 7), min_length=1)
    """The days on which it begins."""


class Condition(Table):
    """Something that lasts: a state, a limit, a rate of change, an absence."""

    quantity: OneOrMany = ()
    """One quantity, or several that say the same of a device (`opening` and `door`)."""
    state: bool | str | None = None
    """The value of a state."""
    above: float | None = None
    """A measurement above this."""
    below: float | None = None
    """A measurement below this."""
    rises_by: float | None = Field(default=None, gt=0)
    """A measurement at least so far above the lowest one of the time that `within` says."""
    falls_by: float | None = Field(default=None, gt=0)
    """A measurement at least so far below the highest one of the time that `within` says."""
    within: Lasting | None = None
    """Over which time `rises_by` and `falls_by` compare; kept to a twelfth of it."""
    hysteresis: float = Field(default=0, ge=0)
    """How far a measurement must come back before the condition is gone."""
    missing: Lasting | None = None
    """No reading of the quantity for this long; with `state`, none of that value."""

    @property
    def rate(self) -> bool:
        """Whether it watches how fast something changes."""
        return self.rises_by is not None or self.falls_by is not None

    @property
    def limit(self) -> bool:
        """Whether it watches a limit, or how fast something changes."""
        return self.above is not None or self.below is not None or self.rate

    @model_validator(mode="after")
    def _one_limit(self) -> Condition:
        if self.missing is not None and self.limit:
            raise ValueError("either missing or a limit; not both")
        if self.state is not None and self.limit:
            raise ValueError("either a state or a limit; not both")
        if self.hysteresis and not self.limit:
            raise ValueError("a hysteresis beside above or below, rises_by or falls_by only")
        if self.above is not None and self.below is not None and self.below >= self.above:
            raise ValueError("below under above: the range between them is what is wanted")
        if self.rate and (self.above is not None or self.below is not None):
            raise ValueError("either a limit or a rate; write the other one into also")
        if self.rate is not (self.within is not None):
            raise ValueError("rises_by or falls_by, and within, together: by how much in which time")
        if (
            self.hysteresis
            and self.rate
            and self.hysteresis >= min(self.rises_by or 1e9, self.falls_by or 1e9)
        ):
            raise ValueError("a hysteresis smaller than rises_by and falls_by, or it would never end")
        return self


class Also(Condition):
    """What must hold besides, at the same place and at the same time; a bath counts with its home."""

    devices: OneOrMany = ()
    """The devices whose word counts; empty: all of the place."""
    every: bool = False
    """Whether every device that has said something of it must say so; otherwise one is enough."""

    @model_validator(mode="after")
    def _lasts(self) -> Also:
        if not self.quantity:
            raise ValueError("a quantity that the condition watches")
        if self.state is None and not self.limit and self.missing is None:
            raise ValueError("a state, a limit, a rate or missing: something that lasts")
        if self.every and self.missing is not None:
            raise ValueError("no every beside missing: it is missing where no device brings it")
        return self


class When(Condition):
    """What a rule watches: exactly one of an event, a state, a measurement, an absence, an action.

    `also` names what must hold at the same time, `during` the hours in which any of it counts.
    """

    event: OneOrMany = ()
    """The words of an event that count; empty: every word but `cancelled` and `release`."""
    held: Span = timedelta(0)
    """The condition, with all of `also`, must hold this long before it counts."""
    also: tuple[Also, ...] = ()
    during: Schedule | None = None
    action: Literal["assist"] | None = None
    """Something a person does on an alert, instead of something a device says."""

    @property
    def watches(self) -> Watches:
        """Which of the five it is."""
        if self.action is not None:
            return "action"
        if self.missing is not None:
            return "missing"
        if self.limit:
            return "measurement"
        return "event" if self.state is None else "state"

    @property
    def combined(self) -> bool:
        """Whether more than the last word of a device decides: other conditions, hours, or a rate."""
        return bool(self.also) or self.during is not None or self.rate

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Everything that must hold: itself first."""
        return (self, *self.also)

    @model_validator(mode="after")
    def _one_thing(self) -> When:
        if self.action is None and not self.quantity:
            raise ValueError("a quantity that the rule watches")
        if self.action is not None and self.model_fields_set != {"action"}:
            raise ValueError("an action alone, without a quantity or a limit")
        if self.event and self.watches != "event":
            raise ValueError("either words of an event, or a state or limit; not both")
        lasts = ("state", "measurement", *(("missing",) if self.combined else ()))
        if self.held and self.watches not in lasts:
            raise ValueError("held beside a state or a limit only: an event does not last")
        return self
