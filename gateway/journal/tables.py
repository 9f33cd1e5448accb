"""Whole tables as rows, for saving what can be read of a damaged file. Names come from the schema alone."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

log = logging.getLogger(__name__)

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns and its primary key, in order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def place(self, column: str) -> int:
        """Give the place of a column in a row."""
        return self.columns.index(column)


def table_of(db: sqlite3.Connection, name: str) -> Table:
    """Describe a table of an intact file."""
    info = db.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((row for row in info if row[5]), key=lambda row: int(row[5]))
    return Table(name, tuple(row[1] for row in info), tuple(row[1] for row in key))


def readable_rows(damaged: sqlite3.Connection, table: Table) -> tuple[list[Row], bool]:
    """Read a table from both ends up to the damage; gives the rows, and whether these are all."""
    found: dict[Row, Row] = {}
    places = [table.place(each) for each in table.key]
    columns = ", ".join(table.columns)
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{each} {direction}" for each in table.key)
        try:
            for row in damaged.execute(f"SELECT {columns} FROM {table.name} ORDER BY {order}"):  # noqa: S608
                found[tuple(row[place] for place in places)] = row
        except sqlite3.Error as error:
            log.warning("table %s is damaged: %s", table.name, error)
            continue
        return list(found.values()), True
    return list(found.values()), False


def put_rows(db: sqlite3.Connection, table: Table, rows: Iterable[Sequence[Any]], *, whole: bool) -> None:
    """Write rows over those with the same key; `whole` removes every other row."""
    if whole:
        db.execute(f"DELETE FROM {table.name}")  # noqa: S608
    marks = ", ".join("?" * len(table.columns))
    columns = ", ".join(table.columns)
    db.executemany(f"INSERT OR REPLACE INTO {table.name} ({columns}) VALUES ({marks})", rows)  # noqa: S608
