"""What people write beside a deed: a hint for the next hour, at most 280 characters, gone after 48 h.

Notes stand apart from alerts and audit, which are kept for months: free text may hold what it should not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.alerts.book import Book
from gateway.model.clock import ClockQuality, Instant

MEMO = "notes"
KEPT = timedelta(hours=48)
BYTES_MAX = 32_768  # of all texts together: a memo has room for twice that
NOTES_MAX = 100  # of a home at once; with more the oldest goes before its time


@dataclass(frozen=True, slots=True)
class Note:
    """One note."""

    alert: str
    action: str
    by: str
    time: Instant
    text: str


def keep_note(book: Book, note: Note) -> None:
    """Add a note, and take away those whose time is over."""
    kept = [*read_notes(book.memo(MEMO), note.time), note][-NOTES_MAX:]
    while len(kept) > 1 and sum(len(each.text.encode()) for each in kept) > BYTES_MAX:
        del kept[0]
    book.put_memo(MEMO, {"notes": [_written(each) for each in kept]})


def prune_notes(book: Book, now: Instant) -> None:
    """Take away those whose time is over."""
    memo = book.memo(MEMO)
    kept = read_notes(memo, now)
    if memo is not None and len(kept) < len(memo["notes"]):
        book.put_memo(MEMO, {"notes": [_written(each) for each in kept]})


def read_notes(memo: Mapping[str, Any] | None, now: Instant) -> list[Note]:
    """Give the notes that have not vanished yet, the oldest first."""
    found = (_read(row) for row in (memo or {}).get("notes", ()))
    every = [note for note in found if note is not None]
    return [note for note in every if timedelta(0) <= now.since(note.time) < KEPT or _unsure(note, now)]


def _unsure(note: Note, now: Instant) -> bool:
    """Whether nobody can tell how old it is: another boot, and a clock that was or is wrong."""
    return note.time.boot != now.boot and ClockQuality.UNSYNCED in (note.time.quality, now.quality)


def _written(note: Note) -> list[Any]:
    at = note.time
    return [note.alert, note.action, note.by, note.text, at.wall_ns, at.mono_ns, at.boot, at.quality.value]


def _read(row: Any) -> Note | None:
    """Read a note; None for one of another version, which must hold up no deed that adds one."""
    try:
        alert, action, by, text, wall_ns, mono_ns, boot, quality = row
        return Note(alert, action, by, Instant(wall_ns, mono_ns, boot, ClockQuality(quality)), text)
    except (TypeError, ValueError):
        return None
