"""Rules and escalation policies as data.

What one value says by itself is judged here, while it is read; what only several together say
(R8: how many ways lead to a person, who is named where) is judged in `alerting_checks.py`.
"""

from __future__ import annotations

from datetime import time, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.model.alert import Concern, Priority
from gateway.model.catalogue import OWN_RULES, shipped
from gateway.model.ids import is_slug
from gateway.settings.span import Span

PAGE = "page"
"""The staff page."""
DUTY = "duty"
"""Everybody who is on duty for the place; where no roster says who, everybody of the home."""
EVERYONE = "everyone"
"""Everybody of the home, on duty or not."""
NAMED = ("group", "person", "channel", "centre", "right")
"""Targets with a name: `group:NAME`, `person:NAME`, `channel:NAME`, `centre:NAME`, `right:NAME`."""

TECHNICAL = "technical"
"""The policy that the gateway's own troubles use where `alerts.supervision` names no other."""


def split_target(target: str) -> tuple[str, str]:
    """Split a target into kind and name: `("group", "nat-oest")`, `("page", "")`. Raises ValueError."""
    if target in (PAGE, DUTY, EVERYONE):
        return target, ""
    kind, _, name = target.partition(":")
    if kind not in NAMED or not name:
        words = ", ".join((PAGE, DUTY, EVERYONE, *(f"{kind}:NAME" for kind in NAMED)))
        raise ValueError(words)
    return kind, name


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _target(text: str) -> str:
    split_target(text)
    return text


def _kind(text: str) -> str:
    if not shipped().knows(text) or text == "test":
        near = get_close_matches(text, shipped().kinds(), 1)
        hint = f"; did you mean {near[0]}?" if near else f", such as {', '.join(shipped().kinds()[:4])}"
        raise ValueError(f"a kind of alert that has words in the catalogue{hint}")
    return text


def _name(text: str) -> str:
    if not is_slug(text):
        raise ValueError("lower-case letters, digits and hyphens, 1 to 63, beginning with a letter or digit")
    return text


def _local(value: object) -> time:
    """TOML's own local time, or a text; a bare number is no time of day, and a zone belongs to the site."""
    try:
        at = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None or isinstance(value, int):
        raise ValueError('a local time of day such as "23:00"')
    return at


def _rule_name(text: str) -> str:
    if _name(text) in OWN_RULES:
        raise ValueError("another name: the gateway raises alerts of its own under this one")
    return text


