"""Channels for formats that list equal quantities one after the other without numbering them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.quantity import Quantity
from gateway.model.readings import Reading, Value


def numbered(said: Sequence[tuple[Quantity, Value | None, str | None]]) -> list[Reading]:
    """Make readings of (quantity, value, unit) in order; equal quantities get channels 1, 2, 3.

    A quantity that comes once has no channel. A value None (a button at rest) makes no reading, but takes
    its number: the third button stays the third.
    """
    if len({quantity for quantity, _, _ in said}) == len(said):
        return [quantity(value, unit=unit) for quantity, value, unit in said if value is not None]
    total: dict[Quantity, int] = {}
    for quantity, _, _ in said:
        total[quantity] = total.get(quantity, 0) + 1
    count: dict[Quantity, int] = {}
    readings: list[Reading] = []
    for quantity, value, unit in said:
        number = count[quantity] = count.get(quantity, 0) + 1
        if value is not None:
            channel = number if total[quantity] > 1 else None
            readings.append(quantity(value, channel=channel, unit=unit))
    return readings
