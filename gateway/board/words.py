"""The words of the page in one language and one time zone, from the house's catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.model import catalogue
from gateway.model.catalogue import LANGUAGES, Catalogue

CLIENT_SECTIONS = (
    "action",
    "board",
    "card",
    "contact",
    "outcome",
    "page",
    "priority",
    "refusal",
    "sign_in",
    "signal",
    "sound",
    "span",
)
"""The parts of the catalogue that the page's own script needs."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language in one time zone."""

    language: str
    zone: ZoneInfo
    texts: Catalogue

    def t(self, key: str, **values: object) -> str:
        """Give the words of a key. Raises KeyError where there are none: a test finds that first."""
        return self.texts.text(key, self.language, **values)

    def known(self, key: str, fallback: str) -> str:
        """Give the words of a key that another room named, or the fallback."""
        return self.texts.text(key, self.language) if self.texts.has(key) else fallback

    def phone(self, key: str, phone: str, **values: object) -> str:
        """Give words that end in the number to ring; without a number the sentence closes properly."""
        return self.t(key, phone=phone, **values).replace(" .", ".")

    def span(self, seconds: float) -> str:
        """Write a duration: `1 min 42 sek`, `2 t 5 min`."""
        return catalogue.duration(timedelta(seconds=seconds), self.language, self.texts)

    def roughly(self, seconds: float) -> str:
        """Write a duration in its largest unit alone: `2 min`, `3 t`."""
        unit = 86_400 if seconds >= 172_800 else 3600 if seconds >= 3600 else 60 if seconds >= 60 else 1
        return self.span(seconds // unit * unit)

    def short(self, seconds: float) -> str:
        """Write a duration as minutes and seconds: `8.20`, in English `8:20`."""
        return catalogue.countdown(timedelta(seconds=seconds), self.language)

    def ago(self, seconds: float) -> str:
        """Write how long ago something was."""
        return self.t("span.just_now") if seconds < 5 else self.t("span.ago", span=self.roughly(seconds))

    def local(self, wall_ns: int) -> datetime:
        """Give a moment in the home's own time."""
        return datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone(self.zone)

    def clock(self, wall_ns: int, *, seconds: bool = False) -> str:
        """Write a time of day: `02.14`, in English `02:14`."""
        at = self.local(wall_ns)
        text = catalogue.time_of_day(at, self.language)
        return f"{text}{text[2]}{at:%S}" if seconds else text

    def day(self, wall_ns: int) -> str:
        """Write a day of the year: `12.12.`, in English `12 Dec`."""
        return catalogue.day(self.local(wall_ns).date(), self.language)

    def seconds(self, ms: float) -> str:
        """Write milliseconds as seconds with one decimal: `0,4`, in English `0.4`."""
        text = f"{ms / 1000:.1f}"
        return text.replace(".", ",") if self.language == "da" else text

    def people(self, names: Iterable[str]) -> str:
        """List initials: `AB, CD`."""
        return ", ".join(names)

    def for_client(self) -> dict[str, str]:
        """Give the texts that the page's script needs, by key."""
        texts = self.texts.texts[self.language]
        return {key: text for key, text in texts.items() if key.split(".", 1)[0] in CLIENT_SECTIONS}


def language(*wishes: str | None) -> str:
    """Give the first wish that is a language of the house, or Danish."""
    return next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0])
