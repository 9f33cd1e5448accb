"""Messages as they go out to channels, with Danish letters in them."""

from __future__ import annotations

from dataclasses import replace

from gateway.alerts.channels.base import Message
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.alerts.wording import message
from gateway.model.alert import Alert, Priority
from gateway.model.catalogue import shipped
from support.alarm_cases import after, at, call

LABEL = "Bolig 12 Ærø Å"
FULL = f"Kald – {LABEL}. Gå til boligen."
SHORT = f"{LABEL}: Nødkald"
NEVER = ("0190-alert-1", "help-call", "kald-12", "room-12", "channel:", "velgate/alert")
"""What no service is told: ids, rules, devices and places by their slugs."""


def alert_to_tell(priority: Priority = Priority.EMERGENCY) -> Alert:
    """Make an alert about a press, at a place whose label has Danish letters."""
    alert = after(None, call())
    title = {lang: words.replace(alert.label, LABEL) for lang, words in alert.title.items()}
    return replace(alert, label=LABEL, title=title, priority=priority)


def telling(
    *, short: bool = False, priority: Priority = Priority.EMERGENCY, repeated: bool = False
) -> Message:
    """Make the message about it."""
    alert = alert_to_tell(priority)
    row = replace(row_for(alert, Address("channel:sms", "sms"), at(0)), repeated=repeated)
    return message(row, alert, at(1), short=short, language="da", words=shipped())
