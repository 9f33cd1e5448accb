"""What the parts of a ledger share: the connection, the clock, and what has changed in this transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from gateway.model.alert import Alert
from gateway.model.clock import Clock
from gateway.model.readings import Record
from gateway.model.rows import Notification

PAGE_MAX = 1000  # rows a read; a longer one would hold its transaction open for too long


@dataclass(slots=True)
class Changes:
    """What a transaction has done so far; told on the event loop after its fsync."""

    alerts: list[tuple[int, Alert]] = field(default_factory=list)
    events: list[tuple[int, Record]] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)

    def mark(self) -> tuple[int, int, int]:
        """Remember how far it has come."""
        return len(self.alerts), len(self.events), len(self.notifications)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Forget what came after a mark: its savepoint was undone."""
        del self.alerts[mark[0] :]
        del self.events[mark[1] :]
        del self.notifications[mark[2] :]


class LedgerPart:
    """One group of tables inside one transaction. Never leaves the thread that made it."""

    __slots__ = ("_changes", "_clock", "_db")

    def __init__(self, db: sqlite3.Connection, clock: Clock, changes: Changes) -> None:
        """`changes` is shared by the parts of one ledger."""
        self._db = db
        self._clock = clock
        self._changes = changes


def bounded(limit: int) -> int:
    """Hold a page to `PAGE_MAX` rows."""
    return max(1, min(limit, PAGE_MAX))
