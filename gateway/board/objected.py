"""Whether a resident has said no to what a record is about: then nobody is shown it, whenever it was kept."""

from __future__ import annotations

from gateway.alerts.basis import Standing
from gateway.board.house import House
from gateway.model import quantities
from gateway.model.readings import Record


def objected(house: House, record: Record) -> bool:
    """Tell whether a record is about something at its place that the resident objects to now."""
    quantity = quantities.find(record.quantity, record.kind)
    if quantity is None or not quantity.concern.personal:
        return False
    standing = house.engine.basis.standing(record.place, quantity.concern, house.clock.now())
    return standing is Standing.WITHDRAWN
