"""`velgate staff reach`: send everybody a trial, and see who answers it in time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Exit, Option

from gateway.cli.options import STATE, Json, State

if TYPE_CHECKING:
    from gateway.cli.client import Gateway

ASK_EVERY_S = 0.5
SEND_S = 60.0  # every push service that hangs takes its channel's timeout; they are asked all at once
WITHIN_S = 120.0

Persons = Annotated[
    list[str] | None, Argument(metavar="PERSON…", help="Initials; without any, everybody on duty now.")
]
Groups = Annotated[list[str] | None, Option("--group", metavar="GROUP", help="Who is on duty in this group.")]

SAID = {
    "reached": "reached",
    "missed": "no answer within 2 minutes",
    "failed": "the trial did not go out",
    "replaced": "somebody sent another trial meanwhile",
    "waiting": "no answer yet",
}
"""By state of a trial."""


def reach(persons: Persons = None, group: Groups = None, state: State = STATE, json: Json = False) -> None:
    """Send a trial to people, and say who answers.

    It waits for their answers, and says who was reached how, and how fast.

    It goes to their phones as a push, by their channels as a text with a code, or to their open page. Each
    has 2 minutes. The result counts: escalation waits for nobody who was not reached. Exit 1 if somebody
    was not.
    """
    from gateway.cli.say import count, say, table

    trials = tried(Path(state), persons or [], group or [])
    if json:
        from gateway.cli.say import emit

        emit({"reach": trials})
    else:
        rows = [
            (each["person"], SAID[each["state"]], _by(each), _seconds(each), each["reason"])
            for each in trials
        ]
        table(("person", "result", "by", "seconds", "why"), rows)
    missing = [each["person"] for each in trials if each["state"] != "reached"]
    if not trials:
        say("Nobody is on duty. See: velgate staff roster show")
        raise Exit(1)
    if missing:
        say(f"{len(trials) - len(missing)} of {count(len(trials), 'person', 'people')} can be reached.")
        say(f"Not reached: {', '.join(missing)}. Calls are sent to them all the same; nobody waits for them.")
        raise Exit(1)


def tried(state: Path, persons: list[str], groups: list[str]) -> list[dict[str, Any]]:
    """Send the trials and wait until each is answered or over. Raises Problem."""
    from gateway.cli.client import Gateway
    from gateway.cli.say import progress

    with Gateway(state) as house, progress("Waiting for answers", WITHIN_S) as shown:
        body: dict[str, object] = {"persons": persons or None, "groups": groups or None}
        trials: list[dict[str, Any]] = house.post("/api/v1/reach", body, timeout_s=SEND_S)["trials"]
        began = time.monotonic()
        # The gateway ends each after its 2 minutes; the second limit is for one that was started anew.
        while (took_s := time.monotonic() - began) < WITHIN_S + SEND_S and _waiting(trials):
            shown.at(took_s)
            time.sleep(ASK_EVERY_S)
            trials = _asked(house, trials)
    return trials


def _asked(house: Gateway, trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ",".join(each["trial"] for each in trials)
    known = {each["trial"]: each for each in house.get("/api/v1/reach", trial=names)["trials"]}
    lost = {"state": "failed", "reason": "the gateway was started anew meanwhile"}
    return [known.get(each["trial"], {**each, **lost}) for each in trials]


def _waiting(trials: list[dict[str, Any]]) -> bool:
    return any(each["state"] == "waiting" for each in trials)


def _by(trial: dict[str, Any]) -> str:
    return trial["way"] or ", ".join(trial["ways"])


def _seconds(trial: dict[str, Any]) -> float | None:
    return None if trial["took_ms"] is None else round(trial["took_ms"] / 1000, 1)
