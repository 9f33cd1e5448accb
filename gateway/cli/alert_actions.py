"""What people do about an alert: one command for each action of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from gateway.cli import alert as looking
from gateway.cli.alert import Id, title
from gateway.cli.options import STATE, By, Json, State, who

app = looking.app
"""The same group: these commands join those that look at alerts."""

Note = Annotated[str | None, Option(metavar="TEXT", help="A short note; never a name.")]
Rev = Annotated[int | None, Option(metavar="N", help="The revision you saw; another is refused.")]
Spoken = Annotated[bool, Option("--spoken", help="You have spoken with the resident.")]


@app.command(epilog="Example: velgate alert acknowledge 3f29ab --by KL")
def acknowledge(
    alert: Id,
    by: By = None,
    take_over: Annotated[bool, Option("--take-over", help="Take it from whoever has it.")] = False,
    note: Note = None,
    rev: Rev = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Take an alert: escalation stops, the return timer starts."""
    by = who(by)
    taken = _act(state, alert, "acknowledge", by, json, take_over=take_over or None, note=note, rev=rev)
    _said(taken, f"is taken by {by}.{_back(taken)}")


@app.command(epilog="Example: velgate alert join 3f29ab --by AB")
def join(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Come too: recorded and shown."""
    by = who(by)
    _said(_act(state, alert, "join", by, json, note=note, rev=rev), f"{by} comes too.")


@app.command(epilog="Example: velgate alert presence 3f29ab --by KL")
def presence(
    alert: Id,
    by: By = None,
    how: Annotated[str, Option(metavar="button|tag|page", help="How that is known.")] = "page",
    note: Note = None,
    rev: Rev = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Say that you are with the resident."""
    by = who(by)
    _said(_act(state, alert, "presence", by, json, how=how, note=note, rev=rev), f"{by} is there.")


@app.command(epilog="Example: velgate alert extend 3f29ab --by KL")
def extend(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Take at least 10 minutes more."""
    by = who(by)
    done = _act(state, alert, "extend", by, json, note=note, rev=rev)
    _said(done, f"{by} has more time.{_back(done)}")


@app.command(epilog="Example: velgate alert release 3f29ab --by KL")
def release(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Give it back: it escalates from step 1 at once."""
    _said(_act(state, alert, "release", by, json, note=note, rev=rev), "is given back and calls again.")


@app.command(epilog="Example: velgate alert assist 3f29ab --by KL")
def assist(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Ask colleagues for help at the same place: a new emergency."""
    _said(_act(state, alert, "assist", by, json, note=note, rev=rev), "colleagues are called to help.")


@app.command(epilog="Example: velgate alert resolve 3f29ab --by KL --outcome assisted --presence")
def resolve(
    alert: Id,
    outcome: Annotated[
        str,
        Option(metavar="WORD", help="assisted, checked, false_alarm, test, technical, other (with a note)."),
    ],
    by: By = None,
    spoken: Spoken = False,
    presence: Annotated[bool, Option("--presence", help="You have been with the resident.")] = False,
    was_fall: Annotated[str | None, Option(metavar="yes|no|unknown", help="Whether it was a fall.")] = None,
    note: Note = None,
    rev: Rev = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Finish an alert with its outcome. Within 60 s it can be reopened."""
    done = _act(
        state,
        alert,
        "resolve",
        by,
        json,
        outcome=outcome,
        spoken=spoken or None,
        presence=presence or None,
        was_fall=was_fall,
        note=note,
        rev=rev,
    )
    _said(done, f"is finished: {outcome}.")


@app.command(epilog="Example: velgate alert reopen 3f29ab --by KL")
def reopen(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Take back a closing of the last 60 s; who reopens has it."""
    by = who(by)
    _said(_act(state, alert, "reopen", by, json, note=note, rev=rev), f"is open again, taken by {by}.")


@app.command(
    epilog="Example: velgate alert shelve 3f29ab --by KL --until 2026-11-24T14:30:00Z --reason asleep"
)
def shelve(
    alert: Id,
    until: Annotated[str, Option(metavar="TIME", help="Until when, RFC 3339 with zone.")],
    reason: Annotated[str, Option(metavar="TEXT", help="Why; never a name.")],
    by: By = None,
    spoken: Spoken = False,
    note: Note = None,
    rev: Rev = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Set an alert aside until a time."""
    fields = {"until": until, "reason": reason, "spoken": spoken or None}
    _said(_act(state, alert, "shelve", by, json, note=note, rev=rev, **fields), f"waits until {until}.")


@app.command(epilog="Example: velgate alert dispatch 3f29ab --by KL --to group:udekoerende-nat")
def dispatch(
    alert: Id,
    to: Annotated[str, Option(metavar="group:NAME|person:NAME", help="Who is sent.")],
    by: By = None,
    note: Note = None,
    rev: Rev = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Send a group or a person to it."""
    _said(_act(state, alert, "dispatch", by, json, to=to, note=note, rev=rev), f"is passed to {to}.")


@app.command("object", epilog="Example: velgate alert object 3f29ab --by KL")
def object_(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """The resident says no to this.

    The rule stops at this place at once; this alert stays open.
    """
    done = _act(state, alert, "object", by, json, note=note, rev=rev)
    _said(done, f"rule {done['rule']} has stopped at {done['label']}. This alert stays open.")


def _back(alert: dict[str, Any]) -> str:
    from gateway.cli.say import local

    taken = alert["taken"]
    return f" It comes back at {local(taken['return_at'])} if nobody finishes it." if taken else ""


def _act(state: Path, alert: str, action: str, by: str | None, json: bool, **fields: Any) -> dict[str, Any]:
    from gateway.cli.client import Gateway, segment
    from gateway.cli.say import emit

    path = f"/api/v1/alerts/{segment(alert)}/{action}"
    done: dict[str, Any] = Gateway(state).post(path, {"by": who(by), **fields})
    if json:
        emit(done)
    return done


def _said(alert: dict[str, Any], what: str) -> None:
    from gateway.cli.say import say

    say(f"{title(alert)}: {what}")
