"""What a request's body may hold. An unknown key is an error, so that a mistyped one is never ignored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.model.ids import SLUG

LACKING = "lacking"
NOTE_MAX = 280
PIN = r"^[0-9]{4,6}$"
CASE = r"^[A-Za-z]{0,6}[-./_]?[0-9][A-Za-z0-9./_-]{0,32}$"


def lacking(key: str, expected: str) -> PydanticCustomError:
    """Make the error of a body that lacks what its other fields ask for, so that it names the key."""
    return PydanticCustomError(LACKING, "{expected}", {"key": key, "expected": expected})


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise ValueError("lower-case letters, digits and hyphens, 1 to 63")
    return text


Name = Annotated[str, Field(min_length=1, max_length=63)]
Slug = Annotated[str, AfterValidator(_slug)]
Note = Annotated[str, Field(max_length=NOTE_MAX)]


class Body(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid")


class ByPerson(Body):
    """Whoever asks for something that a person does.

    `by` counts on the Unix socket alone and is ignored elsewhere. `person` and `pin`, or `key` (a bearer
    token, as a key card types it), are for an enrolled screen, where each action says who does it.
    """

    by: Name | None = None
    person: Name | None = None
    pin: SecretStr | None = None
    key: SecretStr | None = None


class Action(ByPerson):
    """Fields that every action takes. `rev`: the revision that was seen; no longer current: `wrong_state`."""

    note: Note | None = None
    rev: int | None = None


class Acknowledge(Action):
    """Take it; with `take_over` also from whoever has it."""

    take_over: bool = False


class Presence(Action):
    """Be with the resident."""

    how: Literal["button", "tag", "page"] = "page"


class Resolve(Action):
    """Close it."""

    outcome: Literal["assisted", "checked", "false_alarm", "test", "technical", "other"]
    spoken: bool = False
    presence: bool = False
    was_fall: Literal["yes", "no", "unknown", True, False] | None = None


class Shelve(Action):
    """Set it aside until a time, RFC 3339, or for a duration such as `15m`."""

    until: Annotated[str, Field(max_length=40)]
    reason: Annotated[str, Field(min_length=1, max_length=NOTE_MAX)]
    spoken: bool = False


class Dispatch(Action):
    """Send somebody: `group:NAME` or `person:NAME`."""

    to: Annotated[str, Field(pattern=r"^(group|person):[A-Za-z0-9-]{1,63}$")]


class Object(Action):
    """The resident says no; with `undo` taken back within a minute."""

    undo: bool = False


ACTIONS: dict[str, type[Action]] = {
    "acknowledge": Acknowledge,
    "join": Action,
    "presence": Presence,
    "extend": Action,
    "release": Action,
    "assist": Action,
    "resolve": Resolve,
    "reopen": Action,
    "shelve": Shelve,
    "dispatch": Dispatch,
    "object": Object,
}
"""What may be done with an alert, and the fields of each."""

OWN = frozenset({"by", "person", "pin", "key", "rev"})


def fields_of(action: Action) -> dict[str, Any]:
    """Give what the alerts need to know of an action."""
    return action.model_dump(exclude=set(OWN), exclude_none=True, mode="json")


class SignIn(Body):
    """Initials and PIN, or a key alone (a bearer token, as a key card types it)."""

    person: Name | None = None
    pin: SecretStr | None = None
    key: SecretStr | None = None

    @model_validator(mode="after")
    def _either(self) -> SignIn:
        if self.key is None and (self.person is None or self.pin is None):
            raise lacking("pin" if self.person else "person", "`person` and `pin`, or `key`")
        return self


class SignOut(Body):
    """Sign out; `give_back` hands back what the person has taken."""

    give_back: bool = True


class ShownBy(Body):
    """A page says that it has drawn an alert."""

    viewer: Annotated[str, Field(min_length=4, max_length=40)]


class Beat(Body):
    """A page says that it draws, and whether its sound is free."""

    drawing: bool
    sound: bool
    viewer: Annotated[str, Field(max_length=40)] | None = None
    version: Annotated[str, Field(max_length=40)] | None = None
    """Of the gateway that the page came from."""
    time: AwareDatetime | None = None
    """What time it is by the page, as its stream has told it."""


class Device(ByPerson):
    """A device is named."""

    device: Slug


class ShiftNote(ByPerson):
    """A short note for the next shift."""

    text: Annotated[str, Field(min_length=1, max_length=NOTE_MAX)]


class Rounds(ByPerson):
    """Contact was lost, and somebody did rounds meanwhile."""

    since: AwareDatetime
    pressed: AwareDatetime | None = None


class NewScreen(ByPerson):
    """Enrol a wall screen; `public`: visitors can see it."""

    screen: Slug
    public: bool = False


class EnrolScreen(Body):
    """The one-time code of a screen."""

    code: SecretStr


class NewBasis(ByPerson):
    """Record a legal basis."""

    place: Slug
    concern: Literal["fall", "presence", "vital"]
    kind: Literal["consent", "no_objection", "decision"]
    until: date
    case: Annotated[str, Field(pattern=CASE)] | None = None
    """A reference such as `26/1234`: no space, and a digit, so that it is no place for a name."""

    @model_validator(mode="after")
    def _a_decision_has_a_case(self) -> NewBasis:
        if self.kind == "decision" and not self.case:
            raise lacking("case", "the reference of the decision")
        return self


class WithdrawBasis(ByPerson):
    """Withdraw: of a concern at a place, or of one rule there; with `undo`, take that back."""

    place: Slug
    concern: Literal["fall", "presence", "vital"] | None = None
    rule: Slug | None = None
    undo: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> WithdrawBasis:
        if (self.concern is None) == (self.rule is None):
            raise lacking("concern", "one of `concern` and `rule`")
        return self
