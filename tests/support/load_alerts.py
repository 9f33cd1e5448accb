"""Alerts as rules raise them, for counting."""

from __future__ import annotations

from typing import Any

from gateway.model.alert import Alert, Concern, Priority
from support.rule_house import RuleHouse

START = RuleHouse().now


def an_alert(n: int, rule: str = "door-opened", device: str = "doer-12", **changes: Any) -> Alert:
    """Make a new alert of a rule."""
    given: dict[str, Any] = {
        "id": f"{n:08d}",
        "key": f"{rule}/{device}",
        "rule": rule,
        "kind": "door.opened",
        "concern": Concern.PRESENCE,
        "priority": Priority.HIGH,
        "policy": "high",
        "device": device,
        "place": "room-12",
        "label": "Bolig 12",
        "title": {"da": "Dør åbnet", "en": "Door opened"},
        "do": {"da": "Se", "en": "Look"},
        "raised": START,
        "last": START,
        "changed": START,
        "latching": False,
    }
    return Alert(**given | changes)
