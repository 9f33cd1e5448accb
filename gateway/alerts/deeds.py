"""What a person asks for, as it comes in over HTTP, MQTT or the socket, as an input of the life-cycle.

Everything wrong with a request is told at once, key by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from gateway.alerts.inputs import (
    Acknowledge,
    Deed,
    Dispatch,
    Extend,
    Join,
    Presence,
    PresenceHow,
    Release,
    Reopen,
    Resolve,
    Shelve,
)
from gateway.model.alert import Outcome
from gateway.model.clock import Instant, parse_iso
from gateway.model.refusal import Refused, wrong_fields
from gateway.settings.alerting import split_target
from gateway.settings.models import Settings
from gateway.settings.span import parse_span

UNTIL_MAX = 40  # characters of a time or a duration
NOTE_MAX = 280  # characters; a note is a hint for the next hour, not a record
OUTCOMES = tuple(each.value for each in Outcome if each is not Outcome.AUTO)
HOWS: tuple[PresenceHow, ...] = ("button", "tag", "page")
WAS_FALL = {True: "yes", False: "no", "yes": "yes", "no": "no", "unknown": "unknown"}

Error: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read."""

    action: str
    by: str
    deed: Deed | None
    """None for `assist`, which only the place of the alert completes, and for `object`, done to the rule."""
    note: str | None
    undo: bool
    """`object`: take it back."""


def read(
    action: str,
    by: str,
    fields: Mapping[str, Any],
    *,
    now: Instant,
    settings: Settings,
) -> Asked:
    """Read a request. Raises Refused: `not_found` for an unknown action, `invalid` with every error."""
    reader = _Reader(fields)
    note = reader.text("note", most=NOTE_MAX)
    undo = False
    deed: Deed | None = None
    match action:
        case "acknowledge":
            deed = Acknowledge(by, reader.flag("take_over"))
        case "join":
            deed = Join(by)
        case "presence":
            deed = Presence(by, cast("PresenceHow", reader.word("how", HOWS, default="page")))
        case "extend":
            deed = Extend(by)
        case "release":
            deed = Release(by)
        case "assist":
            deed = None
        case "resolve":
            deed = _resolve(reader, by, note)
        case "reopen":
            deed = Reopen(by)
        case "shelve":
            deed = _shelve(reader, by, now)
        case "dispatch":
            deed = Dispatch(by, reader.target("to", settings))
        case "object":
            undo = reader.flag("undo")
        case _:
            raise Refused("not_found", f"there is no action {action!r}")
    if reader.errors:
        wrong = wrong_fields([error["key"] for error in reader.errors])
        raise Refused("invalid", wrong, errors=reader.errors)
    reason = reader.text("reason", most=NOTE_MAX) if action == "shelve" else None
    return Asked(action=action, by=by, deed=deed, note=note or reason, undo=undo)


def _resolve(reader: _Reader, by: str, note: str | None) -> Resolve:
    outcome = reader.word("outcome", OUTCOMES)
    if outcome == Outcome.OTHER.value and not note:
        reader.wrong("note", "nothing", "a note, for the outcome says nothing by itself; no names")
    return Resolve(
        by=by,
        outcome=Outcome(outcome) if outcome in OUTCOMES else Outcome.OTHER,
        spoken=reader.flag("spoken"),
        presence=reader.flag("presence"),
        was_fall=reader.was_fall("was_fall"),
    )


def _shelve(reader: _Reader, by: str, now: Instant) -> Shelve:
    until = reader.moment("until", now)
    if not reader.text("reason", most=NOTE_MAX):
        reader.wrong("reason", "nothing", f"a reason of at most {NOTE_MAX} characters; no names")
    asked = None if reader.complains_of("until") else reader.text("until", most=UNTIL_MAX)
    return Shelve(by=by, until=until, spoken=reader.flag("spoken"), asked=asked)


class _Reader:
    """Reads fields, and collects what is wrong with them."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self.errors: list[Error] = []

    def wrong(self, key: str, found: object, expected: str) -> None:
        self.errors.append({"key": key, "found": str(found)[:80], "expected": expected})

    def complains_of(self, key: str) -> bool:
        return any(error["key"] == key for error in self.errors)

    def flag(self, key: str) -> bool:
        value = self._fields.get(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, _kind(value), "true or false")
        return value is True

    def text(self, key: str, *, most: int) -> str | None:
        value = self._fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(key, _kind(value), "a text")
            return None
        if len(value) > most:
            self.wrong(key, f"{len(value)} characters", f"at most {most} characters")
        return value.strip() or None

    def word(self, key: str, words: tuple[str, ...], *, default: str | None = None) -> str:
        value = self._fields.get(key)
        if value is None and default is not None:
            return default
        if value not in words:
            found = "nothing" if value is None else value if isinstance(value, str) else _kind(value)
            self.wrong(key, found, f"one of {', '.join(words)}")
            return words[0]
        return str(value)

    def was_fall(self, key: str) -> Literal["yes", "no", "unknown"] | None:
        value = self._fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str | bool) or value not in WAS_FALL:
            self.wrong(key, _kind(value) if not isinstance(value, str) else value, "yes, no or unknown")
            return None
        return cast("Literal['yes', 'no', 'unknown']", WAS_FALL[value])

    def moment(self, key: str, now: Instant) -> Instant:
        """Read a time, or a duration from now on (`15m`), which needs no clock."""
        value = self._fields.get(key)
        expected = "an RFC 3339 time with its zone, or a duration from now on, such as 15m"
        if not isinstance(value, str):
            self.wrong(key, "nothing" if value is None else _kind(value), expected)
            return now
        try:
            return now.plus(parse_span(value))
        except ValueError:
            pass  # then it is a time, or wrong
        try:
            ahead_ns = parse_iso(value) - now.wall_ns
        except ValueError:
            self.wrong(key, value, expected)
            return now
        # Of a clock that was never set too: a shelf is short, and one that ends in the past is refused.
        return replace(now, wall_ns=now.wall_ns + ahead_ns, mono_ns=now.mono_ns + ahead_ns)

    def target(self, key: str, settings: Settings) -> str:
        value = self._fields.get(key)
        expected = "group:NAME or person:NAME that this home knows"
        try:
            kind, name = split_target(value) if isinstance(value, str) else ("", "")
        except ValueError:
            kind, name = "", ""
        people = {person.casefold(): person for person in settings.person}
        if kind == "group" and name in settings.group:
            return f"group:{name}"
        if kind == "person" and name.casefold() in people:
            return f"person:{people[name.casefold()]}"
        self.wrong(
            key, "nothing" if value is None else value if isinstance(value, str) else _kind(value), expected
        )
        return ""


def _kind(value: object) -> str:
    return {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}.get(
        type(value), "something else"
    )