def _positive(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("a duration above zero")
    return span


def _both(words: dict[str, str] | None) -> dict[str, str] | None:
    if words is not None and (words.keys() != {"da", "en"} or not all(map(str.strip, words.values()))):
        raise ValueError("what to do, in both languages: {da = …, en = …}")
    return words


Words: TypeAlias = tuple[str, ...]
OneOrMany = Annotated[Words, BeforeValidator(_one_or_many)]
"""A list of words; one word may stand without brackets."""
Target = Annotated[str, AfterValidator(_target)]
KindName = Annotated[str, AfterValidator(_kind)]
Name = Annotated[str, AfterValidator(_name)]
RuleName = Annotated[str, AfterValidator(_rule_name)]
LocalTime = Annotated[time, BeforeValidator(_local)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Lasting = Annotated[Span, AfterValidator(_positive)]
Do = Annotated[dict[str, str] | None, AfterValidator(_both)]
PlaceKind: TypeAlias = Literal["home", "bath", "shared"]


class Table(BaseModel):
    """A table of the configuration; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Table):
    """Whom to tell, and how long to wait for somebody to take it.

    A target is `page` (the staff page), `duty` (who is on duty for the place; without a roster,
    everybody), `everyone`, or one with a name: `group:`, `person:`, `channel:`, `centre:`, `right:`
    (everybody with that right).
    """

    targets: tuple[Target, ...] = Field(min_length=1)
    """Whom to tell."""
    after: Lasting
    """How long to wait for somebody to take it."""


class Policy(Table):
    """Who is told when."""

    steps: tuple[Step, ...] = Field(min_length=1)
    return_after: Lasting = timedelta(minutes=10)
    """How long after somebody took it an alert comes back, if nobody closes it."""
    presence_after: Lasting = timedelta(minutes=30)
    """The same, once somebody is with the resident."""
    repeat: bool = True
    """Whether the last step begins again; always so for an emergency and for `self`."""


Watches: TypeAlias = Literal["event", "state", "measurement", "missing", "action"]


class When(Table):
    """What a rule watches: exactly one of an event, a state, a measurement, an absence, an action."""

    quantity: OneOrMany = ()
    """One quantity, or several that say the same of a device (`opening` and `door`)."""
    event: OneOrMany = ()
    """The words of an event that count; empty: every word but `cancelled` and `release`."""
    state: bool | str | None = None
    """The value of a state."""
    above: float | None = None
    """A measurement above this."""
    below: float | None = None
    """A measurement below this."""
    hysteresis: float = Field(default=0, ge=0)
    """How far a measurement must come back before the condition is gone."""
    missing: Lasting | None = None
    """No reading of the quantity for this long; with `state`, none of that value."""
    held: Span = timedelta(0)
    """The condition must hold this long before it counts."""
    action: Literal["assist"] | None = None
    """Something a person does on an alert, instead of something a device says."""

    @property
    def watches(self) -> Watches:
        """Which of the five it is."""
        if self.action is not None:
            return "action"
        if self.missing is not None:
            return "missing"
        if self.above is not None or self.below is not None:
            return "measurement"
        return "event" if self.state is None else "state"

    @model_validator(mode="after")
    def _one_thing(self) -> When:
        if self.action is None and not self.quantity:
            raise ValueError("a quantity that the rule watches")
        if self.action is not None and self.model_fields_set != {"action"}:
            raise ValueError("an action alone, without a quantity or a limit")
        if self.event and self.watches != "event":
            raise ValueError("either words of an event, or a state or limit; not both")
        if self.state is not None and self.watches == "measurement":
            raise ValueError("either a state or a limit; not both")
        if self.hysteresis and self.watches != "measurement":
            raise ValueError("a hysteresis beside above or below only")
        if self.held and self.watches not in ("state", "measurement"):
            raise ValueError("held beside a state or a limit only: an event does not last")
        if self.above is not None and self.below is not None and self.below >= self.above:
            raise ValueError("below under above: the range between them is what is wanted")
        return self


class Schedule(Table):
    """When a rule notifies: local time of day, weekdays 1 (Monday) to 7.

    A window over midnight belongs to the day on which it begins. `start` equal to `end` is the
    whole day.
    """

    start: LocalTime
    """When it begins."""
    end: LocalTime
    """When it ends."""
    weekdays: tuple[Weekday, ...] = Field(default=(1, 2, 3, 4, 5, 6, 7), min_length=1)
    """The days on which it begins."""


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


class Override(Table):
    """What differs at some places or devices; the first that fits is taken, the rest is the rule's."""

    places: OneOrMany = ()
    """Where it holds; a home brings its bath along."""
    devices: OneOrMany = ()
    """The devices it holds for."""
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
    schedule: Schedule | None = None
    """When it notifies there."""
    priority: Priority | None = None
    """How urgent it is there."""
    policy: str | None = None
    """Who is told there."""

    @model_validator(mode="after")
    def _somewhere(self) -> Override:
        if not self.places and not self.devices:
            raise ValueError("places or devices that it holds for; for all of them, change the rule itself")
        return self


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
        return self.concern is Concern.VITAL and self.when.watches in ("measurement", "missing")

    @property
    def priorities(self) -> frozenset[Priority]:
        """Every priority that an alert of it may have."""
        overrides = (override.priority for override in self.override if override.priority is not None)
        return frozenset((self.priority, *(case.priority for case in self.cases), *overrides))

    def _fits(self, override: Override) -> None:
        """An override may change what the rule has, and add no condition to it."""
        watches = self.when.watches
        if (override.above, override.below) != (None, None) and watches != "measurement":
            raise ValueError("an override of above or below where the rule has a limit only")
        if override.missing is not None and watches != "missing":
            raise ValueError("an override of missing where the rule waits for something only")
        if override.held is not None and watches not in ("state", "measurement"):
            raise ValueError("an override of held where the rule watches a state or a limit only")
        if override.schedule is not None and self.latches:
            raise ValueError("no override of schedule where the condition latches")

    @model_validator(mode="after")
    def _safe(self) -> Rule:
        for override in self.override:
            self._fits(override)
        if self.auto_resolve and Priority.EMERGENCY in self.priorities:
            raise ValueError("auto_resolve = false: no emergency closes by itself")
        if self.auto_resolve and self.latches:
            raise ValueError("either latching or auto_resolve: what latches never ends by itself")
        if self.schedule is not None and self.latches and self.concern not in (Concern.SELF, Concern.FALL):
            raise ValueError(
                "no schedule where the condition latches: it would ring long after, when the schedule opens"
            )
        limit = self.when.watches == "measurement"
        if self.concern is Concern.VITAL and limit and self.kind != "vital.limit":
            raise ValueError('kind = "vital.limit" for a limit on a vital sign')
        return self


class Supervision(Table):
    """How silence, batteries and the gateway's own troubles are watched."""

    policy: str = TECHNICAL
    """Who is told of a trouble on which no call or fall hangs."""
    policy_unheard: str = "high"
    """Who is told where calls or falls may go unheard."""
    policy_basis: str = "basis"
    """Who is told that a resident has objected."""
    intervals: int = Field(default=3, ge=2)
    """A device is silent after so many of its intervals,"""
    at_least: Lasting = timedelta(seconds=60)
    """and never before this."""
    refused_after: Lasting = timedelta(seconds=45)
    """How long all frames of a device may be refused before it is told; a minute at most."""
    battery_hysteresis: float = Field(default=5, ge=0)
    """How far above its threshold (%) a battery counts as good again."""
    clock_after: Lasting = timedelta(minutes=5)
    """How long the clock may be unsynced after start before it is told."""
    announce_days: tuple[int, ...] = (30, 14, 3, 1)
    """How many days before its end a decision is announced to end."""

    @model_validator(mode="after")
    def _within_a_minute(self) -> Supervision:
        if self.refused_after > timedelta(seconds=55):
            raise ValueError("refused_after of at most 55s: a call must not go unheard for a minute")
        return self


class Alerts(Table):
    """The table `alerts`."""

    rules: dict[RuleName, Rule] = {}
    policies: dict[Name, Policy] = {}
    supervision: Supervision = Field(default_factory=Supervision)
