"""`velgate alert load`: which rules ring most and which ring falsest."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, Any

from typer import Option

from gateway.cli.options import STATE, Json, State
from gateway.model.clock import NS, parse_iso
from gateway.model.problem import Exit, Problem

EXAMPLE = "Example: velgate alert load --since 2026-11-01"
FEW = "too few"


def load(
    since: Annotated[
        str | None, Option(metavar="TIME", help="RFC 3339, a day, or how long ago; 30d, if not given.")
    ] = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show which rules ring most and which ring falsest.

    It reads the journal itself, running gateway or not, and names nobody. The figures are to be looked at;
    no alert is held back because of any.
    """
    from gateway.alerts.load_report import LOOK_BACK, Tally
    from gateway.cli.say import emit
    from gateway.health.clock import SystemClock
    from gateway.journal.offline import alert_pages

    clock = SystemClock()
    now_ns = clock.now().wall_ns
    since_ns = _begin(since, now_ns) if since else now_ns - round(LOOK_BACK.total_seconds()) * NS
    os.nice(19)  # it reads beside a gateway that must not wait for it
    tally = Tally(since_ns, now_ns)
    for page in alert_pages(state, clock, since_ns):
        tally.add(page)
    found = tally.document()
    if json:
        emit(found)
    else:
        _show(found)


def _begin(text: str, now_ns: int) -> int:
    from gateway.settings.span import parse_span

    try:
        return now_ns - round(parse_span(text).total_seconds()) * NS
    except ValueError:
        pass
    try:
        if len(text) == len("2026-11-01"):
            day = datetime.fromisoformat(text)
            return round(day.astimezone().astimezone(UTC).timestamp()) * NS
        return parse_iso(text)
    except ValueError:
        raise Problem(
            "--since",
            expected="a time such as 2026-11-24T00:00:00Z, a day such as 2026-11-24, or 7d (ago)",
            found=repr(text),
            do="write it so",
            exit=Exit.USAGE,
        ) from None


def _show(found: dict[str, Any]) -> None:
    from gateway.cli.say import count, local, show, table

    rules = found["rules"]
    show(
        f"Since {local(found['since'], '%Y-%m-%d %H:%M')}: {count(rules['count'], 'alert')} by rules, and"
        f" {count(found['calls'], 'call')} of residents, which are never one too many."
    )
    show("")
    table(
        ("priority", "alerts", "share", "at most"),
        [
            (each["priority"], each["count"], _share(each["share"]), _share(each["at_most"], "–"))
            for each in rules["shares"]
        ],
    )
    for title, heads, rows in (
        (
            "These rules ring most:",
            ("rule", "alerts", "device that makes most of them", "of these"),
            [(each["rule"], each["count"], each["device"], each["device_count"]) for each in found["most"]],
        ),
        (
            "These ring falsest, of those that a person has judged:",
            ("rule", "judged", "false", "share"),
            [
                (each["rule"], each["judged"], each["false"], _share(each["share"]))
                for each in found["falsest"]
            ],
        ),
        (
            "The gateway about devices and itself:",
            ("rule", "alerts"),
            [(each["rule"], each["count"]) for each in found["own"]],
        ),
    ):
        if rows:
            show("")
            show(title)
            table(heads, rows)
    if found["busiest"]:
        busiest = found["busiest"]
        show("")
        at = local(busiest["from"], "%Y-%m-%d %H:%M")
        show(f"The busiest ten minutes began {at}: {count(busiest['count'], 'alert')}.")


def _share(value: float | None, missing: str = FEW) -> str:
    return missing if value is None else f"{value * 100:.0f} %"
