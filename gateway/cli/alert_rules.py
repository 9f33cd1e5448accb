"""`velgate alert rules`: which rules are in force, and what a changed one would have raised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import CONFIG, STATE, Config, Json, State
from gateway.model.problem import Exit, Problem

if TYPE_CHECKING:
    from gateway.settings.loader import Loaded

app = typer.Typer(
    no_args_is_help=True,
    help="Rules: list them, try changed ones on the past.",
    epilog="Example: velgate alert rules list",
)

LISTED = 20  # alerts that differ, shown one by one; --json has all
LEAD_IN = "24h"
PLACES = 4  # places of a rule that are named in the list; --json has all

Time = Annotated[str | None, Option(metavar="TIME", help="RFC 3339, or how long ago: 7d.")]


@app.command("list", epilog="Example: velgate alert rules list --config /etc/velgate")
def list_(config: Config = CONFIG, json: Json = False) -> None:
    """List the rules of the configuration, with where each is written.

    Reads the configuration alone; no gateway need run. Places are those of the devices a rule would heed;
    --json names them all.
    """
    from gateway.cli.say import count, emit, say, table
    from gateway.settings.loader import load

    found = load(config, running=True)
    rows = described(found)
    if json:
        emit({"rules": rows})
        return
    heads = ("rule", "state", "watches", "concern", "priority", "policy", "rings", "places", "written in")
    table(heads, [[_cell(row, head.replace(" ", "_")) for head in heads] for row in rows])
    on = sum(row["state"] == "on" for row in rows)
    say(f"{count(len(rows), 'rule')}, {on} in force.")


@app.command("test", epilog="Example: velgate alert rules test quieter.toml --since 7d")
def try_(
    file: Annotated[Path, Argument(metavar="FILE", help="Rules in TOML, laid over the configuration.")],
    capture: Annotated[
        Path | None, Option("--from", metavar="CAPTURE", help="Frames: JSON lines or btsnoop.")
    ] = None,
    since: Time = None,
    until: Time = None,
    lead_in: Annotated[
        str, Option(metavar="SPAN", help="Listen so long before --since, to know what held then.")
    ] = LEAD_IN,
    config: Config = CONFIG,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Try changed rules on the past, before anybody lives with them.

    FILE is laid over the configuration. The past is a capture (--from), or the journal's history
    (--since): it goes through the rules in force and through the changed ones, in virtual time. Nothing is
    changed and nobody is told; a gateway may run meanwhile. What it cannot judge it says.
    """
    from gateway.cli.say import emit
    from gateway.replay.work import Job
    from gateway.settings.span import parse_span

    if capture is None and since is None:
        do = "add  --from CAPTURE  or  --since TIME, such as  --since 7d"
        raise Problem("alert rules test", expected="a past to try on", found="none", do=do, exit=Exit.USAGE)
    try:
        before = parse_span(lead_in)
    except ValueError as error:
        do = "correct the value"
        raise Problem("--lead-in", expected=str(error), found=repr(lead_in), do=do, exit=Exit.USAGE) from None
    since_ns, until_ns = _moment(since, "--since"), _moment(until, "--until")
    if until_ns is not None and since_ns is not None and until_ns <= since_ns:
        do = "name a later time"
        raise Problem("--until", expected="after --since", found=repr(until), do=do, exit=Exit.USAGE)
    job = Job(
        config=config,
        state=state,
        file=file,
        capture=capture,
        since_ns=since_ns or 0,
        until_ns=until_ns,
        lead_in_ns=round(before.total_seconds() * 1e9),
    )
    result = _in_child(job.document())
    if json:
        emit(result)
    else:
        _show(result)


def described(found: Loaded) -> list[dict[str, Any]]:
    """Describe every rule of a configuration."""
    from gateway.alerts.bound import bind
    from gateway.alerts.watched import watched
    from gateway.replay.layered import rule_origins
    from gateway.settings.rule_words import hours, in_words

    settings = found.settings
    devices = watched(settings, lambda _name, _device: None)
    rows = []
    for name, rule in settings.alerts.rules.items():
        off_for_vital = rule.limits_vital_signs and settings.intended_use is None
        state = "off" if not rule.enabled else "no intended_use" if off_for_vital else "on"
        wanted = {quantity for each in rule.when.conditions for quantity in each.quantity}
        bound = (
            bind(settings, devices, name, rule, device=device, place=each.place)
            for device, each in devices.items()
            if not each.says or not wanted.isdisjoint(each.says)
        )
        places = sorted({each.place for each in bound if each is not None})
        rows.append(
            {
                "rule": name,
                "state": state,
                "kind": rule.kind,
                "watches": in_words(rule.when),
                "concern": rule.concern.value,
                "priority": rule.priority.value,
                "policy": rule.policy,
                "rings": hours(rule),
                "places": places,
                "overrides": len(rule.override),
                "written_in": rule_origins(found, name),
            }
        )
    return rows


