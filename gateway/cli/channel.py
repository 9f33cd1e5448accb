"""`velgate channel`: the ways to reach people outside the staff page, and whether they work."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Argument

from gateway.cli.options import STATE, By, Json, State, who_or_operator
from gateway.model.problem import Exit

app = typer.Typer(
    no_args_is_help=True,
    help="Channels: list, test.",
    epilog="Example: velgate channel test sms",
)

Name = Annotated[str, Argument(help="The channel's name in the configuration: channel.NAME.")]
WAIT_S = 10.0  # beyond the channel's own timeout, for the answer itself


@app.command("list", epilog="Example: velgate channel list")
def list_(state: State = STATE, json: Json = False) -> None:
    """List the channels, and what came of the last trial of each.

    `detail` says how much it is told. No address and no key is shown.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import count, emit, local, say, table

    found = Gateway(state).get("/api/v1/channels")
    if json:
        emit(found)
        return
    rows = found["channels"]
    heads = ["channel", "kind", "way", "detail", "digest", "tried", "result"]
    cells = []
    for row in rows:
        tried = row["tried"]
        result = "never" if tried is None else tried["reason"] or tried["state"]
        when = local(tried["time"]) if tried else None
        cells.append([*(row[head] for head in heads[:5]), when, result])
    table(heads, cells)
    say(f"{count(len(rows), 'channel')}.")


@app.command("test", epilog="Example: velgate channel test sms")
def try_one(name: Name, by: By = None, state: State = STATE, json: Json = False) -> None:
    """Send a trial message, and say what came of it.

    It is marked PRØVE, and goes the way of every other message of that channel.
    Exit 1 where it did not get through.
    """
    from gateway.cli.client import Gateway, segment
    from gateway.cli.say import emit, say

    gateway = Gateway(state)
    known = {row["channel"]: row for row in gateway.get("/api/v1/channels")["channels"]}
    path = f"/api/v1/channels/{segment(name)}/test"
    wait_s = known.get(name, {}).get("timeout_s", 0.0) + WAIT_S
    tried = gateway.post(path, {"by": who_or_operator(by)}, timeout_s=wait_s)
    if json:
        emit(tried)
    elif tried["ok"]:
        whose = "the receiver has it" if tried["state"] == "delivered" else "others carry it on from here"
        say(f"{name}: {tried['state']} in {tried['ms']} ms ({whose}). Look whether the message is there.")
    else:
        say(f"{name}: not sent: {tried['reason']} ({tried['ms']} ms).")
        mend = "correct it in the configuration" if tried["lasting"] else "try again, and look at its server"
        if known.get(name, {}).get("kind") == "web_push":
            say("Do: try it on people's phones:  velgate staff reach")
        else:
            say(f"Do: {mend};  velgate check  says what of the configuration is wrong.")
    if not tried["ok"]:
        raise typer.Exit(Exit.FAILED)
