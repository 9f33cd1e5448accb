"""The words of the house: what staff read and hear, Danish first, English beside it.

Texts live in one file a language (`messages/da.toml`, `messages/en.toml`) under dotted keys, so that
translators and municipalities never open code. A municipality may overlay words, never keys and never
the `{values}` that a text takes: a text that lost its place would send somebody to the wrong door.

No resident's name has a value anywhere; a place is named by its label from the configuration.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Language: TypeAlias = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = ("da", "en")
"""In the order in which both are shown."""

Texts: TypeAlias = Mapping[str, str]
Both: TypeAlias = dict[str, str]
"""One text in each language, by language."""

OWN_KINDS = frozenset(
    {
        "adapter.down",
        "alarm.chattering",
        "alarm.flood",
        "audit.broken",
        "basis.ended",
        "basis.expiring",
        "basis.objected",
        "basis.review",
        "battery.low",
        "chain.failing",
        "chain.overdue",
        "channel.failing",
        "clock.stepped",
        "clock.unsynced",
        "config.invalid",
        "device.silent",
        "disk.filling",
        "driver.quarantined",
        "duty.empty",
        "duty.unreached",
        "frames.dropped",
        "heartbeat.failing",
        "journal.failing",
        "journal.repaired",
        "journal.slow",
        "outlet.behind",
        "outlet.foreign",
        "outlet.refused",
        "readings.dropped",
        "room.failing",
        "rule.failing",
        "screen.muted",
        "screen.old",
        "screen.silent",
        "source.down",
        "trouble",
        "update.withdrawn",
    }
)
"""The kinds that the gateway raises about its devices and itself, without a rule of the configuration."""


def own_rule(kind: str) -> str:
    """Give the name under which the gateway raises one of its own kinds: `adapter.down`, `adapter-down`."""
    return kind.replace(".", "-").replace("_", "-")


OWN_RULES = frozenset(map(own_rule, OWN_KINDS))
"""Names of rules that are the gateway's own."""

Overlay: TypeAlias = Mapping[Any, Mapping[str, Any]]
"""Words over ours, by language and then by key; keys may be dotted or nested tables."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts by language and key. Immutable; an overlay gives another one."""

    texts: Mapping[str, Texts]

    def text(self, key: str, lang: str, /, **values: object) -> str:
        """Say `key` in a language. Raises KeyError for an unknown key or a value that is missing.

        A `timedelta` is said as a duration, a `date` as a day, a mapping by its language.
        """
        return self.texts[lang][key].format_map({name: _said(value, lang) for name, value in values.items()})

    def both(self, key: str, /, **values: object) -> Both:
        """Say `key` in each language. Raises KeyError as `text` does."""
        return {lang: self.text(key, lang, **values) for lang in LANGUAGES}

    def has(self, key: str) -> bool:
        """Tell whether there is such a text."""
        return key in self.texts[LANGUAGES[0]]

    def knows(self, kind: str) -> bool:
        """Tell whether `kind` is one of the kinds of alert that have words."""
        return self.has(f"alert.{kind}.short")

    def kinds(self) -> tuple[str, ...]:
        """Give every kind of alert that has words."""
        return tuple(
            key.removeprefix("alert.").removesuffix(".short")
            for key in self.texts[LANGUAGES[0]]
            if key.startswith("alert.") and key.endswith(".short")
        )

    def short(self, kind: str, *, test: bool = False, **known: object) -> Both:
        """Name a kind, e.g. `Kald`; with what is known beside it where a text has room for it.

        `battery="CR2477"` makes `Skift batteri (CR2477)`; without it the plain `Skift batteri` stands.
        Raises KeyError for an unknown kind.
        """
        given = {name: value for name, value in known.items() if value not in (None, "")}
        long = f"alert.{kind}.long"
        fits = self.has(long) and placeholders(self.texts[LANGUAGES[0]][long]) <= given.keys()
        words = self.both(long if fits else f"alert.{kind}.short", **given)
        return self.both("alert.test.short", short=words) if test else words

    def title(
        self,
        kind: str,
        label: str,
        *,
        device_label: str | None = None,
        test: bool = False,
        **known: object,
    ) -> Both:
        """Say what and where, e.g. `{"da": "Kald – Bolig 12", "en": "Call – Bolig 12"}`.

        `device_label` names the thing itself where one has to be touched (battery, silence). `known`
        as for `short`. Raises KeyError for an unknown kind.
        """
        words = self.short(kind, test=test, **known)
        if device_label:
            return self.both("title.device", short=words, label=label, device=device_label)
        return self.both("title.place", short=words, label=label)

    def what_to_do(self, kind: str) -> Both | None:
        """Say what to do about a kind; None for a kind that has no such line."""
        key = f"alert.{kind}.do"
        return self.both(key) if self.has(key) else None

    def overlaid(self, words: Overlay) -> Catalogue:
        """Give a catalogue with a municipality's words over these: `{"da": {"alert": {…}}}` or dotted keys.

        Raises ValueError, naming each text that is unknown, empty or takes other values than ours.
        """
        wrong = tuple(self.misfits(words))
        if wrong:
            raise ValueError("; ".join(f"{where}: {why}" for where, why in wrong))
        return _frozen({lang: {**self.texts[lang], **dict(_flat(words.get(lang, {})))} for lang in LANGUAGES})

    def misfits(self, words: Overlay) -> Iterator[tuple[str, str]]:
        """Name each text of an overlay that cannot be taken, with the reason: `("da.title.place", "…")`."""
        for lang, table in words.items():
            if lang not in self.texts:
                yield lang, f"a language; known: {', '.join(LANGUAGES)}"
                continue
            for key, text in _flat(table):
                if not self.has(key):
                    yield f"{lang}.{key}", "a key of the catalogue; words may be changed, not keys"
                elif not isinstance(text, str) or not text.strip():
                    yield f"{lang}.{key}", "a text that is not empty"
                elif (mine := _placeholders_or_none(text)) != (ours := placeholders(self.texts[lang][key])):
                    found = "braces that do not match" if mine is None else _braced(mine)
                    yield f"{lang}.{key}", f"the values {_braced(ours)}, found {found}"


