"""A calendar as somebody gives it to a command: read, with the configuration's names and a table of names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.cli.calendar_file import Calendar
    from gateway.settings.models import Settings


def known_group(settings: Settings, group: str | None) -> None:
    """Refuse a group that the configuration does not have. Raises Problem (exit 4)."""
    if group is not None and group not in settings.group:
        raise Problem(
            "--group",
            expected=", ".join(sorted(settings.group)) or "a group; the configuration has none",
            found=repr(group)[:60],
            do="name a group of the configuration",
            exit=Exit.NOT_FOUND,
        )


def read_file(file: Path) -> bytes:
    """Read a calendar, one byte more than may be. Raises Problem (exit 4)."""
    from gateway.cli.calendar_file import BYTES_MAX

    try:
        with file.open("rb") as opened:
            return opened.read(BYTES_MAX + 1)
    except OSError as error:
        found = error.strerror or "no file"
        do = "name the file that the roster program exported"
        raise Problem(
            str(file), expected="a file to read", found=found, do=do, exit=Exit.NOT_FOUND
        ) from error


def calendar_of(
    data: bytes, settings: Settings, group: str | None, names: Path | None, days: int
) -> Calendar:
    """Find out what a calendar means here. Raises Problem."""
    from datetime import UTC, datetime

    from gateway.cli.calendar_file import read_calendar, window_of
    from gateway.cli.calendar_people import Names, fold

    known_group(settings, group)
    groups = {fold(slug): slug for slug in settings.group}
    groups |= {fold(each.label): slug for slug, each in settings.group.items() if each.label}
    persons, of_groups = _table_of(names, settings) if names is not None else ({}, {})
    known = Names(tuple(settings.person), groups, persons, of_groups, group)
    return read_calendar(data, known, settings.site.zone, *window_of(datetime.now(UTC), days))


def _table_of(file: Path, settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Read a table of names: `[person]` and `[group]`, each a word of the calendar = what it is here."""
    import tomllib

    from gateway.cli.calendar_people import fold

    do = 'write  [person]  and  [group]  with lines such as  "anna@home.example" = "AL"'
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        found = error.strerror or "no file"
        raise Problem(
            str(file), expected="a table of names", found=found, do=do, exit=Exit.NOT_FOUND
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Problem(
            str(file), expected="TOML", found="something else", do=do, exit=Exit.CONFIGURATION
        ) from None
    spelling = {person.casefold(): person for person in settings.person}
    tables: list[dict[str, str]] = []
    for kind, known in (("person", spelling), ("group", {slug: slug for slug in settings.group})):
        table = tree.get(kind, {})
        meant: dict[str, str] = {}
        for number, (word, name) in enumerate(table.items() if isinstance(table, dict) else (), 1):
            hit = known.get(name.casefold()) if isinstance(name, str) else None
            if hit is None:
                raise Problem(
                    f"{file.name}  [{kind}], line {number} of it",
                    expected=f"a {kind} of the configuration",
                    found="none",
                    do="see  velgate staff list, velgate config show group",
                    exit=Exit.CONFIGURATION,
                )
            meant[fold(word)] = hit
        tables.append(meant)
    return tables[0], tables[1]
