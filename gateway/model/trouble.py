"""Something of the gateway's own that does not work, as the rooms tell it to the alerts.

A trouble is a condition, not an occurrence: a room says it again with `present=False` when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`kind` is a key of the catalogue, e.g. `adapter.down`, `outlet.behind`, `driver.quarantined`."""

    kind: str
    subject: str
    """What it is about, a slug: an adapter, outlet, driver, room, channel, or `journal`."""
    present: bool
    detail: str = ""
    """One sentence for the technician, in English; no key, name or health value."""
    device: str | None = None
    place: str | None = None
    calls_unheard: bool = False
    """True where help calls or falls may go unheard because of it: then its priority is high."""


TellTrouble = Callable[[Trouble], None]
"""Called on the event loop; returns at once."""
