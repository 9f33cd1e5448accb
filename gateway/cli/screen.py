"""`velgate screen`: wall screens that may look without signing in."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Argument, Option

from gateway.cli.options import STATE, By, Json, State, who_or_operator

app = typer.Typer(
    no_args_is_help=True,
    help="Wall screens: add, list, remove.",
    epilog="Example: velgate screen list",
)

Name = Annotated[str, Argument(help="The screen's name, a slug such as vagtstue.")]


@app.command(epilog="Example: velgate screen add vagtstue --by KL")
def add(
    name: Name,
    public: Annotated[
        bool, Option("--public", help="Visitors can see it: place and urgency only, no kind, no history.")
    ] = False,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Give a one-time code that makes a browser a screen.

    Needs the right enrol.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, local, say, show

    offer = Gateway(state).post(
        "/api/v1/screens", {"screen": name, "public": public, "by": who_or_operator(by)}
    )
    if json:
        emit(offer)
        return
    show(str(offer["code"]))
    say(f"Open the staff page's {offer['path']} on the screen, once, before {local(offer['until'])}.")


@app.command("list", epilog="Example: velgate screen list")
def list_(state: State = STATE, json: Json = False) -> None:
    """List the screens, and whether they draw and can sound."""
    from gateway.cli.client import Gateway
    from gateway.cli.say import count, emit, say, table

    found = Gateway(state).get("/api/v1/screens")
    if json:
        emit(found)
        return
    rows = found["screens"]
    heads = list(dict.fromkeys(key for row in rows for key in row)) or ["screen"]
    table(heads, [[row.get(head) for head in heads] for row in rows])
    say(f"{count(len(rows), 'screen')}.")


@app.command(epilog="Example: velgate screen remove vagtstue --by KL")
def remove(name: Name, by: By = None, state: State = STATE) -> None:
    """Remove a screen: it must sign in again, or be enrolled anew. Needs the right enrol."""
    from gateway.cli.client import Gateway, segment
    from gateway.cli.say import say

    Gateway(state).delete(f"/api/v1/screens/{segment(name)}", {"by": who_or_operator(by)})
    say(f"Removed {name}; what it shows ends now.")
