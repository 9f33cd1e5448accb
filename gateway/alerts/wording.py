"""What goes out by message: what, where, how long, how often, what to do. Danish first, from the catalogue.

No resident's name can stand in it: an alert has a place and its label, nothing else. A channel that leads
out of the home may be told place and urgency only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.alerts.channels.base import Message
from gateway.model.alert import Alert
from gateway.model.catalogue import LANGUAGES, Catalogue
from gateway.model.clock import Instant, iso
from gateway.model.rows import Notification

WAITED_FROM = timedelta(seconds=60)
"""From then on a message says how long somebody has been waiting."""


def message(
    row: Notification, alert: Alert, now: Instant, *, short: bool, language: str, words: Catalogue
) -> Message:
    """Put one telling into words."""
    texts: dict[str, str] = {
        lang: _text(row, alert, now, lang, short=short, words=words) for lang in LANGUAGES
    }
    if row.repeated:
        texts = {lang: f"{text} {words.text('notice.repeated', lang)}" for lang, text in texts.items()}
    return Message(
        key=row.id,
        about=row.about,
        person=row.person,
        language=language,
        text=texts[language],
        texts=texts,
        document=_document(row, alert, now, texts, language, short=short),
        subject=_text(row, alert, now, language, short=True, words=words),
    )


def _text(row: Notification, alert: Alert, now: Instant, lang: str, *, short: bool, words: Catalogue) -> str:
    def say(key: str, **values: object) -> str:
        return words.text(f"notice.{key}", lang, **values)

    if short:
        key = "brief_test" if alert.test else "brief"
        urgency = words.text(f"priority.{alert.priority.value}", lang)
        return say(key, label=alert.label, priority=urgency)
    title, do = alert.title[lang], alert.do.get(lang, "")
    taken = alert.taken
    match row.about:
        case "return" if taken is not None:
            left = max(taken.return_at.since(now), timedelta(0))
            return say("return_soon", title=title, left=left)
        case "taken_over" if taken is not None:
            return f"{title}. {say('taken_over', by=taken.by)}"
        case "dispatch" if taken is not None:
            return f"{say('full', title=title, do=do)} {say('dispatched', by=taken.by)}"
        case _:
            return " ".join([say("full", title=title, do=do), *_how_it_stands(alert, now, say)])


def _how_it_stands(alert: Alert, now: Instant, say: Any) -> list[str]:
    waited = now.since(alert.raised)
    said: list[str] = []
    if alert.helper is not None:
        said.append(say("again"))
    if alert.returned:
        said.append(say("returned"))
    if waited >= WAITED_FROM:
        said.append(say("waited", waited=waited))
    if alert.count > 1:
        said.append(say("count", count=alert.count))
    if alert.step > 1:
        said.append(say("passed_on"))
    return said


def _document(
    row: Notification,
    alert: Alert,
    now: Instant,
    texts: dict[str, str],
    language: str,
    *,
    short: bool,
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "schema": "velgate/notification/1",
        "id": row.id,
        "about": row.about,
        "time": iso(now.wall_ns),
        "clock": now.quality.value,
        "alert": alert.id,
        "rev": alert.rev,
        "priority": alert.priority.value,
        "label": alert.label,
        "test": alert.test,
        "text": texts,
        "language": language,
        "repeated": row.repeated,
    }
    if short:
        return known
    return known | {
        "to": row.target,
        "person": row.person,
        "step": alert.step,
        "kind": alert.kind,
        "place": alert.place,
        "title": alert.title,
        "do": alert.do,
        "raised": iso(alert.raised.wall_ns),
        "count": alert.count,
    }