def text(key: str, lang: str, /, **values: object) -> str:
    """Say `key` in the words that ship with Velgate. See `Catalogue.text`."""
    return shipped().text(key, lang, **values)


def title(
    kind: str, label: str, *, device_label: str | None = None, test: bool = False, **known: object
) -> Both:
    """Say what and where in the words that ship with Velgate. See `Catalogue.title`."""
    return shipped().title(kind, label, device_label=device_label, test=test, **known)


def what_to_do(kind: str) -> Both | None:
    """Say what to do about a kind in the words that ship with Velgate. See `Catalogue.what_to_do`."""
    return shipped().what_to_do(kind)


@cache
def shipped() -> Catalogue:
    """Give the catalogue that ships with Velgate; read once."""
    folder = files("gateway.model").joinpath("messages")
    return _frozen(
        {
            lang: dict(_flat(tomllib.loads(folder.joinpath(f"{lang}.toml").read_text("utf-8"))))
            for lang in LANGUAGES
        }
    )


def duration(span: timedelta, lang: str, words: Catalogue | None = None) -> str:
    """Say a duration as people do: `42 sek`, `1 min 42 sek`, `2 t 5 min`, `3 dage`; never negative."""
    say = (words or shipped()).text
    seconds = max(int(span.total_seconds()), 0)
    minutes, hours = seconds // 60, seconds // 3600
    if seconds < 60:
        return say("span.seconds", lang, s=seconds)
    if minutes < 60:
        rest = seconds % 60
        return (
            say("span.minutes_seconds", lang, m=minutes, s=rest)
            if rest
            else say("span.minutes", lang, m=minutes)
        )
    if hours < 48:
        rest = minutes % 60
        return say("span.hours_minutes", lang, h=hours, m=rest) if rest else say("span.hours", lang, h=hours)
    return say("span.days", lang, d=hours // 24)


def countdown(left: timedelta, lang: str) -> str:
    """Write time that is left, minutes and seconds: `8.20` in Danish, `8:20` in English."""
    minutes, seconds = divmod(max(int(left.total_seconds()), 0), 60)
    return f"{minutes}{'.' if lang == 'da' else ':'}{seconds:02d}"


def time_of_day(at: datetime, lang: str) -> str:
    """Write a local time: `02.14` in Danish, `02:14` in English."""
    return f"{at:%H}{'.' if lang == 'da' else ':'}{at:%M}"


def day(at: date, lang: str) -> str:
    """Write a day of the year: `12.12.` in Danish, `12 Dec` in English."""
    return f"{at.day}.{at.month}." if lang == "da" else f"{at.day} {_MONTHS[at.month - 1]}"


def placeholders(pattern: str) -> frozenset[str]:
    """Name the values that a text takes. Raises ValueError where its braces do not match."""
    return frozenset(name for _, name, _, _ in Formatter().parse(pattern) if name is not None)


def _placeholders_or_none(pattern: str) -> frozenset[str] | None:
    try:
        return placeholders(pattern)
    except ValueError:
        return None


def _braced(names: frozenset[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names)) or "none"


def _said(value: object, lang: str) -> object:
    match value:
        case timedelta():
            return duration(value, lang)
        case datetime():
            return time_of_day(value, lang)
        case date():
            return day(value, lang)
        case Mapping():
            return value[lang]
        case _:
            return value


def _flat(table: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{under}{name}.")
        else:
            yield f"{under}{name}", value


def _frozen(texts: dict[Language, dict[str, str]]) -> Catalogue:
    return Catalogue(MappingProxyType({lang: MappingProxyType(table) for lang, table in texts.items()}))
