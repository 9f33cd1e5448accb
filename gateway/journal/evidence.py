"""Evidence: readings that raised an alert are copied into `alarms.db`, and put back where they got lost.

No transaction spans both files. A crash may take the last second of readings, but not the copy of one that
raised an alert; at the next start what is missing among the readings is put back from its copy.
"""

from __future__ import annotations

import logging
import sqlite3
from functools import partial

from gateway.journal.alarm_store import AlarmStore
from gateway.journal.ledger import Ledger
from gateway.journal.reading_rows import Numbers
from gateway.journal.reading_scan import holds
from gateway.journal.reading_store import ReadingStore
from gateway.model.readings import Record

log = logging.getLogger(__name__)

MARK = "evidence_seq"
"""Up to which event all evidence is known to be among the readings."""
PAGE = 100


async def put_back_evidence(alarms: AlarmStore, readings: ReadingStore) -> None:
    """Append the evidence that is missing among the readings. While nothing else writes."""
    await _put_back(alarms, readings, await alarms.read(Ledger.evidence_seq))


async def settle_evidence(alarms: AlarmStore, readings: ReadingStore) -> None:
    """Have all evidence among the readings and committed, and note that. Raises NotDurable."""
    dropped = readings.queue.dropped
    # What is kept as evidence after this may have its reading still in the queue: it is looked at next time.
    until = await alarms.read(Ledger.evidence_seq)
    await readings.flush()
    await _put_back(alarms, readings, until)
    await readings.flush()
    if readings.queue.dropped == dropped:
        await alarms.write(lambda ledger: ledger.put_mark(MARK, max(until, ledger.mark(MARK))), sync=False)


async def _put_back(alarms: AlarmStore, readings: ReadingStore, until: int) -> None:
    after = await alarms.read(lambda ledger: ledger.mark(MARK))
    missing: list[Record] = []
    while after < until:
        rows = [row for row in await alarms.read(partial(_page, after)) if row[0] <= until]
        if not rows:
            break
        missing += await readings.read(partial(_missing, [record for _, record in rows]))
        after = rows[-1][0]
    if missing:
        log.warning("%d readings that raised alerts had got lost and are put back", len(missing))
        readings.append(missing)


def _page(after: int, ledger: Ledger) -> list[tuple[int, Record]]:
    return ledger.evidence_after(after, PAGE)


def _missing(records: list[Record], db: sqlite3.Connection, numbers: Numbers) -> list[Record]:
    return [record for record in records if not holds(db, numbers, record)]
