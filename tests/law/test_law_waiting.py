"""What was kept before an objection, and waited for an outlet, does not leave after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.app.lawful import lawful
from gateway.model.alert import Concern
from gateway.model.readings import Kind, Record
from gateway.outlets.deliver import Rows
from gateway.outlets.outcome import Refused
from support.records import record


class Sent:
    """An outlet that takes everything."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows: list[int] = []

    async def __call__(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Take them."""
        self.rows += [seq for seq, _ in rows.rows]
        return []


async def test_what_waited_for_an_outlet_does_not_leave_after_the_objection() -> None:
    """Of that concern at that place; the rest goes, and the cursor moves past all of it."""
    bed = record("bed_occupancy", True, kind=Kind.STATE, device="seng-03", place="room-03")
    other, room = replace(bed, place="room-04"), record(place="room-03")
    objected: set[tuple[str, Concern]] = set()
    sent = Sent()
    send = lawful(sent, lambda place, concern: (place, concern) not in objected)
    rows = Rows(((1, bed), (2, other), (3, room)), 3, 3)
    await send(rows)
    objected.add(("room-03", Concern.PRESENCE))
    await send(rows)
    assert sent.rows == [1, 2, 3, 2, 3]
