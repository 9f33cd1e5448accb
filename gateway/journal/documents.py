"""Dataclasses as stored: one JSON document with every field, read by the type hints of the class.

Versions may go back and forth over one journal: a field that this version does not know is left out, one
that is missing gets its default (or the emptiest value of its type), and a word of a closed list that it
does not know is read as the gravest there is, for an alert that cannot be read is one that nobody answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from gateway.model.alert import Concern, Condition, Handling, Outcome, Priority
from gateway.model.clock import ClockQuality, Instant

Decode = Callable[[Any], Any]
Plan = dict[str, tuple[Decode, Callable[[], Any] | None]]
Word = TypeVar("Word", bound=StrEnum)
T = TypeVar("T")

UNKNOWN_WORD: dict[type[StrEnum], StrEnum] = {
    Priority: Priority.EMERGENCY,
    Concern: Concern.SELF,
    Condition: Condition.PRESENT,
    Handling: Handling.UNACKNOWLEDGED,
    Outcome: Outcome.OTHER,
    ClockQuality: ClockQuality.UNSYNCED,
}
NEVER = Instant(0, 0, "", ClockQuality.UNSYNCED)
PLANS: dict[type[Any], Plan] = {}
"""How each class is read; filled as they come."""
EMPTY: dict[type, Any] = {str: "", int: 0, bool: False, date: date.min, Instant: NEVER}


def encode(value: Any) -> bytes:
    """Write a dataclass as a JSON object, in UTF-8."""
    return to_json(_encode_fields(value))


def decode(kind: type[T], document: bytes) -> T:
    """Read a dataclass. Raises ValueError where the document is not one of it."""
    try:
        return _decode_fields(kind, orjson.loads(document))
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"no stored {kind.__name__}") from error


def to_json(value: Any) -> bytes:
    """Write a small value as JSON with sorted keys, so that equal values are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def read_word(kind: type[Word], word: Any) -> Word:
    """Read a word of a closed list; one that is not known is read as the gravest there is."""
    try:
        return kind(word)
    except ValueError:
        return kind(UNKNOWN_WORD[kind])


def _encode_fields(value: Any) -> dict[str, Any]:
    return {name: _encode(getattr(value, name)) for name in _plan(type(value))}


def _encode(value: Any) -> Any:
    if isinstance(value, Instant):
        return [value.wall_ns, value.mono_ns, value.boot, value.quality.value]
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    return _encode_fields(value) if is_dataclass(value) else value


def _decode_fields(kind: type[T], raw: dict[str, Any]) -> T:
    values: dict[str, Any] = {}
    for name, (read, missing) in _plan(kind).items():
        if name in raw:
            values[name] = read(raw[name])
        elif missing is not None:
            values[name] = missing()
    return kind(**values)


def _plan(kind: type[Any]) -> Plan:
    """For each field: how it is read, and what makes it where it is missing (None: its own default)."""
    if kind not in PLANS:
        hints = get_type_hints(kind)
        PLANS[kind] = {
            each.name: (_decoder(hints[each.name]), _when_missing(each, hints)) for each in fields(kind)
        }
    return PLANS[kind]


def _decoder(hint: Any) -> Decode:
    kind, may_be_none = _plain(hint)
    read: Decode
    if kind is Instant:
        read = _decode_instant
    elif kind is tuple:
        read = tuple
    elif kind is date:
        read = date.fromisoformat
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        read = partial(read_word, kind)
    elif isinstance(kind, type) and is_dataclass(kind):
        read = partial(_decode_fields, kind)
    else:
        return _same
    return partial(_unless_none, read) if may_be_none else read


def _when_missing(each: Field[Any], hints: dict[str, Any]) -> Callable[[], Any] | None:
    if each.default is not MISSING or each.default_factory is not MISSING:
        return None
    kind, may_be_none = _plain(hints[each.name])
    if may_be_none:
        return partial(_same, None)
    if kind in (dict, tuple):
        return partial(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return partial(_same, UNKNOWN_WORD[kind])
    assert kind in EMPTY, f"{each.name} needs a value for where it is missing"
    return partial(_same, EMPTY[kind])


def _plain(hint: Any) -> tuple[Any, bool]:
    """Give the class of a type hint, and whether it may be None as well."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        inner = [each for each in get_args(hint) if each is not NoneType]
        return (_plain(inner[0])[0] if len(inner) == 1 else object), True
    return (str if origin is Literal else origin or hint), False


def _decode_instant(raw: Any) -> Instant:
    wall_ns, mono_ns, boot, quality = raw
    return Instant(wall_ns, mono_ns, boot, read_word(ClockQuality, quality))


def _unless_none(read: Decode, raw: Any) -> Any:
    return None if raw is None else read(raw)


def _same(value: Any) -> Any:
    return value
