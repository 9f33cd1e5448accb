"""What is open, in memory.

It follows each commit, so that timers, notifications and screens need no look into the database; and a copy
of it stands in for the disk while that does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Unpack

from gateway.alerts.book import Book, Moved
from gateway.model.alert import Alert
from gateway.model.readings import Guard, Record
from gateway.model.rows import Basis, Notification, NotificationChanges, NotificationState, Timer


class Mirror:
    """What is open, in memory: alerts, timers, and the notifications of open alerts.

    As a `Book` it stands in for the disk: what it takes is seen here, and kept nowhere.
    """

    def __init__(self) -> None:
        """Begin empty; see `load`."""
        self._alerts: dict[str, Alert] = {}
        self._closed: dict[str, Alert] = {}
        self._keys: dict[str, str] = {}
        self._timers: dict[tuple[str, str], Timer] = {}
        self._rows: dict[str, dict[str, Notification]] = {}
        self._memos: dict[str, dict[str, Any]] = {}

    @classmethod
    def load(cls, book: Book) -> Mirror:
        """Read what is open, but for the notifications, which may be many."""
        mirror = cls()
        for alert in book.open_alerts():
            mirror.keep_alert(alert)
        for timer in book.timers():
            mirror.set_timer(timer)
        return mirror

    def copy(self) -> Mirror:
        """Give a copy that may go its own way."""
        other = Mirror()
        other._alerts = dict(self._alerts)
        other._closed = dict(self._closed)
        other._keys = dict(self._keys)
        other._timers = dict(self._timers)
        other._rows = {alert: dict(rows) for alert, rows in self._rows.items()}
        other._memos = dict(self._memos)
        return other

    def follow(self, moved: Moved) -> None:
        """Take over what a commit has changed."""
        for change in moved.steps:
            change(self)

    def keep_alert(self, alert: Alert) -> None:
        """Take over an alert's state; one that is resolved leaves, with its notifications."""
        if alert.open:
            self._alerts[alert.id] = alert
            self._keys[alert.key] = alert.id
            return
        self._alerts.pop(alert.id, None)
        self._rows.pop(alert.id, None)
        if self._keys.get(alert.key) == alert.id:
            del self._keys[alert.key]

    def keep_row(self, row: Notification) -> None:
        """Take over a notification, while its alert is open."""
        if row.alert in self._alerts:
            self._rows.setdefault(row.alert, {})[row.id] = row

    @property
    def due(self) -> Iterable[Timer]:
        """The timers that are set."""
        return self._timers.values()

    # As a book.

    def alert(self, id: str) -> Alert | None:  # noqa: A002  (the field's word)
        """Give an alert that is open, or was closed here."""
        return self._alerts.get(id) or self._closed.get(id)

    def open_by_key(self, key: str) -> Alert | None:
        """Give the open alert with a key."""
        found = self._keys.get(key)
        return None if found is None else self._alerts[found]

    def open_alerts(self) -> list[Alert]:
        """Give every open alert."""
        return list(self._alerts.values())

    def put_alert(self, alert: Alert) -> int:
        """Take an alert's state; without a number, for it is not kept."""
        self.keep_alert(alert)
        if not alert.open:
            self._closed[alert.id] = alert
        return 0

    def add_event(self, record: Record, *, evidence: bool = False, judged: bool = True) -> int | None:
        """Count it as taken."""
        del record, evidence, judged
        return 0

    def mark_judged(self, ids: Iterable[str]) -> None:
        """Nothing is noted."""

    def put_guard(self, guard: Guard) -> None:
        """Nothing is noted."""

    def set_timer(self, timer: Timer) -> None:
        """Set a timer."""
        self._timers[timer.subject, timer.kind] = timer

    def cancel_timer(self, subject: str, kind: str | None = None) -> None:
        """Remove a timer, or every timer of a subject."""
        if kind is not None:
            self._timers.pop((subject, kind), None)
            return
        for each in [key for key in self._timers if key[0] == subject]:
            del self._timers[each]

    def timers(self, subject: str | None = None) -> list[Timer]:
        """Give the timers that are set."""
        return [timer for timer in self._timers.values() if subject in (None, timer.subject)]

    def add_notification(self, notification: Notification) -> None:
        """Take a new notification."""
        self.keep_row(notification)

    def update_notification(
        self,
        id: str,  # noqa: A002  (the field's word)
        **changes: Unpack[NotificationChanges],
    ) -> Notification:
        """Change a notification. Raises KeyError where there is none with that id."""
        found = self.notification(id)
        if found is None:
            raise KeyError(id)
        changed = replace(found, **changes)
        self.keep_row(changed)
        return changed

    def end_notification(self, id: str) -> None:  # noqa: A002  (the field's word)
        """Forget a notification."""
        for rows in self._rows.values():
            rows.pop(id, None)

    def notification(self, id: str) -> Notification | None:  # noqa: A002  (the field's word)
        """Give a notification of an open alert."""
        return next((rows[id] for rows in self._rows.values() if id in rows), None)

    def notifications(
        self, alert_id: str | None = None, states: Sequence[NotificationState] = ()
    ) -> list[Notification]:
        """Give notifications of open alerts, the oldest first."""
        groups = self._rows.values() if alert_id is None else [self._rows.get(alert_id, {})]
        return [row for rows in groups for row in rows.values() if not states or row.state in states]

    def audit(
        self,
        what: str,
        *,
        by: str | None,
        source: str,
        alert: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Nothing is noted: what is not kept has no place in the chain."""

    def memo(self, key: str) -> dict[str, Any] | None:
        """Give what was put here."""
        return self._memos.get(key)

    def put_memo(self, key: str, value: dict[str, Any]) -> None:
        """Put it here."""
        self._memos[key] = value

    def end_memo(self, key: str) -> None:
        """Take it away."""
        self._memos.pop(key, None)

    def basis(self) -> list[Basis]:
        """Give none: bases are asked of the disk alone."""
        return []

    def put_basis(self, basis: Basis) -> None:
        """Nothing is noted."""
