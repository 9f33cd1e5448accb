"""Whose duty an event of a calendar is, and of which group: by initials, or by a table of names.

The table is the home's own file, read for one import and kept nowhere: names of staff stay outside Velgate.
Descriptions are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icalendar import Event

PARTS = re.compile(r"[,;/+&|:()\n–—]|\s-\s|\bog\b|\band\b")
WORDS = re.compile(r"(?:[^\W_]|-)+")
TEXT_MAX = 400  # characters of a title, category or address that are looked at
ATTENDEES_MAX = 50


@dataclass(frozen=True, slots=True)
class Names:
    """What a calendar's words mean here. Keys are folded by `fold`."""

    persons: tuple[str, ...]
    """Everybody of the configuration."""
    groups: Mapping[str, str]
    """Slug and label of each group, to its slug."""
    person_of: Mapping[str, str] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
    only_group: str | None = None
    """Every event is of this one."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom an event means."""

    persons: tuple[str, ...]
    group: str | None
    strangers: int
    """Attendees who are nobody of the configuration."""


def fold(text: str) -> str:
    """Compare without case and without doubled spaces."""
    return " ".join(text.casefold().split())


def meant(event: Event, names: Names) -> Meant:
    """Find whom an event means."""
    title = _texts(event.get("SUMMARY"))
    categories = [text for each in _list(event.get("CATEGORIES")) for text in _texts(*_cats(each))]
    attendees = [_attendee(each) for each in _list(event.get("ATTENDEE"))[:ATTENDEES_MAX]]
    initials = {fold(person): person for person in names.persons}
    found: list[str] = []
    for text in [*title, *categories]:
        for part in [text, *PARTS.split(text)]:
            known = names.person_of.get(fold(part)) or initials.get(fold(part))
            found += [known] if known else []
        found += [word for word in WORDS.findall(text) if word in names.persons]
    strangers = 0
    for ways in attendees:
        hit = next(
            (each for way in ways if (each := names.person_of.get(fold(way)) or initials.get(fold(way)))),
            None,
        )
        found += [hit] if hit else []
        strangers += hit is None
    where = [*categories, *_texts(event.get("LOCATION")), *title]
    return Meant(tuple(dict.fromkeys(found)), _group(where, names), strangers)


def _group(texts: Iterable[str], names: Names) -> str | None:
    if names.only_group is not None:
        return names.only_group
    for text in texts:
        for part in [text, *PARTS.split(text)]:
            known = names.group_of.get(fold(part)) or names.groups.get(fold(part))
            if known is not None:
                return known
    slugs = set(names.groups.values())
    return slugs.pop() if len(slugs) == 1 else None


def _attendee(given: Any) -> tuple[str, ...]:
    address = str(given)[:TEXT_MAX]
    if address.casefold().startswith("mailto:"):
        address = address[7:]
    name = str(getattr(given, "params", {}).get("CN", ""))[:TEXT_MAX]
    return tuple(each for each in (address, address.partition("@")[0], name) if each.strip())


def _cats(given: Any) -> list[Any]:
    return list(getattr(given, "cats", ()) or (given,))


def _texts(*given: Any) -> list[str]:
    return [text for each in given if each is not None and (text := str(each)[:TEXT_MAX]).strip()]


def _list(given: Any) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, list) else [given]
