"""How urgent an alert is, in the words of each service that knows urgency. Read in the sending process only.

A service's own "until somebody confirms it" is not asked for: repeating is the escalation's work, which
stops when somebody has taken the alert; a service would go on ringing.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The parameter of a service and its value for each priority; None: the service's usual one."""

    parameter: str
    emergency: object
    high: object
    medium: object = None
    technical: object = None


UPSIDE_DOWN = Words("priority", "low", "moderate", "normal", "emergency")
"""Opsgenie's P1 is the gravest and P5 is for information (Opsgenie Alert API, Jira Service Management alike);
Apprise 2.3.0 sends P1 for its word `low` and P5 for `emergency`."""

PRIORITIES: dict[str, Words] = {
    "bark": Words("level", "timeSensitive", "timeSensitive", "active", "passive"),
    "dapnet": Words("priority", "emergency", "normal"),
    "exotel": Words("priority", "high", "high", "normal", "normal"),
    "fcm": Words("priority", "max", "high", "normal", "low"),
    "firehydrant": Words("priority", "high", "high", "medium", "low"),
    "gorush": Words("priority", "high", "high", "normal", "normal"),
    "gotify": Words("priority", "emergency", "high", "normal", "low"),
    "growl": Words("priority", "emergency", "high", "normal", "low"),
    "ilert": Words("priority", "high", "high", "low", "low"),
    "jira": UPSIDE_DOWN,
    "join": Words("priority", "emergency", "high", "normal", "low"),
    "lametric": Words("priority", "critical", "warning", "info", "info"),
    "lauther": Words("priority", "high", "high", "normal", "low"),
    "ntfy": Words("priority", "max", "high", "default", "low"),
    "opsgenie": UPSIDE_DOWN,
    "opsimate": Words("severity", "critical", "critical", "warning", "info"),
    "pagerduty": Words("severity", "critical", "error", "warning", "info"),
    "pagertree": Words("urgency", "critical", "high", "medium", "low"),
    "pinglet": Words("priority", "urgent", "urgent", "normal", "normal"),
    "prowl": Words("priority", "emergency", "high", "normal", "low"),
    "pushover": Words("priority", "high", "high", "normal", "low"),
    "pushsafer": Words("priority", "high", "high", "normal", "low"),
    "pushward": Words("level", "time-sensitive", "time-sensitive", "active", "passive"),
    "simplepush": Words("priority", "critical", "high", "normal", "low"),
    "smseagle": Words("priority", "high", "high", "normal", "normal"),
    "squadcast": Words("priority", "P1", "P2", "P3", "P5"),
    "trigv": Words("urgency", "time_sensitive", "time_sensitive", "standard", "standard"),
    "youlmk": Words("priority", "critical", "high", "normal", "low"),
}
"""Module of `apprise.plugins` -> its words."""

UNMAPPED = {
    "amqp": "the priority of a queue, whose meaning its owner decides",
    "betterstack": "a list of ways to alert, chosen in the URL",
    "dbus": "notices on a desktop",
    "glib": "notices on a desktop",
    "gnome": "notices on a desktop",
}
"""Services with a parameter of such a name that means something else."""

MAIL_IMPORTANCE = {
    "emergency": {"X-Priority": "1", "Importance": "High"},
    "high": {"X-Priority": "1", "Importance": "High"},
    "medium": {},
    "technical": {},
}
"""Headers of a mail (RFC 2156 `Importance`; `X-Priority` is what mail programs agree on)."""


def parameters(module: str, priority: str) -> dict[str, object]:
    """Give what a service is to be told beside the text for a priority of an alert."""
    if module == "email":
        return {"headers": MAIL_IMPORTANCE.get(priority, {})}
    words = PRIORITIES.get(module)
    value = getattr(words, priority, None) if words is not None else None
    return {} if words is None or value is None else {words.parameter: value}
