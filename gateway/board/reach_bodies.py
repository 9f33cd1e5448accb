"""What a request's body may hold that is about phones and trials of reach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from gateway.board.bodies import Body, ByPerson, Name, Slug, lacking

PERSONS_MAX = 100
Key = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(min_length=8, max_length=2000)]


class PushKeys(Body):
    """The keys of a subscription, as the browser writes them."""

    p256dh: Key
    auth: SecretStr


class Subscribe(Body):
    """A subscription, as `PushSubscription.toJSON()` of the Push API gives it.

    `instead_of`: the address that it takes the place of. `trial`: send a trial to it at once.
    """

    endpoint: Address
    keys: PushKeys
    expirationTime: float | None = None  # noqa: N815  (the Push API's word)
    instead_of: Address | None = None
    trial: bool = False


class Unsubscribe(Body):
    """The subscription of this address ends."""

    endpoint: Address


class StartTrials(ByPerson):
    """Whose reach is tried: persons, groups, or everybody on duty where neither is named."""

    persons: Annotated[tuple[Name, ...], Field(max_length=PERSONS_MAX)] = ()
    groups: Annotated[tuple[Slug, ...], Field(max_length=PERSONS_MAX)] = ()


class AnswerTrial(Body):
    """The answer: the token of a push, the code of a text, or the trial that the page shows."""

    token: Annotated[str, Field(max_length=64)] | None = None
    code: Annotated[str, Field(max_length=8)] | None = None
    trial: Annotated[str, Field(max_length=32)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> AnswerTrial:
        if sum(each is not None for each in (self.token, self.code, self.trial)) != 1:
            raise lacking("token", "one of `token`, `code` and `trial`")
        return self
