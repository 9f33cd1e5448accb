"""Events that a rule could not judge: kept all the same, and judged again for that rule alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.alerts.book import Recorder
from gateway.alerts.clerk import Work
from gateway.alerts.office import Office, keep_memos
from gateway.alerts.opening import UNJUDGED, UNJUDGED_MAX, ReadStore
from gateway.model.readings import Guard, Record


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
        only = memo["rules"] if memo else None
        now = office.clock.now()
        judged = office.rules.book.judge(record, now, office.memory, only=only)
        if judged.failed:
            failing += 1
            continue
        office.submit(_judged_work(office, record, judged))
    return failing


def _judged_work(office: Office, record: Record, judged: Any) -> Work[None]:
    now, desk, memos = office.clock.now(), office.desk, office.memory.changes()

    def run(book: Recorder) -> None:
        book.mark_judged([record.id])
        book.end_memo(UNJUDGED + record.id)
        keep_memos(book, memos)
        desk.carry_out(book, judged.verdicts, now, source="rule")

    return Work(run=run, called=True)
