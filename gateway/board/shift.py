"""What the next shift must know: open calls, what waits, what needs a hand. Nobody's response times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from gateway.board.board import Board
from gateway.board.documents import document
from gateway.board.load import flood_of
from gateway.model.alert import Alert, Concern, Handling, Outcome, Priority
from gateway.model.clock import NS, Instant, iso
from gateway.model.ids import uuid7

NOTES = "board/notes"
NOTES_MAX = 50
NOTE_LIFE = timedelta(hours=48)
LOOK_BACK_MAX = timedelta(days=7)
ALERTS_MAX = 1000  # alerts of one shift that are counted; a page of the journal

TARGETS_S = {Priority.EMERGENCY: 180, Priority.HIGH: 300, Priority.MEDIUM: 1800}
"""Within what time an alert is to be taken."""


def needs_hand(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the devices that somebody must see to."""
    return [row for row in rows if row.get("silent") or row.get("refused") or row.get("battery_low")]


def began(board: Board, now: Instant) -> int:
    """Give when this shift began, in Unix nanoseconds: by the roster, else by day, evening and night."""
    starts = [group.since_ns for group in board.house.engine.duty() if group.since_ns is not None]
    if starts:
        return max(starts)
    night_begins, night_ends = board.house.settings().night
    local = board.words("da").local(now.wall_ns)
    evening = (datetime.combine(local, night_ends) + timedelta(hours=8)).time()
    latest = max(_last_time(local, at) for at in (night_begins, night_ends, evening))
    return round(latest.timestamp() * NS)


def _last_time(local: datetime, at: time) -> datetime:
    """The last time this time of day was, in the local zone."""
    today = datetime.combine(local.date(), at, tzinfo=local.tzinfo)
    return (
        today
        if today <= local
        else datetime.combine(local.date() - timedelta(days=1), at, tzinfo=local.tzinfo)
    )


async def shift_view(board: Board, since_ns: int | None) -> dict[str, Any]:
    """Give the view of `GET /api/v1/shift`."""
    house, now = board.house, board.house.clock.now()
    floor = now.wall_ns - round(LOOK_BACK_MAX.total_seconds() * NS)
    since = max(since_ns if since_ns is not None else began(board, now), floor)
    alerts = await house.journal.alarms.read(lambda ledger: ledger.alerts(since_ns=since, limit=ALERTS_MAX))
    standing = [shown.alert for shown in house.engine.open()]
    told = [alert for alert in alerts if not alert.test and alert.raised.wall_ns >= since]
    calls = [alert for alert in told if alert.concern is not Concern.TECHNICAL]
    late = [alert for alert in calls if _waited_s(alert, now) > TARGETS_S.get(alert.priority, float("inf"))]
    return {
        "since": iso(since),
        "now": iso(now.wall_ns),
        "on_duty": board.hub.duty(),
        "open": [document(alert, now) for alert in standing if _held(alert)],
        "shelved": [document(alert, now) for alert in standing if alert.handling is Handling.SHELVED],
        "unanswered": [
            {
                "priority": priority.value,
                "target_s": target,
                "count": sum(a.priority is priority for a in late),
            }
            for priority, target in TARGETS_S.items()
        ],
        "calls_by_place": [
            {"place": place, "label": house.settings().label(place), "count": count}
            for place, count in Counter(alert.place for alert in calls).most_common()
        ],
        "false_alarms": [
            {"rule": rule, "count": count}
            for rule, count in Counter(
                alert.rule for alert in told if alert.outcome is Outcome.FALSE_ALARM
            ).most_common()
        ],
        "devices": needs_hand(house.devices()),
        "paused": [{**row, "why": "no_basis"} for row in house.engine.no_basis()],
        "notes": await notes(board),
        "alert_notes": await alert_notes(board),
        "proved": await board.hub.proofs.read(),
        "load": board.load.last,
        "flood": flood_of(house),
    }


def _held(alert: Alert) -> bool:
    return (
        alert.handling in {Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED}
        and alert.priority is not Priority.TECHNICAL
    )


def _waited_s(alert: Alert, now: Instant) -> float:
    ended = alert.taken.time if alert.taken else alert.closed or now
    return ended.since(alert.raised).total_seconds()


async def notes(board: Board) -> list[dict[str, Any]]:
    """Give the notes that have not vanished, the newest first."""
    kept = await board.house.journal.alarms.read(lambda ledger: ledger.memo(NOTES))
    return _living((kept or {}).get("notes", []), board.house.clock.now())


async def alert_notes(board: Board) -> list[dict[str, Any]]:
    """Give the notes that people left with what they did about alerts, the newest first."""
    return [
        {
            "alert": note.alert,
            "action": note.action,
            "text": note.text,
            "by": note.by,
            "time": iso(note.time.wall_ns),
        }
        for note in reversed(await board.house.engine.notes())
    ]


async def add_note(board: Board, text: str, by: str) -> dict[str, Any]:
    """Keep a note; it vanishes after 48 h. Returns after the commit."""
    now = board.house.clock.now()
    note: dict[str, Any] = {
        "id": uuid7(now.wall_ns),
        "text": text.strip(),
        "by": by,
        "time": iso(now.wall_ns),
        "time_ns": now.wall_ns,
    }

    def keep(ledger: Any) -> None:
        before = _living((ledger.memo(NOTES) or {}).get("notes", []), now)
        ledger.put_memo(NOTES, {"notes": [note, *before][:NOTES_MAX]})

    await board.house.journal.alarms.write(keep)
    return note


def _living(rows: list[dict[str, Any]], now: Instant) -> list[dict[str, Any]]:
    life = round(NOTE_LIFE.total_seconds() * NS)
    return [row for row in rows if now.wall_ns - int(row["time_ns"]) < life]
