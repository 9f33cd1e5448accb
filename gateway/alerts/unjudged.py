"""Events that a rule could not judge: kept all the same, and judged again for that rule alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from gateway.alerts.book import Recorder
from gateway.alerts.clerk import Work
from gateway.alerts.office import EVERY_RULE, Office, keep_memos
from gateway.alerts.opening import UNJUDGED, UNJUDGED_MAX, ReadStore
from gateway.alerts.verdicts import Judged
from gateway.model.readings import Guard, Record

log = logging.getLogger(__name__)


def keep_unjudged(records: Sequence[Record], guards: Sequence[Guard]) -> Work[None]:
    """Make the work that keeps events without judging them."""

    def run(book: Recorder) -> None:
        for record in records:
            book.add_event(record, judged=False)
        for guard in guards:
            book.put_guard(guard)

    return Work(run=run, called=True)


async def judge_again(office: Office, store: ReadStore) -> int:
    """Judge what could not be judged before; gives how many events still cannot."""
    records: list[Record] = await store.read(lambda ledger: ledger.unjudged(UNJUDGED_MAX))
    memos: dict[str, dict[str, Any]] = await store.read(lambda ledger: ledger.memos(UNJUDGED))
    failing = 0
    for record in records:
        memo = memos.get(UNJUDGED + record.id)
        named = memo["rules"] if memo else [EVERY_RULE]
        only = None if EVERY_RULE in named else named
        now = office.clock.now()
        try:
            judged = office.rules.book.judge(record, now, office.memory, only=only)
        except Exception:  # told when it failed first; the event waits for a better rule book
            log.exception("an event still cannot be judged")
            failing += 1
            continue
        if judged.failed:
            failing += 1
            continue
        office.submit(_judged_work(office, record, judged))
    if not failing:
        office.all_judged()
    return failing


def _judged_work(office: Office, record: Record, judged: Judged) -> Work[None]:
    now, desk, memos = office.clock.now(), office.desk, office.memory.changes()

    def run(book: Recorder) -> None:
        book.mark_judged([record.id])
        book.end_memo(UNJUDGED + record.id)
        keep_memos(book, memos)
        desk.carry_out(book, judged.verdicts, now, source="rule")

    return Work(run=run, called=True)
