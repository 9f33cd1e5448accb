"""`velgate basis`: the legal basis of what is noticed about a person, by place and concern."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import STATE, By, Json, State, who, who_or_operator
from gateway.model.problem import Problem

app = typer.Typer(
    no_args_is_help=True,
    help="Legal bases by place and concern: add, list, withdraw, verify.",
    epilog="Example: velgate basis list",
)

CONCERNS = ("fall", "presence", "vital")
SOON_DAYS = 14

Place = Annotated[str, Argument(help="The place, as in the configuration.")]


@app.command(
    epilog="Example: velgate basis add room-12 presence --kind decision --until 2027-06-30 --case 26/12"
)
def add(
    place: Place,
    concern: Annotated[str, Argument(metavar="CONCERN", help="fall, presence or vital.")],
    kind: Annotated[str, Option(metavar="KIND", help="consent, no_objection or decision.")],
    until: Annotated[str, Option(metavar="DATE", help="Review date; of a decision its end.")],
    case: Annotated[str | None, Option(metavar="REF", help="Case reference; a decision needs one.")] = None,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Record a basis; needs the right basis. It also lifts an objection made there."""
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    body = {"place": place, "concern": concern, "kind": kind, "until": until, "case": case}
    row = Gateway(state).post("/api/v1/basis", {**body, "by": who_or_operator(by)})
    if json:
        emit(row)
    say(f"Recorded for {place}: {concern} by {kind}, until {until}. It holds from now on.")


@app.command("list", epilog="Example: velgate basis list --place room-12")
def list_(
    place: Annotated[str | None, Option(metavar="PLACE", help="Only this place.")] = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """List what is recorded, and what rests without."""
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say, table

    found = Gateway(state).get("/api/v1/basis")
    found = {key: [row for row in rows if place in (None, row["place"])] for key, rows in found.items()}
    if json:
        emit(found)
        return
    heads = ("place", "concern", "rule", "kind", "until", "case", "by", "withdrawn")
    table(heads, [[row[head] for head in heads] for row in found["basis"]])
    for row in found["no_basis"]:
        say(f"Resting without a basis: {row['rule']} at {row['place']} ({row['count']} times)")


@app.command(epilog="Example: velgate basis withdraw room-12 presence --by KL")
def withdraw(
    place: Place,
    what: Annotated[str, Argument(metavar="CONCERN|RULE", help="fall, presence, vital, or one rule.")],
    undo: Annotated[bool, Option("--undo", help="Take it back: within a minute, or by the right.")] = False,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """The resident says no.

    In force at once, for a concern or for one rule. Open alerts stay open. For a minute whoever did it may
    take it back with --undo; afterwards only a person with the right basis may.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    body = {"concern": what} if what in CONCERNS else {"rule": what}
    person = who(by) if undo else who_or_operator(by)
    row = Gateway(state).delete("/api/v1/basis", {"place": place, **body, "undo": undo or None, "by": person})
    if json:
        emit(row)
    if undo:
        say(f"{what} holds again at {place}, as it did before.")
        return
    say(
        f"{what} has stopped at {place}. Only a person with the right basis may lift that:  velgate basis add"
    )


@app.command(epilog="Example: velgate basis verify")
def verify(state: State = STATE, json: Json = False) -> None:
    """Check that every rule that needs a basis has one.

    None may be about to end, either. Otherwise exit 1.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say

    found = Gateway(state).get("/api/v1/basis")
    today = date.today()  # noqa: DTZ011  (a person's day, where the command runs)
    ending = [row for row in _newest(found["basis"]) if _days(row, today) <= SOON_DAYS]
    if json:
        emit({"ok": not found["no_basis"] and not ending, "no_basis": found["no_basis"], "ending": ending})
    for row in ending:
        days = _days(row, today)
        left = f"ends in {days} days" if days > 0 else "has reached its date"
        say(f"{row['place']}  {row['concern']} by {row['kind']} {left} ({row['until']})")
    for row in found["no_basis"]:
        say(f"{row['place']}  {row['rule']} rests without a basis")
    if ending or found["no_basis"]:
        missing, soon = len(found["no_basis"]), len(ending)
        raise Problem(
            "basis",
            expected=f"a basis for every rule that needs one, for {SOON_DAYS} days at least",
            found=f"{missing} missing, {soon} ending",
            do="velgate basis add PLACE CONCERN --kind KIND --until DATE, or switch the rule off there",
        )
    say("Every rule that needs a basis has one.")


def _newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each place and concern, what holds now: the newest, unless it was withdrawn."""
    newest: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: str(row["recorded"])):
        newest[row["place"], row["concern"], row["rule"]] = row
    return [row for row in newest.values() if not row["withdrawn"]]


def _days(row: dict[str, Any], today: date) -> int:
    return (date.fromisoformat(row["until"]) - today).days
