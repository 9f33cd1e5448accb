"""The button at the door: staff press it when they come, and whoever waits for them sees it (R6).

A device of its own, by its profile (`meets = "presence-button/1"`), never the resident's. Who pressed it
nobody knows: it speaks for whoever has the alert there, and where nobody has it, for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.alerts.book import Recorder
from gateway.alerts.desk import Desk
from gateway.alerts.inputs import Presence
from gateway.alerts.watched import Watched
from gateway.model.alert import Alert, Handling
from gateway.model.clock import Instant
from gateway.model.readings import Kind, Record

SOURCE = "device"
PRESSED = "button"
NO_PRESS = frozenset({"release", "cancelled"})
"""Words of a button that are no press."""
DEALT_WITH = frozenset({Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED, Handling.SHELVED})
"""Alerts that a person deals with: presence is kept on those."""


def pressed_by_staff(records: Sequence[Record], watched: Mapping[str, Watched]) -> list[Record]:
    """Give the presses of presence buttons. A test is none: nobody is there."""
    return [
        record
        for record in records
        if record.kind is Kind.EVENT
        and record.quantity == PRESSED
        and record.value not in NO_PRESS
        and not record.test
        and (device := watched.get(record.device)) is not None
        and device.presence
    ]


def keeps_presence(presses: Sequence[Record], desk: Desk, now: Instant) -> Callable[[Recorder], None]:
    """Make the work that keeps that somebody is at these places, their baths included."""

    def run(book: Recorder) -> None:
        for press in presses:
            places = places_of(desk, press.place)
            for alert in book.open_alerts():
                if alert.place in places and alert.handling in DEALT_WITH:
                    by = who_is_there(alert, press.device)
                    desk.apply(book, alert, Presence(by, "button"), now, source=SOURCE)

    return run


def places_of(desk: Desk, place: str) -> frozenset[str]:
    """Give a place and what lies within it."""
    within = (name for name, each in desk.settings.place.items() if each.within == place)
    return frozenset((place, *within))


def who_is_there(alert: Alert, button: str) -> str:
    """Say for whom a press of the button at the door counts: the holder, or nobody that is known."""
    return alert.taken.by if alert.handling is Handling.ACKNOWLEDGED and alert.taken else button
