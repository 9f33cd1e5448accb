"""What shape the configuration has, and how far a tree differs from it, in words with file and line."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from gateway.model.problem import Finding
from gateway.settings.merge import Node, Origin, plain, written
from gateway.settings.models import Settings
from gateway.settings.positions import Path

_WORDS = {
    "string_type": "a text in quotation marks",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "tuple_type": "a list in square brackets",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "date_type": "a date such as 2027-06-30",
    "date_parsing": "a date such as 2027-06-30",
    "date_from_datetime_parsing": "a date such as 2027-06-30",
    "time_type": "a time of day such as 23:00",
    "time_parsing": "a time of day such as 23:00",
    "too_short": "at least one item",
}


Root = TypeVar("Root", bound=BaseModel)


def judge(tree: Node, root: type[Root], *, incomplete: bool = False) -> tuple[Root | None, list[Finding]]:
    """Make a model of a tree, or say everything that keeps it from being one.

    Where a whole file is missing (`incomplete`), nothing is called missing.
    """
    try:
        return root.model_validate(plain(tree)), []
    except ValidationError as error:
        found = _explained(tree, root, error)
        return None, [finding for kind, finding in found if not (incomplete and kind == "missing")]


def _explained(tree: Node, root: type[BaseModel], error: ValidationError) -> Iterator[tuple[str, Finding]]:
    told: set[Path] = set()
    for detail in error.errors(include_url=False, include_input=False):
        path, held = _located(tree, detail["loc"])
        if path not in told:  # each member of a union complains apart
            told.add(path)
            yield detail["type"], _finding(root, path, held, detail)


def _located(tree: Node, loc: tuple[int | str, ...]) -> tuple[Path, Node]:
    """Follow a location as far as the tree goes; a missing or unknown key may be its last step."""
    path: Path = ()
    held = tree
    for step in loc:
        below = held.get(step)
        if below is None:
            if isinstance(held.value, dict) and step == loc[-1] and step != "[key]":
                path = (*path, step)
            break
        path, held = (*path, step), below
    return path, held


def _finding(root: type[BaseModel], path: Path, held: Node, detail: ErrorDetails) -> Finding:
    key, where = written(path), str(held.origin)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(root, path, held)
        case "missing":
            if path == ("site",):
                where, do = "gateway.toml", "say where this gateway stands, or run  velgate init"
                return Finding(where=where, key=key, expected="a table", found="nothing", do=do)
            return Finding(
                where=where, key=key, expected="a value", found="nothing", do=f"add {path[-1]} here"
            )
    found = f"the name {path[-1]!r}" if detail["loc"][-1] == "[key]" else shown(path, held)
    return Finding(where=where, key=key, expected=_expected(detail), found=found, do="correct the value")


def _expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx") or {}
    if detail["type"] in ("literal_error", "enum"):
        return str(context["expected"])
    if detail["type"] in ("value_error", "assertion_error"):
        return str(context.get("error", detail["msg"]))
    return _WORDS.get(detail["type"], detail["msg"])


def _unknown(root: type[BaseModel], path: Path, held: Node) -> Finding:
    """An unknown key: its value is not shown, for nobody knows what it holds."""
    names = sorted(known(path[:-1], root))
    near = get_close_matches(str(path[-1]), names, 1, 0.6)
    do = (
        f"did you mean {near[0]}?" if near else "take it away, or see `velgate config show` for what there is"
    )
    expected = f"one of {', '.join(names)}" if names else "nothing here"
    return Finding(
        where=str(held.origin), key=written(path), expected=expected, found="an unknown key", do=do
    )


def shown(path: Path, held: Node) -> str:
    """Write a value as an error may show it: never a secret, and nothing long."""
    value = held.value
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    if secret(path, held.origin):
        return f"a text of {len(value)}" if isinstance(value, str) else "something else"
    text = (
        str(value).lower()
        if isinstance(value, bool)
        else repr(value)
        if isinstance(value, str)
        else str(value)
    )
    return text if len(text) <= 60 else text[:57] + "…"


def secret(path: Path, origin: Origin | None = None) -> bool:
    """Tell whether what stands at a path must not be shown."""
    return (origin is not None and origin.layer == "secrets") or any(
        SecretStr in _members(kind) for kind in _kinds(path)
    )


def takes_text(path: Path) -> bool:
    """Tell whether a text may stand at a path, and nothing that looks like a number or a truth value."""
    members = {member for kind in _kinds(path) for member in _members(kind)}
    return bool(members & {str, SecretStr}) and not members & {bool, int, float}


def known(path: Path, root: type[BaseModel] = Settings) -> set[str]:
    """Give the keys that a table at a path may have; none where any key may stand."""
    names: set[str] = set()
    for kind in _kinds(path, root):
        for member in _members(kind):
            if isinstance(member, type) and issubclass(member, BaseModel):
                names |= set(member.model_fields)
    return names


def _kinds(path: Path, root: type[BaseModel] = Settings) -> list[Any]:
    """Give the types that may stand at a path; more than one where a type is a union."""
    kinds: list[Any] = [root]
    for step in path:
        kinds = [below for kind in kinds for member in _members(kind) for below in _below(member, step)]
    return kinds


def _below(kind: Any, step: str | int) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        if field is not None:
            yield field.annotation
        return
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        yield inner[1]
    elif origin in (tuple, list) and str(step).isdecimal():
        fixed = len(inner) > int(step) and Ellipsis not in inner
        yield inner[int(step)] if fixed else inner[0]


def _members(kind: Any) -> list[Any]:
    """Unwrap `Annotated` and list the members of a union."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        return _members(typing.get_args(kind)[0])
    if origin in (types.UnionType, typing.Union):
        return [member for inner in typing.get_args(kind) for member in _members(inner)]
    return [kind]
