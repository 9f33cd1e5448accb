"""What may still leave: nothing of a concern whose legal basis has ended meanwhile, however long it waited.

A reading may wait for an outlet that is away. When its turn comes, it is the basis of now that counts: after
an objection nothing of the concern goes out any more, not even what was kept before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.model.alert import Concern
from gateway.model.quantities import find
from gateway.model.readings import Record
from gateway.outlets.deliver import Rows, Send
from gateway.outlets.outcome import Refused

Allows = Callable[[str, Concern], bool]


def may_leave(record: Record, allows: Allows) -> bool:
    """Tell whether a record may be told to anybody outside now."""
    quantity = find(record.quantity, record.kind)
    if quantity is None or not quantity.concern.personal:
        return True
    return allows(record.place, quantity.concern)


def lawful(send: Send[Record], allows: Allows) -> Send[Record]:
    """Send only what may leave at the moment of sending; judged anew at each try."""

    async def sending(rows: Rows[Record]) -> Sequence[Refused]:
        kept = tuple((seq, record) for seq, record in rows.rows if may_leave(record, allows))
        return await send(rows if len(kept) == len(rows.rows) else replace(rows, rows=kept))

    return sending
