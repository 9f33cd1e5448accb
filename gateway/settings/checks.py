"""What fits the shape of the configuration and is wrong all the same: names nobody knows, doubles, floors.

Every check looks at the tree, not at `Settings`, so that one mistake hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from itertools import chain
from typing import Any
from zoneinfo import available_timezones

from gateway.model.problem import Finding
from gateway.settings.merge import Node, match, walk, written
from gateway.settings.models import PERSON
from gateway.settings.positions import Path
from gateway.settings.shape import secret, shown
from gateway.settings.span import parse_span

KEY = re.compile(r"[0-9A-Fa-f]{32}")
MAINTENANCE_MAX = timedelta(
    hours=4
)  # alerts.py suppresses no longer; a date far off would hide a dead device

_REFERENCES = (
    ("device.*.place", "place", "a place"),
    ("device.*.profile", "profiles", "a profile"),
    ("place.*.within", "place", "a place"),
    ("alerts.rules.*.policy", "alerts.policies", "an escalation policy"),
    ("alerts.rules.*.cases.*.policy", "alerts.policies", "an escalation policy"),
    ("alerts.rules.*.override.*.policy", "alerts.policies", "an escalation policy"),
    ("alerts.rules.*.places", "place", "a place"),
    ("alerts.rules.*.except_places", "place", "a place"),
    ("alerts.rules.*.devices", "device", "a device"),
    ("alerts.rules.*.override.*.places", "place", "a place"),
    ("alerts.rules.*.override.*.devices", "device", "a device"),
    ("alerts.rules.*.override.*.profiles", "profiles", "a profile"),
    ("alerts.rules.*.when.also.*.devices", "device", "a device"),
    ("alerts.supervision.policy", "alerts.policies", "an escalation policy"),
    ("alerts.supervision.policy_unheard", "alerts.policies", "an escalation policy"),
    ("group.*.persons", "person", "a person"),
    ("group.*.shifts.*.persons", "person", "a person"),
    ("group.*.places", "place", "a place"),
    ("person.*.channels", "channel", "a channel"),
)
"""Where a name, or each of a list, must be one that is defined: pattern, table, what it is called."""


def finding(path: Path, held: Node, expected: str, found: str, do: str, *, warning: bool = False) -> Finding:
    """Say what is wrong with what stands at a path, where it was written."""
    where, key = str(held.origin), written(path)
    return Finding(where=where, key=key, expected=expected, found=found, do=do, warning=warning)


def references(tree: Node, drivers: Collection[str]) -> Iterator[Finding]:
    """Names of places, profiles, policies, groups, persons, channels and drivers that nobody defines."""
    for pattern, table, word in _REFERENCES:
        yield from _unknown(tree, pattern, _names(tree, table), word, table)
    yield from _unknown(tree, "device.*.driver", drivers, "a driver", None)
    for path, held in match(tree, "alerts.policies.*.steps.*.targets.*"):
        kind, _, name = str(held.value).partition(":")
        if kind in ("group", "person", "channel") and not _same(kind, name, _names(tree, kind)):
            yield _nobody(path, held, name, _names(tree, kind), f"a {kind}", kind)


def _names(tree: Node, table: str) -> list[str]:
    held = tree.get(*table.split("."))
    return [] if held is None else [str(key) for key, _ in held.items()]


def _same(table: str, name: str, names: Collection[str]) -> bool:
    if table == "person":
        return name.casefold() in {known.casefold() for known in names}
    return name in names


def _unknown(
    tree: Node, pattern: str, names: Collection[str], word: str, table: str | None
) -> Iterator[Finding]:
    for where, held in match(tree, pattern):
        for path, item in [(where, held), *(((*where, n), item) for n, item in held.items())]:
            if isinstance(item.value, str) and not _same(table or "", item.value, names):
                yield _nobody(path, item, item.value, names, word, table)


def _nobody(
    path: Path, held: Node, name: str, names: Collection[str], word: str, table: str | None
) -> Finding:
    near = get_close_matches(name, names, 1)
    if near:
        do = f"did you mean {near[0]}?"
    elif table is None:
        do = "install it, or choose one of  velgate driver list"
    else:
        do = f"define {table}.{written((name,))}, or choose another"
    listed = ", ".join(sorted(names)[:8]) + (", …" if len(names) > 8 else "")
    expected = f"{word} that exists" + (f": {listed}" if listed else "; there is none")
    return finding(path, held, expected, repr(name), do)


def devices(tree: Node, now: datetime | None) -> Iterator[Finding]:
    """Address or topic, no two devices with the same one, keys of 16 bytes, short maintenance."""
    for what in ("address", "topic"):
        first: dict[str, tuple[Path, Node]] = {}
        for path, held in match(tree, f"device.*.{what}"):
            same = str(held.value).upper() if what == "address" else str(held.value)
            if same in first:
                other, there = first[same]
                expected = f"{what} of one device only"
                found = f"the {what} of {other[1]} too ({there.origin})"
                yield finding(path, held, expected, found, "correct one of them, or remove the older device")
            first.setdefault(same, (path, held))
    for path, held in match(tree, "device.*"):
        if isinstance(held.value, dict):
            yield from _device(path, held)
    for path, held in match(tree, "device.*.maintenance_until"):
        try:
            until = datetime.fromisoformat(str(held.value))
        except ValueError:
            until = None
        if until is None or until.tzinfo is None:
            expected = "a time with its zone, such as 2026-11-24T14:00:00Z"
            yield finding(path, held, expected, shown(path, held), "correct the value")
        elif now is not None and until > now + MAINTENANCE_MAX:
            yield finding(path, held, "at most 4 h from now", shown(path, held), "name an earlier time")


def _device(path: Path, held: Node) -> Iterator[Finding]:
    ways = [what for what in ("address", "topic") if what in held.value]
    if len(ways) != 1:
        found = "both" if ways else "neither"
        yield finding(path, held, "either an address or a topic", found, "give one of them")
    key = held.get("key")
    if key is not None and isinstance(key.value, str) and not KEY.fullmatch(key.value):
        digits = sum(character in "0123456789abcdefABCDEF" for character in key.value)
        other = len(key.value) - digits
        found = f"{digits} digits" + (f" and {other} other characters" if other else "")
        do = f"copy it again from the sensor's label, then run  velgate device test {path[-1]}"
        yield finding((*path, "key"), key, "32 hexadecimal digits (16 bytes)", found, do)


def places(tree: Node) -> Iterator[Finding]:
    """Labels that staff can read, and baths that belong to a home."""
    for path, held in match(tree, "place.*"):
        label, within, kind = (held.get(name) for name in ("label", "within", "kind"))
        if label is None or label.value in ("", path[-1]):
            do = f'velgate config set {written((*path, "label"))} "Bolig 12"'
            expected, found = "a label that staff can read", "none but its slug"
            yield finding((*path, "label"), label or held, expected, found, do, warning=True)
        if kind is not None and kind.value == "bath" and within is None:
            expected, do = "the home it belongs to", 'add  within = "room-…"'
            yield finding((*path, "within"), kind, expected, "nothing", do, warning=True)
        if within is not None and within.value == path[-1]:
            yield finding((*path, "within"), within, "another place", "itself", "name the home it belongs to")


def people(tree: Node) -> Iterator[Finding]:
    """Pseudonyms that are told apart without case; somebody who can sign in; nobody asked in vain."""
    first: dict[str, Node] = {}
    for path, held in match(tree, "person.*"):
        name = str(path[-1])
        if not PERSON.fullmatch(name):
            # The key path would show what may be somebody's name.
            expected = "2 to 16 letters, digits or hyphens: initials or another pseudonym"
            found, do = f"a name of {len(name)} characters", "never write a name here; use initials"
            yield finding(("person",), held, expected, found, do)
        elif name.casefold() in first:
            found = f"one that differs in case only ({first[name.casefold()].origin})"
            yield finding(path, held, "a pseudonym of its own", found, "choose another")
        first.setdefault(name.casefold(), held)
    if not first:
        site = tree.get("site") or tree
        expected, found = "somebody who may sign in", "nobody"
        yield finding(("person",), site, expected, found, "velgate staff add KL", warning=True)
    for path, held in match(tree, "group.*"):
        members = chain(match(held, "persons.*"), match(held, "shifts.*.persons.*"))
        if isinstance(held.value, dict) and next(members, None) is None:
            do = "add persons or shifts; until then its step is skipped, with a technical alert"
            yield finding(path, held, "at least one person", "nobody", do, warning=True)


def site(tree: Node) -> Iterator[Finding]:
    """A zone that exists, and a number to ring when the page has lost contact."""
    zone, phone, held = tree.get("site", "zone"), tree.get("site", "phone"), tree.get("site")
    if zone is not None and isinstance(zone.value, str) and zone.value not in available_timezones():
        near = get_close_matches(zone.value, available_timezones(), 1)
        do = f"did you mean {near[0]}?" if near else "see  timedatectl list-timezones"
        yield finding(("site", "zone"), zone, "a time zone such as Europe/Copenhagen", repr(zone.value), do)
    if held is not None and (phone is None or not phone.value):
        do = "velgate config set site.phone 0000"
        expected = "a number to ring when the page has lost contact"
        yield finding(("site", "phone"), phone or held, expected, "none", do, warning=True)


def outside(tree: Node) -> Iterator[Finding]:
    """What leaves the house: channels with somewhere to go, sign-in that nobody can listen to."""
    for path, held in match(tree, "channel.*"):
        kind = held.get("kind")
        if kind is not None and kind.value == "webhook" and held.get("url") is None:
            yield finding(path, held, "a url", "none", f"velgate config set {written(path)}.url https://…")
    host = tree.get("board", "host")
    local = ("127.0.0.1", "::1", "localhost")
    if host is not None and host.value not in local and tree.get("board", "certificate") is None:
        expected, do = (
            "a certificate, or only this machine",
            "set board.certificate and board.certificate_key",
        )
        found = "PINs would cross the network in the clear"
        yield finding(("board", "host"), host, expected, found, do, warning=True)
    for path, held in match(tree, "mqtt.username"):
        if tree.get("mqtt", "password") is None:
            do = "velgate config set mqtt.password -"
            yield finding(path, held, "a password beside it, in secrets.toml", "none", do, warning=True)


def exposed(tree: Node) -> Iterator[Finding]:
    """Secrets that stand where others may read them."""
    for path, held in walk(tree):
        if held.origin.layer != "secrets" and secret(path):
            do = "move it there, under the same key; change what others may have read"
            yield finding(path, held, "a secret to stand in secrets.toml", "it here", do, warning=True)


def floors(tree: Node, layers: Iterable[Node], now: datetime | None) -> Iterator[Finding]:
    """Values below a floor without a deviation that says why and until when.

    The floors of every layer hold, so that no list of floors can replace another. With `now`, a
    deviation that has run out is no excuse any more; without (a gateway that starts), it still is:
    no home goes without its alarms because of a date.
    """
    layers = list(layers)
    excused = {
        str(key.value): held
        for layer in layers
        for _, held in match(layer, "deviation.*")
        if (key := held.get("key")) is not None
    }
    for layer in layers:
        for path, held in match(layer, "floor.*"):
            key = held.get("key")
            if key is None or not isinstance(key.value, str):
                continue
            at = tuple(int(step) if step.isdecimal() else step for step in key.value.split("."))
            value = tree.get(*at)
            if value is None:
                expected, do = "a key that has a value", "correct the key of the floor"
                yield finding((*path, "key"), key, expected, repr(key.value), do, warning=True)
            else:
                yield from _floor(at, value, held, excused.get(key.value), now)


def _floor(
    at: Path, value: Node, floor: Node, excuse: Node | None, now: datetime | None
) -> Iterator[Finding]:
    why = floor.get("why")
    for bound, word in (("at_most", "at most"), ("at_least", "at least")):
        limit = floor.get(bound)
        if limit is None:
            continue
        have, want = _amount(value.value), _amount(limit.value)
        if have is None or want is None or (have <= want if bound == "at_most" else have >= want):
            continue
        expected = f"{word} {limit.value} ({why.value})" if why else f"{word} {limit.value}"
        until = excuse.get("until") if excuse is not None else None
        if excuse is None:
            do = f'go back, or add  deviation = [{{key = "{written(at)}", why = "…", by = "…", until = …}}]'
            yield finding(at, value, expected, shown(at, value), do)
        elif until is not None and now is not None and _day(until.value) < now.date():
            found = f"{shown(at, value)}, excused until {until.value} ({until.origin})"
            yield finding(at, value, expected, found, "go back, or renew the deviation")


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.max


def _amount(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    try:
        return parse_span(value).total_seconds()
    except ValueError:
        return None