def _cell(row: dict[str, Any], key: str) -> Any:
    """Give what stands in the table: many places as their number; --json names them."""
    many = key == "places" and len(row[key]) > PLACES
    return f"{len(row[key])} places" if many else row[key]


def _moment(text: str | None, option: str) -> int | None:
    """Read a time, or how long ago. Raises Problem (exit 2)."""
    import time

    from gateway.model.clock import parse_iso
    from gateway.settings.span import parse_span

    if text is None:
        return None
    try:
        return time.time_ns() - round(parse_span(text).total_seconds() * 1e9)
    except ValueError:
        pass
    try:
        return parse_iso(text)
    except ValueError:
        expected, do = 'a time with its zone ("2026-11-24T00:00:00Z"), or how long ago ("7d")', "correct it"
        raise Problem(option, expected=expected, found=repr(text), do=do, exit=Exit.USAGE) from None


def _in_child(job: dict[str, Any]) -> dict[str, Any]:
    """Have the work done by a child process that gives way to everything. Raises its Problem."""
    import subprocess
    import sys
    import time

    import orjson

    from gateway.cli.say import progress
    from gateway.model.problem import Finding

    said: dict[str, Any] = {}
    command = [sys.executable, "-m", "gateway.replay"]
    with (
        progress("trying the rules on the past", None) as shown,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
    ):
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(orjson.dumps(job))
            child.stdin.close()
            for line in child.stdout:
                said = orjson.loads(line)
                if "taken" in said:
                    shown.at(time.monotonic(), f"{said['taken']:,} records")
        except BaseException:
            child.terminate()
            raise
    if "problem" in said:
        findings = tuple(Finding(**each) for each in said["problem"]["findings"])
        first = findings[0]
        raise Problem(
            first.where,
            expected=first.expected,
            found=first.found,
            do=first.do,
            exit=Exit(said["problem"]["exit"]),
            findings=findings,
        )
    if "result" not in said:
        found, do = f"it ended with {child.returncode}", "run it again with less history: a later --since"
        raise Problem("alert rules test", expected="an answer of the child process", found=found, do=do)
    return dict(said["result"])


def _show(result: dict[str, Any]) -> None:
    from gateway.cli.say import count, say, show, table

    over, rows = result["over"], result["rules"]
    begin, end = (_wall(over[each], over["zone"], "%Y-%m-%d %H:%M") for each in ("since", "until"))
    records = f"{over['records']:,} records"
    show(f"{over['kind'].capitalize()} from {begin} to {end} ({over['days']:.1f} days, {records})")
    heads = ("rule", "", "old", "new", "both", "no more", "added", "a night", "a day", "lasts", "places")
    shown = [row for row in rows if row["changed"] or row["old"]["count"] or row["new"]["count"]]
    table(heads, [_line(row) for row in shown])
    quiet = len(rows) - len(shown)
    if quiet:
        say(f"{count(quiet, 'rule')} more, unchanged, raised nothing.")
    differ = [each for each in result["alerts"] if each["raised_by"] != "both"]
    for each in differ[:LISTED]:
        side, what = (each["old"], "no more") if each["raised_by"] == "old" else (each["new"], "added")
        lasted = "" if side["seconds"] is None else f", {_span(side['seconds'])}"
        at = _wall(side["rang"], over["zone"], "%Y-%m-%d %H:%M:%S")
        about = "/".join(part for part in (each["place"], each["device"]) if part)
        show(f"{what:8} {at}  {each['rule']}  {about}{lasted}")
    if len(differ) > LISTED:
        say(f"{len(differ) - LISTED} more that differ: see them with --json.")
    for warning in result["warnings"]:
        say(f"Warning: {warning}.")
    for limit in result["limits"]:
        say(f"Not judged: {limit['text']}.")
    speed = result["speed"]
    say(f"{speed['seconds']:.1f} s, {speed['records_per_s'] or 0:,} records/s. Nothing was changed.")


def _line(row: dict[str, Any]) -> list[object]:
    old, new = row["old"], row["new"]
    places = {**old["places"], **new["places"]}
    mark = "changed" if row["changed"] else ""
    if row["changed"] and not row["in_force"]["new"]:
        mark = "off now"
    return [
        row["rule"],
        mark,
        old["count"],
        new["count"],
        row["both"],
        row["only_old"],
        row["only_new"],
        _change(old["per_night"], new["per_night"]),
        _change(old["per_day"], new["per_day"]),
        _change(*(None if side["median_s"] is None else _span(side["median_s"]) for side in (old, new))),
        ", ".join(f"{place} {old['places'].get(place, 0)}→{new['places'].get(place, 0)}" for place in places),
    ]


def _wall(stamp: str, zone: str, form: str) -> str:
    """Write a time as the clock on the home's wall shows it."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)).strftime(form)


def _change(old: object, new: object) -> str:
    said = ["–" if each is None else str(each) for each in (old, new)]
    return said[0] if said[0] == said[1] else "→".join(said)


def _span(seconds: float) -> str:
    from datetime import timedelta

    from gateway.settings.span import write_span

    return write_span(timedelta(seconds=round(seconds)))
