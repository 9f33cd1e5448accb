"""A look into the journal from outside, beside a running gateway or without one. Nothing is ever written.

For commands that must not depend on the gateway they judge: `velgate alert audit --verify`, and `velgate
check`, which knows the recorded legal bases.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.model.alert import Alert
from gateway.model.clock import Clock
from gateway.model.problem import Exit, Problem
from gateway.model.rows import Basis

ALARMS = "alarms.db"
ALERTS_A_PAGE = 500


def verify_audit(state: Path, clock: Clock) -> tuple[int | None, int]:
    """Give the number of the first broken entry of the audit log (or None), and of the last one.

    Raises Problem (exit 4) where there is no journal, and where it cannot be read.
    """
    with _opened(state, clock) as ledger:
        broken = ledger.verify_audit()
        last = ledger.audit_begin()[0]
        while entries := ledger.audit_entries(last, limit=1000):
            last = entries[-1].seq
        return broken, last


def recorded_basis(state: Path, clock: Clock) -> list[Basis]:
    """Give the recorded legal bases. Raises Problem as `verify_audit` does."""
    with _opened(state, clock) as ledger:
        return ledger.basis()


def alert_pages(state: Path, clock: Clock, since_ns: int) -> Iterator[list[Alert]]:
    """Give the alerts that changed since, by their last change, a page at a time; each page is its own read.

    One that changes meanwhile comes again on a later page. Raises Problem as `verify_audit` does.
    """
    with _opened(state, clock) as ledger:
        after: str | None = None
        while page := ledger.alerts(since_ns=since_ns, after=after, limit=ALERTS_A_PAGE):
            after = ledger.alert_mark(page[-1].id)
            yield page


@contextmanager
def _opened(state: Path, clock: Clock) -> Iterator[Ledger]:
    path = state / ALARMS
    if not path.is_file():
        do = "name the state folder with --state"
        raise Problem(str(path), expected="a journal", found="no file", do=do, exit=Exit.NOT_FOUND)
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            yield Ledger(db, clock, Changes())
        finally:
            db.close()
    except sqlite3.Error as error:
        do = "run it as root or as the user velgate; if it still fails, see  velgate status"
        raise Problem(str(path), expected="a journal that can be read", found=str(error), do=do) from error
