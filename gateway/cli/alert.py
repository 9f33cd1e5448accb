"""`velgate alert`: look at alerts, prove the chain, and do what people do about them."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer import Argument, Option

from gateway.cli.options import STATE, By, Json, State, who_or_operator
from gateway.model.problem import Problem

app = typer.Typer(
    no_args_is_help=True,
    help="Alerts: list, show, test, audit, and every action.",
    epilog="Example: velgate alert list",
)

Id = Annotated[str, Argument(metavar="ALERT", help="Its id, or the last characters of it.")]
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

    body = {"device": device, "by": who_or_operator(by)}
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
    whose = f"{str(result['alert'])[-6:]} --by {by or 'KL'} --outcome test --presence"
    say(f"The chain works. Close the test as people would:  velgate alert resolve {whose}")


def title(alert: dict[str, Any]) -> str:
    """Say what and where, in English."""
    words = alert.get("title") or {}
    return str(words.get("en") or alert["kind"])
