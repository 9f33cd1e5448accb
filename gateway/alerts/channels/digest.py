"""A channel that gathers: technical alerts of a day go out as one mail, at its time of day.

Never used for what a resident needs: nobody is reached by it before its time. The configuration refuses a
policy that names one for anything but technical alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.alerts.channels.base import Channel, Message, Taken
from gateway.model.alert import Alert
from gateway.model.catalogue import LANGUAGES, Catalogue, day, time_of_day
from gateway.model.clock import NS

ROWS_MAX = 200  # alerts listed in one part of a digest; of more their number is said


@dataclass(frozen=True, kw_only=True)
class DigestChannel:
    """A channel whose notification rows wait for a time of day."""

    channel: Channel = field(repr=False)
    at: time

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.channel.name

    @property
    def timeout(self) -> timedelta:
        """How long one attempt may take."""
        return self.channel.timeout

    @property
    def knows_key(self) -> bool:
        """Its rows are not sent by themselves, and so not marked as repeated."""
        return True

    @property
    def short(self) -> bool:
        """Whether it is told place and urgency only."""
        return self.channel.short

    async def send(self, message: Message) -> Taken:
        """Send at once: a digest that is due, or a trial."""
        return await self.channel.send(message)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one digest tells, each alert as it stands now."""

    new: Sequence[Alert] = ()
    """Told for the first time, whether they still stand or are closed already."""
    closed: Sequence[Alert] = ()
    """Told before, and closed since."""
    standing: Sequence[Alert] = ()
    """Told before, and still open."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.new or self.closed or self.standing)


def digest_message(
    content: Content,
    *,
    key: str,
    number: int,
    house: str,
    at: datetime,
    zone: ZoneInfo,
    words: Catalogue,
    short: bool,
    repeated: bool,
) -> Message:
    """Put a digest into words: Danish first, English below it."""
    texts: dict[str, str] = {
        lang: _text(content, lang, number, house, at, zone, words, short=short, repeated=repeated)
        for lang in LANGUAGES
    }
    subject = words.text("digest.subject", LANGUAGES[0], house=house, number=number)
    return Message(
        key=key,
        about="digest",
        person=None,
        language=LANGUAGES[0],
        text="\n\n".join(texts[lang] for lang in LANGUAGES),
        texts=texts,
        document={"schema": "velgate/digest/1", "id": key, "priority": "technical", "text": texts},
        subject=subject,
    )


def _text(
    content: Content,
    lang: str,
    number: int,
    house: str,
    at: datetime,
    zone: ZoneInfo,
    words: Catalogue,
    *,
    short: bool,
    repeated: bool,
) -> str:
    lines = [words.text("digest.head", lang, house=house, number=number, day=at.date())]
    if repeated:
        lines.append(words.text("digest.repeated", lang))
    for part in ("new", "closed", "standing"):
        alerts: Sequence[Alert] = getattr(content, part)
        if alerts:
            lines += ["", words.text(f"digest.{part}", lang, count=len(alerts))]
            lines += [_line(alert, lang, zone, words, short=short) for alert in alerts[:ROWS_MAX]]
        if len(alerts) > ROWS_MAX:
            lines.append(words.text("digest.more", lang, count=len(alerts) - ROWS_MAX))
    return "\n".join(lines)


def _line(alert: Alert, lang: str, zone: ZoneInfo, words: Catalogue, *, short: bool) -> str:
    raised = datetime.fromtimestamp(alert.raised.wall_ns / NS, zone)
    state = words.text(f"handling.{alert.handling.value}", lang)
    what = alert.label if short else f"{alert.title[lang]}. {alert.do.get(lang, '')}".rstrip(". ")
    times = f" × {alert.count}" if alert.count > 1 else ""
    return f"- {day(raised.date(), lang)} {time_of_day(raised, lang)}  {what}{times} ({state})"
