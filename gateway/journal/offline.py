"""A look into the journal from outside, beside a running gateway or without one. Nothing is ever written.

For commands that must not depend on the gateway they judge: `velgate alert audit --verify`, and `velgate
check`, which knows the recorded legal bases.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.audit_heads import FILE, Head, read_heads
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.model.alert import Alert
from gateway.model.clock import Clock
from gateway.model.problem import Exit, Problem
from gateway.model.rows import Basis

ALARMS = "alarms.db"
ALERTS_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check of the audit log has found."""

    broken: int | None
    """The first entry that is changed, removed, or another than was noted; None where all is well."""
    last: int
    """The newest entry."""
    hash: str
    """Its hash, hexadecimal: to be noted where nobody of this machine can change it."""
    heads: int
    """How many heads noted elsewhere it was compared with."""
    by_head: bool = False
    """Whether the chain holds in itself, and a head noted elsewhere is not in it."""


def verify_audit(state: Path, clock: Clock, noted: Sequence[tuple[int, str]] = ()) -> AuditCheck:
    """Check the audit log: its chain, and the heads noted in the state folder and in `noted` (number, hash).

    Raises Problem (exit 4) where there is no journal, and where it cannot be read.
    """
    with _opened(state, clock) as ledger:
        heads = sorted({*(head.mark for head in _heads(state)), *noted})
        broken, unlike = ledger.verify_audit(), ledger.first_unlike(heads)
        last, digest = ledger.audit_head()
        if broken is not None and (unlike is None or broken <= unlike):
            return AuditCheck(broken, last, digest, len(heads))
        return AuditCheck(unlike, last, digest, len(heads), by_head=unlike is not None)


def _heads(state: Path) -> list[Head]:
    try:
        return read_heads(state)
    except OSError as error:
        do = "run it as root or as the user velgate"
        found = error.strerror or str(error)
        expected = "the heads of the audit log, to be read"
        raise Problem(str(state / FILE), expected=expected, found=found, do=do) from error


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
