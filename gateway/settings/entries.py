"""Devices, places and people as entries of the configuration: added, renamed, moved, removed."""

from __future__ import annotations

from typing import Any

from gateway.model.ids import is_slug
from gateway.model.problem import Exit, Problem
from gateway.settings.edits import Change
from gateway.settings.models import PERSON

_SLUG = "a slug: lower-case letters, digits and hyphens, beginning with a letter or digit"


def add_device(
    change: Change,
    name: str,
    *,
    place: str,
    address: str | None = None,
    topic: str | None = None,
    driver: str | None = None,
    profile: str | None = None,
    key: str | None = None,
) -> bool:
    """Add a device, and its place if nobody knows it (label = its slug). Tells whether a place was added.

    Raises `Problem` for a name that is taken or is no slug.
    """
    _slug(name, "a device")
    if change.before.tree.get("device", name) is not None:
        raise _taken("device", name)
    new = not has(change, "place", place)
    if new:
        _slug(place, "a place")
        change.set(("place", place), {"label": place})
    upper = address.upper() if address else None
    entry = {"address": upper, "topic": topic, "place": place, "driver": driver, "profile": profile}
    change.set(("device", name), {what: value for what, value in entry.items() if value})
    if key:
        change.set(("device", name, "key"), key)
    return new


def rename_device(change: Change, name: str, new: str) -> None:
    """Rename a device wherever the files name it: its entry, its key, the rules that mean it."""
    known(change, "device", name)
    _slug(new, "a device")
    if has(change, "device", new):
        raise _taken("device", new)
    _own(change, "device", name)
    change.rename(("device", name), new)
    change.replace_item(("alerts", "rules", "*", "devices"), name, new)
    change.replace_item(("alerts", "rules", "*", "override", "*", "devices"), name, new)


def move_device(change: Change, name: str, place: str) -> bool:
    """Say that a device is elsewhere now. Tells whether the place was added."""
    known(change, "device", name)
    new = not has(change, "place", place)
    if new:
        _slug(place, "a place")
        change.set(("place", place), {"label": place})
    change.set(("device", name, "place"), place)
    return new


def remove_device(change: Change, name: str) -> None:
    """Remove a device with its key, and from the rules that name it."""
    known(change, "device", name)
    _own(change, "device", name)
    change.remove(("device", name))
    change.replace_item(("alerts", "rules", "*", "devices"), name, None)
    change.replace_item(("alerts", "rules", "*", "override", "*", "devices"), name, None)


def add_person(change: Change, name: str, *, roles: list[str], rights: list[str], language: str) -> None:
    """Add somebody who may sign in, by initials or another pseudonym."""
    if not PERSON.fullmatch(name):
        expected = "2 to 16 letters, digits or hyphens: initials or another pseudonym, never a name"
        found = f"{len(name)} characters"
        raise Problem("person", expected=expected, found=found, do="use initials", exit=Exit.USAGE)
    if person(change, name) is not None:
        raise _taken("person", name)
    entry: dict[str, Any] = {"roles": roles, "rights": rights, "language": language}
    change.set(("person", name), {what: value for what, value in entry.items() if value})


def remove_person(change: Change, name: str) -> None:
    """Remove somebody with PIN and token, and from the groups they are in."""
    spelled = find_person(change, name)
    _own(change, "person", spelled)
    change.remove(("person", spelled))
    for pattern in (("group", "*", "persons"), ("group", "*", "shifts", "*", "persons")):
        change.replace_item(pattern, spelled, None)


def find_person(change: Change, name: str) -> str:
    """Give a person's name as it is written. Raises `Problem` (exit 4) for nobody."""
    spelled = person(change, name)
    if spelled is None:
        raise _nobody("person", name, "velgate staff list")
    return spelled


def person(change: Change, name: str) -> str | None:
    """Find a person, compared without case."""
    held = change.before.tree.get("person")
    names = [str(key) for key, _ in held.items()] if held is not None else []
    return next((known for known in names if known.casefold() == name.casefold()), None)


def has(change: Change, table: str, name: str) -> bool:
    """Tell whether a table has an entry of this name."""
    return change.before.tree.get(table, name) is not None


def known(change: Change, table: str, name: str) -> None:
    """Raise `Problem` (exit 4) where a table has no entry of this name."""
    if not has(change, table, name):
        raise _nobody(table, name, f"velgate {table} list")


def _own(change: Change, table: str, name: str) -> None:
    """What base defines cannot be taken away or renamed from here."""
    held = change.before.tree.get(table, name)
    if held is not None and held.origin.layer == "base":
        expected, do = "an entry of this home", "change it in a layer of your own"
        raise Problem(
            f"{table}.{name}", expected=expected, found=f"one of {held.origin}", do=do, exit=Exit.REFUSED
        )


def _slug(name: str, what: str) -> None:
    if not is_slug(name):
        found, do = repr(name), f"name {what} by where and what it is, such as kald-12-bad; never by a person"
        raise Problem(what, expected=_SLUG, found=found, do=do, exit=Exit.USAGE)


def _taken(table: str, name: str) -> Problem:
    expected, do = f"a {table} that is not there yet", f"choose another name, or see  velgate {table} list"
    do = do.replace("person list", "staff list")
    return Problem(f"{table}.{name}", expected=expected, found="one of this name", do=do, exit=Exit.USAGE)


def _nobody(table: str, name: str, where: str) -> Problem:
    expected, do = f"a {table} of the configuration", f"see  {where}"
    return Problem(
        f"{table}.{name}", expected=expected, found="none of this name", do=do, exit=Exit.NOT_FOUND
    )
