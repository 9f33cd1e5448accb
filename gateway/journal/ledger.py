"""The typed access to `alarms.db` inside one transaction; no SQL leaves this room."""

from __future__ import annotations

from typing import Any

from gateway.journal.ledger_alerts import AlertPart
from gateway.journal.ledger_audit import AuditPart
from gateway.journal.ledger_events import EventPart
from gateway.journal.ledger_memos import MemoPart
from gateway.journal.ledger_people import PeoplePart
from gateway.journal.ledger_retention import RetentionPart
from gateway.journal.ledger_work import WorkPart
from gateway.model.clock import iso
from gateway.model.rows import AuditEntry, Notification


class Ledger(EventPart, AlertPart, WorkPart, AuditPart, PeoplePart, MemoPart, RetentionPart):
    """Everything that one work on `alarms.db` may read and write. Valid only while that work runs.

    Writing methods raise sqlite3.OperationalError in a work that was given to `AlarmStore.read`.
    """

    __slots__ = ()

    def timeline(self, alert_id: str) -> list[dict[str, Any]]:
        """Give what happened to an alert, the earliest first: its readings, the audit log, what was sent.

        Each entry has the keys `time` (RFC 3339), `what`, `step`, `channel`, `to` and `by`; what does not
        apply is None. `by` is the pseudonym as the audit log keeps it: whether it may be shown is the
        caller's to decide.
        """
        found: list[tuple[int, int, dict[str, Any]]] = []
        alert = self.alert(alert_id)
        for reading in alert.readings if alert else ():
            record = self.event(reading)
            if record is not None:
                found.append((record.time_ns, 0, _entry(record.time_ns, "happened")))
        after = 0
        while entries := self.audit_entries(after, alert=alert_id, limit=1000):
            found.extend((each.at.wall_ns, 1, _audited(each)) for each in entries)
            after = entries[-1].seq
        found.extend((each.changed.wall_ns, 2, _notified(each)) for each in self.notifications(alert_id))
        return [entry for _, _, entry in sorted(found, key=lambda each: each[:2])]


def _entry(wall_ns: int, what: str, **more: Any) -> dict[str, Any]:
    blank = {"time": iso(wall_ns), "what": what, "step": None, "channel": None, "to": None, "by": None}
    return blank | more


def _audited(entry: AuditEntry) -> dict[str, Any]:
    told = {key: entry.detail.get(key) for key in ("step", "channel", "to")}
    return _entry(entry.at.wall_ns, entry.what, by=entry.by, **told)


def _notified(each: Notification) -> dict[str, Any]:
    to = each.person or each.target
    return _entry(each.changed.wall_ns, each.state, step=each.step, channel=each.channel, to=to)
