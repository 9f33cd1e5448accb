"""`velgate staff roster`: who is on duty when, somebody else for a while, and calendars that say so."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import CONFIG, STATE, By, Config, Json, State, who_or_operator
from gateway.cli.roster_calendar import calendar_of, known_group, read_file
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.cli.calendar_file import Calendar
    from gateway.settings.models import Settings

app = typer.Typer(
    invoke_without_command=True,
    help="The duty roster: show, override, restore, import, drop. Alone it shows who is on duty.",
    epilog="Example: velgate staff roster --at 2026-12-24T23:30",
)

WHEN = "2026-12-24T23:00 (the home's time), or RFC 3339 with zone"
DAYS = 400
UNMAPPED_SHOWN = 50

At = Annotated[str | None, Option(metavar="TIME", help=f"{WHEN}; now, if not given.")]
Group = Annotated[str | None, Option(metavar="GROUP", help="Only this group.")]
Files = Annotated[bool, Option("--files", help="What the files say, without the running gateway.")]


@app.callback()
def roster(
    context: typer.Context,
    at: At = None,
    group: Group = None,
    files: Files = False,
    config: Config = CONFIG,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show who is on duty, or see the commands below."""
    if context.invoked_subcommand is None:
        show(at, group, files, config, state, json)


@app.command(epilog="Example: velgate staff roster show --at 2026-12-24T23:30 --group nat-oest")
def show(
    at: At = None,
    group: Group = None,
    files: Files = False,
    config: Config = CONFIG,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show who is on duty at a time.

    By which rule, until when, how reached, and where nobody is in the 24 hours that follow.
    """
    from gateway.cli.client import SOCKET, Gateway
    from gateway.cli.say import emit

    if files or not (state / SOCKET).exists():
        found = _by_files(config, at, group)
    else:
        found = Gateway(state).get("/api/v1/roster", at=at, group=group)
    if json:
        emit(found)
    else:
        _print(found)


@app.command(epilog="Example: velgate staff roster override nat-oest --person AB --date 2026-12-24")
def override(
    group: Annotated[str, Argument(help="The duty group.")],
    person: Annotated[list[str], Option(metavar="NAME", help="Who is on duty; more than once for several.")],
    instead_of: Annotated[str | None, Option(metavar="NAME", help="Whom they stand in for.")] = None,
    date: Annotated[str | None, Option(metavar="DATE", help="The duty that begins on this day.")] = None,
    start: Annotated[str | None, Option("--from", metavar="TIME", help=f"Begin: {WHEN}.")] = None,
    end: Annotated[str | None, Option("--until", metavar="TIME", help="End, written alike.")] = None,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Put somebody else on duty for a while.

    For a date, or from a time to a time. Without --instead-of they alone are the group's duty. It is kept
    over restarts, and stands in the audit log.
    """
    from zoneinfo import ZoneInfo

    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    body = {
        "group": group,
        "persons": person,
        "instead_of": instead_of,
        "date": date,
        "start": start,
        "end": end,
        "by": who_or_operator(by),
    }
    gateway = Gateway(state)
    row = gateway.post("/api/v1/roster/override", body)
    if json:
        emit(row)
        return
    instead = f" instead of {row['instead_of']}" if row["instead_of"] else ""
    zone = ZoneInfo(gateway.get("/api/v1/roster", group=row["group"])["zone"])
    span = f"from {_local(row['from'], zone)} until {_local(row['until'], zone)}"
    say(f"{', '.join(row['persons'])}{instead} in {row['group']}, {span}.")
    say(f"Take it back with  velgate staff roster restore {row['id'][-6:]}")


@app.command(epilog="Example: velgate staff roster restore 3f9a01")
def restore(
    override: Annotated[str, Argument(metavar="ID", help="Its id, or the last characters of it.")],
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Take an override back.

    Shifts and calendars hold again, at once.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    row = Gateway(state).delete("/api/v1/roster/override", {"id": override, "by": who_or_operator(by)})
    if json:
        emit(row)
        return
    say(f"{row['group']} goes by its shifts and calendars again.")


@app.command("import", epilog="Example: velgate staff roster import vagtplan.ics --group nat-oest --dry-run")
def import_(
    file: Annotated[Path, Argument(metavar="FILE.ics", help="An iCalendar file (RFC 5545).")],
    group: Annotated[str | None, Option(metavar="GROUP", help="Every event is of this group.")] = None,
    names: Annotated[
        Path | None, Option(metavar="FILE.toml", help="What its words mean; read, and kept nowhere.")
    ] = None,
    source: Annotated[
        str | None, Option(metavar="SLUG", help="What it replaces the next time; the group, if not given.")
    ] = None,
    days: Annotated[int, Option(min=1, max=DAYS, help="How far ahead is read.")] = DAYS,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be imported, and import nothing.")] = (
        False
    ),
    by: By = None,
    config: Config = CONFIG,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Take duty from a calendar.

    Who it is by initials, or by a table of names. What the same source said before is replaced as a whole.
    An event that cannot be placed is named by its line and UID, and what to do; the others are taken. Only
    initials are kept.
    """
    import hashlib

    from gateway.cli.client import Gateway
    from gateway.cli.say import count, emit, say
    from gateway.settings.loader import load

    settings = load(config).settings
    data = read_file(file)
    found = calendar_of(data, settings, group, names, days)
    name = source or group or "roster"
    rows = [[each.since_s, each.until_s, each.group, each.person] for each in found.stretches]
    report: dict[str, Any] = {
        "source": name,
        "dry_run": dry_run,
        "events": found.events,
        "stretches": len(rows),
        "unmapped": [
            {"line": each.line, "uid": each.uid, "found": each.found, "do": each.do}
            for each in found.unmapped
        ],
    }
    if not dry_run and rows:
        body = {
            "source": name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "stretches": rows,
            "by": who_or_operator(by),
        }
        report["kept"] = Gateway(state).post("/api/v1/roster/import", body)
    if json:
        emit(report)
    elif dry_run:
        _print_stretches(found, settings)
    for each in found.unmapped[:UNMAPPED_SHOWN]:
        say(f"{file.name}:{each.line}  {each.found}")
        say(f"  UID {each.uid or '(none)'}")
        say(f"  do  {each.do}")
    if len(found.unmapped) > UNMAPPED_SHOWN:
        say(f"… and {len(found.unmapped) - UNMAPPED_SHOWN} more; see them all with --json")
    if not rows:
        raise Problem(
            file.name,
            expected=f"at least one duty in the next {count(days, 'day')}",
            found=f"{count(found.events, 'event')}, none of them placed; what was imported before holds",
            do="see  velgate staff roster import --help, and try with --dry-run",
        )
    done = "Would import" if dry_run else "Imported"
    say(f"{done} {count(len(rows), 'stretch', 'stretches')} of duty as {name}.")


@app.command(epilog="Example: velgate staff roster drop nat-oest")
def drop(
    source: Annotated[str, Argument(metavar="SLUG", help="The source, as show names it.")],
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Drop what was imported.

    The weekly shifts hold again.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    row = Gateway(state).delete("/api/v1/roster/import", {"source": source, "by": who_or_operator(by)})
    if json:
        emit(row)
        return
    say(f"{source} is dropped; its groups go by their shifts.")


def _by_files(config: Path, at: str | None, group: str | None) -> dict[str, Any]:
    import time

    from gateway.alerts.duty_table import duty_table, moment_of
    from gateway.alerts.roster import Roster
    from gateway.cli.say import say
    from gateway.model.clock import Instant
    from gateway.settings.loader import load

    settings = load(config).settings
    known = Roster(settings)
    try:
        wall_ns = time.time_ns() if at is None else moment_of(at, known.zone)
    except (ValueError, OverflowError):
        found = repr(at)[:60]
        raise Problem("--at", expected="a time", found=found, do=f"write {WHEN}", exit=Exit.USAGE) from None
    known_group(settings, group)
    say("This is what the files say; overrides and imports are the running gateway's.")
    groups = sorted(settings.group) if group is None else [group]
    found_table = duty_table(known, groups, Instant(wall_ns, 0, ""))
    return found_table | {"overrides": [], "imports": []}


def _print(found: dict[str, Any]) -> None:
    from zoneinfo import ZoneInfo

    from gateway.cli.say import say, table

    zone = ZoneInfo(found["zone"])
    lines = []
    for row in found["groups"]:
        for on in row["on"]:
            reached = {None: "not proved", True: "yes", False: "no"}[on["reached"]]
            detail = on["detail"][-6:] if on["rule"] == "override" else on["detail"]  # as it is taken back
            rule = f"{on['rule']} {detail}".strip()
            until = _local(on["until"], zone)
            lines.append((row["group"], row["label"], on["person"], rule, until, on["by"], reached))
    table(("group", "label", "person", "rule", "until", "reached by", "reached"), lines)
    if found["holiday"]:
        say(f"A public holiday: {found['holiday']}.")
    if found["clock"] == "unsynced":
        say("The clock is not right: a group is all its members until it is.")
    empty = [row["group"] for row in found["groups"] if not row["on"]]
    if empty:
        say(f"Nobody on duty: {', '.join(empty)}. Their step is skipped, with a technical alert.")
    for row in found["groups"]:
        for gap in row["gaps"]:
            begin, end = _local(gap["from"], zone), _local(gap["until"], zone)
            say(f"Nobody in {row['group']} from {begin} until {end}")
    for each in found["overrides"]:
        begin, end = _local(each["from"], zone), _local(each["until"], zone)
        instead = f" instead of {each['instead_of']}" if each["instead_of"] else ""
        say(
            f"Override {each['id'][-6:]}: {', '.join(each['persons'])}{instead} in {each['group']},"
            f" {begin} until {end}"
        )
    for each in found["imports"]:
        say(f"Imported {each['source']}: {', '.join(each['groups'])}, until {_local(each['until'], zone)}")
    if not found["groups"]:
        say("No groups are configured: everybody of the home is told.")


def _print_stretches(found: Calendar, settings: Settings) -> None:
    from zoneinfo import ZoneInfo

    from gateway.cli.say import table

    zone = ZoneInfo(settings.site.zone)
    rows = [
        (each.group, each.person, _stamp(each.since_s, zone), _stamp(each.until_s, zone))
        for each in found.stretches
    ]
    table(("group", "person", "from", "until"), rows)


def _local(stamp: str | None, zone: Any) -> str | None:
    return None if stamp is None else f"{datetime.fromisoformat(stamp).astimezone(zone):%a %d.%m. %H:%M}"


def _stamp(at_s: int, zone: Any) -> str:
    return f"{datetime.fromtimestamp(at_s, zone):%a %d.%m.%Y %H:%M}"
