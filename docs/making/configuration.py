"""docs/reference/configuration.md: every key that may be set, from the models that judge the files."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.making import markdown
from docs.making.base import policies_table, profiles_table, rules_table
from docs.making.markdown import anchor, code, codes, table, unwrapped
from gateway.settings import alerting, models, values
from gateway.settings.models import Settings
from gateway.settings.span import Span, write_span
from gateway.settings.trust import Trust

INTRODUCTION = (Path(__file__).parent / "configuration-intro.md").read_text(encoding="utf-8")

_FORMS: list[tuple[Any, str]] = [
    (models.Slug, "slug"),
    (models.Address, "radio address"),
    (models.TimeOfDay, "time of day"),
    (models.Day, "date"),
    (Span, "duration"),
    (values.Lasting, "duration above zero"),
    (values.OneOrMany, "one or several texts"),
    (alerting.Target, "target"),
    (values.KindName, "kind of alert"),
    (values.Name, "slug"),
    (values.RuleName, "slug"),
    (values.LocalTime, "time of day"),
    (values.Weekday, "weekdays, 1 (Monday) to 7"),
    (values.Do, "text in both languages: `{da = …, en = …}`"),
    (SecretStr, "text, secret"),
    (str, "text"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "number"),
    (date, "date"),
    (time, "time of day"),
    (timedelta, "duration"),
    (Any, "anything"),
]


TRUST = """
Whose signatures count, and for what. Of this version only `key` is used, and of its roles `centre` and
`home`: who holds one may [command over MQTT](../how-to/mqtt-broker.md). The rest is read, so that one file
serves later versions.
"""

ROOTS = (Settings, Trust)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration."""

    path: str
    """As people write it: `device.NAME.place`, `alerts.policies.NAME.steps[].after`."""
    form: str
    default: str
    meaning: str
    owner: type[BaseModel]


def page() -> str:
    """Write the page."""
    parts = [INTRODUCTION]
    for path, model in sections():
        parts += [f"## {path or 'At the top'}", *_own_words(path, model)]
        rows = [(code(key.path.rpartition(".")[2] or key.path), key.form, key.default, key.meaning)
                for key in keys_of(path, model)]  # fmt: skip
        parts.append(table(("key", "form", "if left out", "meaning"), rows))
    parts += ["## trust.toml", TRUST]
    rows = [(code(key.path), key.form, key.default, key.meaning) for key in trust_keys()]
    parts += [table(("key", "form", "if left out", "meaning"), rows)]
    parts += ["## What the base brings", "### Rules", rules_table(), "### Policies", policies_table()]
    return markdown.page("Configuration", *parts, "### Product profiles", profiles_table())


def all_keys() -> list[Key]:
    """Give every key of the configuration files, without those of `trust.toml`."""
    return [key for path, model in sections() for key in keys_of(path, model)]


def trust_keys() -> list[Key]:
    """Give every key of `trust.toml`."""
    return [*keys_of("", Trust), *(key for path, model in _below("", Trust) for key in keys_of(path, model))]


def sections() -> list[tuple[str, type[BaseModel]]]:
    """Give each table that may be written, in the order of the model: path and model."""
    return [*_below("", Settings), ("", Settings)]


def _below(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, kind in typing.get_type_hints(model, include_extras=True).items():
        if name not in model.model_fields:
            continue
        for suffix, inner in _tables(kind):
            below = f"{path}.{name}{suffix}".lstrip(".")
            if any(key for key in keys_of(below, inner)):
                yield below, inner
            yield from _below(below, inner)


def keys_of(path: str, model: type[BaseModel]) -> list[Key]:
    """Give the keys of one table that are no tables themselves."""
    hints, meanings = typing.get_type_hints(model, include_extras=True), attribute_docs(model)
    keys = []
    for name, field in model.model_fields.items():
        if model in ROOTS and _tables(hints[name]):
            continue
        keys.append(
            Key(
                path=f"{path}.{name}".lstrip("."),
                form=form(hints[name]),
                default=_default(field),
                meaning=unwrapped(meanings.get(name)) or _see(f"{path}.{name}", hints[name]),
                owner=model,
            )
        )
    return keys


@cache
def attribute_docs(model: type) -> dict[str, str]:
    """Read the strings that stand under the attributes of a class."""
    found: dict[str, str] = {}
    for base in model.__bases__:
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= attribute_docs(base)
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    for attribute, after in zip(tree.body, tree.body[1:], strict=False):
        match attribute, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found


def form(kind: Any) -> str:
    """Say in words what may stand at a key."""
    for known, words in _FORMS:
        if kind == known:
            return words
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return form(inner[0])
    if origin is Literal:
        return codes(inner, " or ") if len(inner) < 3 else codes(inner)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(form(each) for each in inner if each is not type(None)))
    if origin is tuple:
        if len(inner) == 2 and inner[1] is not Ellipsis:
            return f"list of two: {form(inner[0])}, {form(inner[1])}"
        return f"list of {form(inner[0])}"
    if origin is dict:
        return "table" if typing.get_origin(inner[0]) is None else f"table by {form(inner[0])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return codes(each.value for each in kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    raise LookupError(f"docs/making/configuration.py has no words for the type {kind!r}")


def _tables(kind: Any) -> list[tuple[str, type[BaseModel]]]:
    """Give the models that a type holds, each with what stands between: nothing, `.NAME` or `[]`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [("", kind)]
    if origin is Annotated:
        return _tables(inner[0])
    if origin in (types.UnionType, typing.Union):
        return [found for each in inner for found in _tables(each)]
    if origin is tuple:
        return [(f"[]{suffix}", model) for suffix, model in _tables(inner[0])]
    if origin is dict:
        return [(f".NAME{suffix}", model) for suffix, model in _tables(inner[1])]
    return []


def _see(path: str, kind: Any) -> str:
    """Point to the table that a key holds."""
    if not (found := _tables(kind)):
        return ""
    heading = (path + found[0][0]).lstrip(".")
    return f"See [{heading}]({anchor(heading)})."


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    return (
        ""
        if value is None or value == {} or value == () or isinstance(value, BaseModel)
        else code(_written(value))
    )


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return json.dumps(write_span(value))
        case time():
            return f"{value:%H:%M}"
        case Enum():
            return _written(value.value)
        case tuple():
            return f"[{', '.join(map(_written, value))}]"
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _own_words(path: str, model: type[BaseModel]) -> Iterator[str]:
    if path and model.__doc__:
        yield unwrapped(inspect.cleandoc(model.__doc__))
