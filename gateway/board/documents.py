"""The forms in which alerts and readings may be shown to whom."""

from __future__ import annotations

from typing import Any

from gateway.model import quantities
from gateway.model.alert import Alert, Concern
from gateway.model.clock import Instant


def document(alert: Alert, now: Instant, *, durable: bool = True, public: bool = False) -> dict[str, Any]:
    """Give an alert as it is shown now; `public` for screens that visitors can see."""
    whole = alert.document(durable=durable, anonymous=alert.nameless(now))
    return public_form(whole) if public else whole


def public_form(document: dict[str, Any]) -> dict[str, Any]:
    """Reduce an alert to place and urgency: no kind, no device, nobody, no history."""
    label = document["label"]
    shown = ("schema", "id", "priority", "condition", "handling", "rev", "durable", "label", "raised", "last")
    return {key: document[key] for key in shown} | {
        "key": document["id"],
        "rule": None,
        "kind": "call",
        "concern": Concern.TECHNICAL.value
        if document["concern"] == Concern.TECHNICAL
        else Concern.SELF.value,
        "suppressed": document["suppressed"],
        "device": None,
        "place": None,
        "title": dict.fromkeys(document["title"], label),
        "do": dict.fromkeys(document["title"], ""),
        "changed": document["changed"],
        "count": 1,
        "step": document["step"],
        "cycle": document["cycle"],
        "taken": document["taken"] and {**document["taken"], "by": None},
        "taken_from": None,
        "helper": None,
        "present": None,
        "joined": [],
        "shelved_until": document["shelved_until"],
        "cancelled_at": None,
        "returned": document["returned"],
        "outcome": None,
        "closed": document["closed"],
        "closed_by": None,
        "asked": [],
        "test": document["test"],
        "quiet": document["quiet"],
        "trial": None,
        "detail": "",
        "readings": [],
    }


def personal(quantity: str) -> bool:
    """Tell whether a quantity's values may be seen only with the right `see_values`."""
    rows = quantities.named(quantity)
    # A quantity that this version does not know is treated as personal rather than shown.
    return not rows or any(row.concern in {Concern.PRESENCE, Concern.VITAL} for row in rows)
