"""Reading what a row holds, where a row that holds nonsense is damage to the file.

`quick_check` sees damaged pages, not damaged contents. Whoever meets them raises `Damaged`, which is treated
as SQLite's own word for it: the file is repaired from its copy and from what can be read.
"""

from __future__ import annotations

import sqlite3
from typing import Any, TypeVar

import orjson

from gateway.journal.alert_codec import decode_alert
from gateway.journal.documents import decode
from gateway.journal.record_codec import decode_record
from gateway.model.alert import Alert
from gateway.model.readings import Record

T = TypeVar("T")


class Damaged(sqlite3.DatabaseError):
    """A row of `alarms.db` holds nonsense."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    sqlite_errorname = "SQLITE_CORRUPT"


def stored(kind: type[T], document: bytes) -> T:
    """Read a dataclass from its document. Raises Damaged."""
    try:
        return decode(kind, document)
    except ValueError as error:
        raise Damaged(str(error)) from error


def stored_alert(document: bytes) -> Alert:
    """Read an alert. Raises Damaged."""
    try:
        return decode_alert(document)
    except ValueError as error:
        raise Damaged(str(error)) from error


def stored_json(document: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Damaged."""
    try:
        return dict(orjson.loads(document))
    except (ValueError, TypeError) as error:
        raise Damaged("no stored object") from error


def stored_record(row: Any) -> Record:
    """Read a record from its columns. Raises Damaged."""
    try:
        return decode_record(row)
    except (ValueError, TypeError) as error:
        raise Damaged("no stored record") from error
