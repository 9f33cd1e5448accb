"""What is still to be done, in the ledger: timers and notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack, get_args

from gateway.journal.documents import encode, to_json
from gateway.journal.ledger_part import LedgerPart
from gateway.journal.record_codec import instant_columns, read_instant
from gateway.journal.stored import stored, stored_json
from gateway.model.rows import Notification, NotificationChanges, NotificationState, Timer


class WorkPart(LedgerPart):
    """Timers and notifications."""

    __slots__ = ()

    def set_timer(self, timer: Timer) -> None:
        """Set a timer; one with its subject and kind is moved."""
        self._db.execute(
            "INSERT INTO timer (subject, kind, rev, wall_ns, mono_ns, boot, quality, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, kind) DO UPDATE SET"
            " rev = excluded.rev, wall_ns = excluded.wall_ns, mono_ns = excluded.mono_ns,"
            " boot = excluded.boot, quality = excluded.quality, data = excluded.data",
            (timer.subject, timer.kind, timer.rev, *instant_columns(timer.due), to_json(timer.data)),
        )

    def cancel_timer(self, subject: str, kind: str | None = None) -> None:
        """Remove a timer, or without `kind` every timer of a subject. One that is not set is no mistake."""
        self._db.execute(
            "DELETE FROM timer WHERE subject = ?1 AND (?2 IS NULL OR kind = ?2)", (subject, kind)
        )

    def timers(self, subject: str | None = None) -> list[Timer]:
        """Give the timers that are set."""
        rows = self._db.execute(
            "SELECT subject, kind, rev, wall_ns, mono_ns, boot, quality, data FROM timer"
            " WHERE ?1 IS NULL OR subject = ?1",
            (subject,),
        )
        return [
            Timer(
                subject=row[0], kind=row[1], rev=row[2], due=read_instant(row[3:7]), data=stored_json(row[7])
            )
            for row in rows
        ]

    def add_notification(self, notification: Notification) -> None:
        """Keep a new notification. Raises sqlite3.IntegrityError where its id is already there."""
        self._db.execute(
            "INSERT INTO notification (id, alert, state, document) VALUES (?, ?, ?, ?)",
            (notification.id, notification.alert, notification.state, encode(notification)),
        )
        self._changes.notifications.append(notification)

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
        self._db.execute(
            "UPDATE notification SET state = ?, document = ? WHERE id = ?",
            (changed.state, encode(changed), id),
        )
        self._changes.notifications.append(changed)
        return changed

    def end_notification(self, id: str) -> None:  # noqa: A002  (the field's word)
        """Remove a notification; one that is not there is no mistake."""
        self._db.execute("DELETE FROM notification WHERE id = ?", (id,))

    def notification(self, id: str) -> Notification | None:  # noqa: A002  (the field's word)
        """Give a notification by its id."""
        row = self._db.execute("SELECT document FROM notification WHERE id = ?", (id,)).fetchone()
        return None if row is None else stored(Notification, row[0])

    def notifications(
        self, alert_id: str | None = None, states: Sequence[NotificationState] = ()
    ) -> list[Notification]:
        """Give notifications of one alert (or of all), in these states (or in any), the oldest first."""
        where, values = ["1"], list[Any]()
        if alert_id is not None:
            where.append("alert = ?")
            values.append(alert_id)
        if states:
            assert set(states) <= set(get_args(NotificationState)), states
            words = ", ".join(f"'{each}'" for each in states)  # literals let SQLite see the partial index
            where.append(f"state IN ({words})")
        rows = self._db.execute(
            f"SELECT document FROM notification WHERE {' AND '.join(where)}",  # noqa: S608  (a closed list)
            values,
        )
        found = [stored(Notification, row[0]) for row in rows]
        return sorted(found, key=lambda each: (each.created.wall_ns, each.id))
