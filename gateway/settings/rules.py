"""Rules as data: what is watched, when it counts, what the alert is called, who is told.

What one rule says by itself is judged here, while it is read; what it says of quantities, policies and the
rest of the configuration is judged in `alerting_checks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gateway.model.alert import Concern, Priority
from gateway.settings.conditions import Schedule, When
from gateway.settings.span import Span
from gateway.settings.values import Do, KindName, Lasting, OneOrMany, PlaceKind, Table

ALWAYS_OUT = (Concern.SELF, Concern.FALL)
"""A resident's own call and a fall always go out: nothing may be asked besides."""


class Case(Table):
    """A finer case of a rule, by word, kind of place or kind of device; the first that fits is taken."""

    event: OneOrMany = ()
    """The words of an event it is about."""
    place_kind: PlaceKind | None = None
    """The kind of place it is about."""
    calls: bool | None = None
    """Whether the device carries help calls or falls."""
    kind: KindName
    """What the alert is called then."""
    priority: Priority
    """How urgent it is then."""
    policy: str
    """Who is told then."""
    do: Do = None
    """What to do then; else the catalogue's line for `kind`."""

    @model_validator(mode="after")
    def _differs(self) -> Case:
        if not self.event and self.place_kind is None and self.calls is None:
            raise ValueError("event, place_kind or calls: something that tells this case from the others")
        return self


OF_WHEN = ("held", "missing", "above", "below", "rises_by", "falls_by", "within", "hysteresis", "during")
"""What an override may change of `when`."""
OF_RULE = ("schedule", "priority", "policy", "do")
"""What an override may change of the rule itself."""


class Override(Table):
    """What differs at some places or devices; the first that fits is taken, the rest is the rule's."""

    places: OneOrMany = ()
    """Where it holds; a home brings its bath along."""
    devices: OneOrMany = ()
    """The devices it holds for."""
    profiles: OneOrMany = ()
    """The products it holds for, by the profile of the device."""
    enabled: bool | None = None
    """Whether the rule holds there."""
    held: Span | None = None
    """How long the condition must hold there."""
    missing: Lasting | None = None
    """How long nothing may come there."""
    above: float | None = None
    """The upper limit there."""
    below: float | None = None
    """The lower limit there."""
    rises_by: float | None = Field(default=None, gt=0)
    """How far it may rise there."""
    falls_by: float | None = Field(default=None, gt=0)
    """How far it may fall there."""
    within: Lasting | None = None
    """In which time it may rise or fall so far there."""
    hysteresis: float | None = Field(default=None, ge=0)
    """How far a measurement must come back there."""
    during: Schedule | None = None
    schedule: Schedule | None = None
    priority: Priority | None = None
    """How urgent it is there."""
    policy: str | None = None
    """Who is told there."""
    do: Do = None
    """What to do there."""

    @model_validator(mode="after")
    def _somewhere(self) -> Override:
        if not self.places and not self.devices and not self.profiles:
            raise ValueError(
                "places, devices or profiles that it holds for; for all of them, change the rule itself"
            )
        return self

    def over(self, when: When) -> When:
        """Lay it over what the rule watches. Raises ValueError where the two together cannot hold."""
        changed = {name: value for name in OF_WHEN if (value := getattr(self, name)) is not None}
        if not changed:
            return when
        fields: dict[str, Any] = {name: getattr(when, name) for name in when.model_fields_set}
        try:
            return When.model_validate({**fields, **changed})
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(str(said.get("ctx", {}).get("error", said["msg"]))) from None


class Rule(Table):
    """A condition, what it is called, how urgent it is, and what to do about it."""

    enabled: bool = True
    """Whether it holds at all."""
    when: When
    kind: KindName
    """What the alert is called: a key of the catalogue, such as `bed.left`."""
    concern: Concern
    """What it is about; `fall`, `presence` and `vital` need a legal basis."""
    priority: Priority
    """How urgent it is."""
    policy: str
    """Who is told when: a policy of `alerts.policies`."""
    do: Do = None
    """What to do; else the catalogue's line for `kind`."""
    cases: tuple[Case, ...] = ()
    latching: bool | None = None
    """Present until a person deals with it; by default so for events."""
    auto_resolve: bool = False
    """Whether it closes by itself when the condition is gone and nobody has taken it."""
    schedule: Schedule | None = None
    per: Literal["device", "place"] = "device"
    """`place`: all its devices together make one condition; a bath counts with its home."""
    places: OneOrMany = ()
    """Where it holds; empty: everywhere. A home brings its bath along."""
    devices: OneOrMany = ()
    """The devices it holds for; empty: all."""
    except_places: OneOrMany = ()
    """Where it does not hold."""
    place_kinds: tuple[PlaceKind, ...] = ()
    """The kinds of place where it holds; empty: every kind."""
    override: tuple[Override, ...] = ()

    @property
    def latches(self) -> bool:
        """Whether its condition stays present until a person deals with it."""
        return self.when.watches in ("event", "action") if self.latching is None else self.latching

    @property
    def limits_vital_signs(self) -> bool:
        """Whether it judges a resident's vital signs itself, instead of passing on a device's own word."""
        judges = any(each.limit or each.missing is not None for each in self.when.conditions)
        return self.concern is Concern.VITAL and judges

    @property
    def priorities(self) -> frozenset[Priority]:
        """Every priority that an alert of it may have."""
        overrides = (override.priority for override in self.override if override.priority is not None)
        return frozenset((self.priority, *(case.priority for case in self.cases), *overrides))

    def _fits(self, override: Override) -> None:
        """An override may change what the rule has, and add no condition to it."""
        when, watches = self.when, self.when.watches
        limit = when.above is not None or when.below is not None
        if (override.above, override.below) != (None, None) and not limit:
            raise ValueError("an override of above or below where the rule has a limit only")
        if override.missing is not None and watches != "missing":
            raise ValueError("an override of missing where the rule waits for something only")
        if override.held is not None and watches not in ("state", "measurement") and not when.held:
            raise ValueError("an override of held where the rule watches a state or a limit only")
        if override.schedule is not None and self.latches:
            raise ValueError("no override of schedule where the condition latches")
        if override.during is not None and when.during is None:
            raise ValueError("an override of during where the rule has it only")
        if self.per == "place" and (override.devices or override.profiles):
            raise ValueError("an override by places where all devices of a place make one condition")
        override.over(when)

    def _wrong(self) -> Iterator[str]:
        """Say what two of its keys together forbid."""
        if self.auto_resolve and Priority.EMERGENCY in self.priorities:
            yield "auto_resolve = false: no emergency closes by itself"
        if self.auto_resolve and self.latches:
            yield "either latching or auto_resolve: what latches never ends by itself"
        if self.schedule is not None and self.latches and self.concern not in ALWAYS_OUT:
            yield "no schedule where the condition latches: it would ring long after, when the schedule opens"
        if self.when.also and self.per != "place":
            yield 'per = "place" beside also: several devices make one condition'
        if self.concern in ALWAYS_OUT and (self.when.also or self.when.during is not None):
            yield f"neither also nor during for {self.concern.value}: it always goes out"
        limited = any(each.limit for each in self.when.conditions)
        if self.concern is Concern.VITAL and limited and self.kind != "vital.limit":
            yield 'kind = "vital.limit" for a limit on a vital sign'

    @model_validator(mode="after")
    def _safe(self) -> Rule:
        for number, override in enumerate(self.override):
            try:
                self._fits(override)
            except ValueError as error:
                raise ValueError(f"{error} (override.{number})") from None
        for wrong in self._wrong():
            raise ValueError(wrong)
        return self
