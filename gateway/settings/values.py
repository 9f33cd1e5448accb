"""Values that stand in several tables of the configuration: names, times of day, durations, words."""

from __future__ import annotations

from datetime import time, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.model.catalogue import OWN_RULES, shipped
from gateway.model.ids import is_slug
from gateway.settings.span import Span


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


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
