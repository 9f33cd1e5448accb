"""Where a work on the alerts reads and writes: the journal's ledger, or a `Mirror` of what is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Unpack

from gateway.model.alert import Alert
from gateway.model.readings import Guard, Record
from gateway.model.rows import Basis, Notification, NotificationChanges, NotificationState, Timer

UNSENT: tuple[NotificationState, ...] = ("pending", "sending", "failed")
"""States of a notification that is still to be sent."""


class Book(Protocol):
    """What a work on the alerts may do inside one transaction: part of `gateway.journal.ledger.Ledger`."""

    def alert(self, id: str) -> Alert | None:  # noqa: A002  (the field's word)
        """Give an alert."""
        ...

    def open_by_key(self, key: str) -> Alert | None:
        """Give the open alert with a key."""
        ...

    def open_alerts(self) -> list[Alert]:
        """Give every alert that is not resolved."""
        ...

    def put_alert(self, alert: Alert) -> int:
        """Keep an alert's new state; gives its number in the log."""
        ...

    def add_event(self, record: Record, *, evidence: bool = False, judged: bool = True) -> int | None:
        """Keep an event, or the copy of a reading that raised an alert. None if it is there already."""
        ...

    def mark_judged(self, ids: Iterable[str]) -> None:
        """Note that the rules have judged these events."""
        ...

    def put_guard(self, guard: Guard) -> None:
        """Keep what was last accepted of a device."""
        ...

    def set_timer(self, timer: Timer) -> None:
        """Set a timer, or move it."""
        ...

    def cancel_timer(self, subject: str, kind: str | None = None) -> None:
        """Remove a timer."""
        ...

    def timers(self, subject: str | None = None) -> list[Timer]:
        """Give the timers that are set."""
        ...

    def add_notification(self, notification: Notification) -> None:
        """Keep a new notification."""
        ...

    def update_notification(
        self,
        id: str,  # noqa: A002  (the field's word)
        **changes: Unpack[NotificationChanges],
    ) -> Notification:
        """Change a notification. Raises KeyError where there is none with that id."""
        ...

    def end_notification(self, id: str) -> None:  # noqa: A002  (the field's word)
        """Remove a notification that nobody needs any more."""
        ...

    def notification(self, id: str) -> Notification | None:  # noqa: A002  (the field's word)
        """Give a notification."""
        ...

    def notifications(
        self, alert_id: str | None = None, states: Sequence[NotificationState] = ()
    ) -> list[Notification]:
        """Give notifications of an alert."""
        ...

    def audit(
        self,
        what: str,
        *,
        by: str | None,
        source: str,
        alert: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Add an entry to the audit log."""
        ...

    def memo(self, key: str) -> dict[str, Any] | None:
        """Give a small durable fact."""
        ...

    def put_memo(self, key: str, value: dict[str, Any]) -> None:
        """Keep a small durable fact."""
        ...

    def end_memo(self, key: str) -> None:
        """Remove it."""
        ...

    def basis(self) -> list[Basis]:
        """Give every legal basis, the earliest recorded first."""
        ...

    def put_basis(self, basis: Basis) -> None:
        """Keep a legal basis."""
        ...


class Follower(Protocol):
    """What follows the commits."""

    def keep_alert(self, alert: Alert) -> None:
        """Take over an alert's state."""
        ...

    def keep_row(self, row: Notification) -> None:
        """Take over a notification."""
        ...

    def end_notification(self, id: str) -> None:  # noqa: A002  (the field's word)
        """Forget a notification."""
        ...

    def set_timer(self, timer: Timer) -> None:
        """Take over a timer."""
        ...

    def cancel_timer(self, subject: str, kind: str | None = None) -> None:
        """Forget a timer."""
        ...


@dataclass(slots=True)
class Moved:
    """What one work has changed, in order; told on the event loop once it is kept."""

    alerts: list[tuple[int, Alert]] = field(default_factory=list)
    """With the number in the log; 0 where nothing is kept."""
    rows: list[Notification] = field(default_factory=list)
    steps: list[Callable[[Follower], None]] = field(default_factory=list)
    """All changes, in the order in which a mirror is to follow them."""
    unmanned: list[tuple[str, str]] = field(default_factory=list)
    """Targets that were asked and have nobody, with why: `("duty.empty", "group:nat")`."""

    def latest(self) -> list[tuple[int, Alert]]:
        """Give each alert once, in its last state."""
        last = {alert.id: (seq, alert) for seq, alert in self.alerts}
        return list(last.values())


class Recorder:
    """A book that also notes what changes. Made anew for each run of a work: a commit may be retried."""

    def __init__(self, book: Book) -> None:
        """Write through to `book`."""
        self._book = book
        self.moved = Moved()
        self.alert = book.alert
        self.open_by_key = book.open_by_key
        self.open_alerts = book.open_alerts
        self.add_event = book.add_event
        self.mark_judged = book.mark_judged
        self.put_guard = book.put_guard
        self.timers = book.timers
        self.notification = book.notification
        self.notifications = book.notifications
        self.audit = book.audit
        self.memo = book.memo
        self.put_memo = book.put_memo
        self.end_memo = book.end_memo
        self.basis = book.basis
        self.put_basis = book.put_basis

    def put_alert(self, alert: Alert) -> int:
        """Keep an alert's new state."""
        seq = self._book.put_alert(alert)
        self.moved.alerts.append((seq, alert))
        self.moved.steps.append(lambda mirror: mirror.keep_alert(alert))
        return seq

    def set_timer(self, timer: Timer) -> None:
        """Set a timer."""
        self._book.set_timer(timer)
        self.moved.steps.append(lambda mirror: mirror.set_timer(timer))

    def cancel_timer(self, subject: str, kind: str | None = None) -> None:
        """Remove a timer."""
        self._book.cancel_timer(subject, kind)
        self.moved.steps.append(lambda mirror: mirror.cancel_timer(subject, kind))

    def add_notification(self, notification: Notification) -> None:
        """Keep a new notification."""
        self._book.add_notification(notification)
        self._row(notification)

    def update_notification(
        self,
        id: str,  # noqa: A002  (the field's word)
        **changes: Unpack[NotificationChanges],
    ) -> Notification:
        """Change a notification."""
        row = self._book.update_notification(id, **changes)
        self._row(row)
        return row

    def end_notification(self, id: str) -> None:  # noqa: A002  (the field's word)
        """Remove a notification."""
        self._book.end_notification(id)
        self.moved.steps.append(lambda mirror: mirror.end_notification(id))

    def _row(self, row: Notification) -> None:
        self.moved.rows.append(row)
        self.moved.steps.append(lambda mirror: mirror.keep_row(row))
