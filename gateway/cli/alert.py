"""`velgate alert`: look at alerts, prove the chain, and do what people do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import STATE, By, Json, State, who
from gateway.model.problem import Problem

app = typer.Typer(
    no_args_is_help=True,
    help="Alerts: list, show, test, audit, and every action.",
    epilog="Example: velgate alert list",
)

Id = Annotated[str, Argument(metavar="ALERT", help="Its id, or the last characters of it.")]
Note = Annotated[str | None, Option(metavar="TEXT", help="A short note; never a name.")]
Rev = Annotated[int | None, Option(metavar="N", help="The revision you saw; another is refused.")]
Spoken = Annotated[bool, Option("--spoken", help="You have spoken with the resident.")]
TEST_S = 90.0  # the slowest channel's answer, and a page that must draw


@app.command("list", epilog="Example: velgate alert list --resolved --since 2026-11-24T00:00:00Z")
def list_(
    resolved: Annotated[bool, Option("--resolved", help="Those that are resolved.")] = False,
    everything: Annotated[bool, Option("--all", help="Open and resolved.")] = False,
    since: Annotated[str | None, Option(metavar="TIME", help="Changed since, RFC 3339.")] = None,
    limit: Annotated[int, Option(min=1, max=1000, help="At most so many.")] = 100,
    state: State = STATE,
    json: Json = False,
) -> None:
    """List open alerts: all that are not resolved.

    The newest change stands last.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import count, emit, local, say, table

    wanted = None if everything else "resolved" if resolved else "open"
    page = Gateway(state).get("/api/v1/alerts", state=wanted, since=since, limit=limit)
    if json:
        emit(page)
        return
    heads = ("id", "priority", "what", "handling", "raised", "count", "taken by")
    table(
        heads,
        [
            (
                each["id"][-6:],
                each["priority"],
                title(each),
                each["handling"] + (f" ({each['suppressed']})" if each["suppressed"] else ""),
                local(each["raised"], "%Y-%m-%d %H:%M:%S"),
                each["count"],
                each["taken"] and each["taken"]["by"],
            )
            for each in page["alerts"]
        ],
    )
    more = "; there are more" if page["next"] else ""
    say(f"{count(len(page['alerts']), 'alert')}{more}.")


@app.command(epilog="Example: velgate alert show 3f29ab")
def show(alert: Id, state: State = STATE, json: Json = False) -> None:
    """Show one alert with everything that happened."""
    from gateway.cli.client import Gateway, segment
    from gateway.cli.say import emit, table
    from gateway.cli.say import show as put

    found = Gateway(state).get(f"/api/v1/alerts/{segment(alert)}")
    if json:
        emit(found)
        return
    put(f"{title(found)}  ({found['priority']}, {found['handling']}, revision {found['rev']})")
    put(f"id {found['id']}, rule {found['rule']}")
    put(f"device {found['device'] or '–'}, × {found['count']}")
    if found.get("do"):
        put(f"do: {found['do'].get('en')}")
    if found.get("detail"):
        put(found["detail"])
    heads = ("time", "what", "step", "channel", "to", "by")
    table(heads, [[row.get(head) for head in heads] for row in found["timeline"]])


@app.command("test", epilog="Example: velgate alert test kald-12 --by KL")
def prove(
    device: Annotated[str, Argument(help="The device whose chain is proved.")],
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Prove the chain with a test alert.

    It takes the real path; each hop is shown with its time. A hop that fails: exit 1.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say, table

    body = {"device": device, "by": who(by)}
    result = Gateway(state).post("/api/v1/alerts/test", body, timeout_s=TEST_S)
    if json:
        emit(result)
    else:
        table(("hop", "channel", "ms"), [(hop["hop"], hop["channel"], hop["ms"]) for hop in result["hops"]])
    if not result["ok"]:
        do = f"velgate alert show {str(result['alert'])[-6:]}, then velgate status"
        raise Problem(device, expected="every hop of the chain", found="one that is missing", do=do)
    if not any(hop["hop"] == "shown" for hop in result["hops"]):
        say("No staff page was open: whether one would draw it was not proved.")
    say("The chain works. Close the test as people would, with outcome test.")


@app.command(epilog="Example: velgate alert audit --verify")
def audit(
    verify: Annotated[bool, Option("--verify", help="Check that no entry was removed or changed.")] = False,
    after: Annotated[int, Option(min=0, metavar="SEQ", help="Only entries after this one.")] = 0,
    limit: Annotated[int, Option(min=1, max=1000, help="At most so many.")] = 100,
    by: By = None,
    state: State = STATE,
    json: Json = False,
) -> None:
    """Show the audit log, or check that it is whole.

    It names people: only a person with the right audit may see it.

    --verify reads the journal itself, running gateway or not; a broken chain is exit 1.
    """
    from gateway.cli.client import Gateway
    from gateway.cli.say import emit, say, table

    if verify:
        _verify(state, json=json)
        return
    page = Gateway(state).get("/api/v1/audit", after=after, limit=limit, by=who(by))
    if json:
        emit(page)
        return
    heads = ("seq", "time", "what", "by", "source", "alert")
    table(
        heads,
        [
            [*(row[head] for head in heads[:-1]), row["alert"] and row["alert"][-6:]]
            for row in page["entries"]
        ],
    )
    if page["next"]:
        say(f"There is more:  velgate alert audit --after {page['next']}")


def _verify(state: Path, *, json: bool) -> None:
    from gateway.cli.say import emit, say
    from gateway.health.clock import SystemClock
    from gateway.journal.offline import verify_audit

    broken, last = verify_audit(state, SystemClock())
    if json:
        emit({"ok": broken is None, "last": last, "first_broken": broken})
    if broken is not None:
        raise Problem(
            f"audit entry {broken}",
            expected="the hash of the entry before it",
            found="another: an entry was changed or removed",
            do="keep a copy of the state folder and tell whoever is responsible for data protection",
        )
    say(f"The audit log is whole, up to entry {last}.")


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
    taken = _act(state, alert, "acknowledge", by, json, take_over=take_over or None, note=note, rev=rev)
    _said(taken, f"is taken by {who(by)}.{_back(taken)}")


@app.command(epilog="Example: velgate alert join 3f29ab --by AB")
def join(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Come too: recorded and shown."""
    _said(_act(state, alert, "join", by, json, note=note, rev=rev), f"{who(by)} comes too.")


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
    _said(_act(state, alert, "presence", by, json, how=how, note=note, rev=rev), f"{who(by)} is there.")


@app.command(epilog="Example: velgate alert extend 3f29ab --by KL")
def extend(
    alert: Id, by: By = None, note: Note = None, rev: Rev = None, state: State = STATE, json: Json = False
) -> None:
    """Take at least 10 minutes more."""
    done = _act(state, alert, "extend", by, json, note=note, rev=rev)
    _said(done, f"{who(by)} has more time.{_back(done)}")


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
    _said(_act(state, alert, "reopen", by, json, note=note, rev=rev), f"is open again, taken by {who(by)}.")


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


def title(alert: dict[str, Any]) -> str:
    """Say what and where, in English."""
    words = alert.get("title") or {}
    return str(words.get("en") or alert["kind"])


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
