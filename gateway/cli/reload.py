"""After an edit: write the files, and have the running gateway take them over."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.client import Gateway
from gateway.cli.say import explain, say
from gateway.model.problem import Exit, Problem
from gateway.settings.edits import Change


def commit(change: Change, state: Path, done: str) -> None:
    """Write a change, say what was done and where, and tell the running gateway. Raises `Problem`."""
    files = change.commit()
    if not files:
        say(f"{done} Nothing had to be changed.")
        return
    names = ", ".join(str(file.relative_to(change.folder)) for file in files)
    say(f"{done} Written to {names}.")
    reload(state)


def reload(state: Path) -> None:
    """Have the running gateway read its configuration anew, and say whether it did."""
    try:
        Gateway(state).post("/api/v1/reload")
    except Problem as problem:
        if problem.exit is Exit.UNREACHABLE:
            say("No gateway is running here; it reads the change when it starts.")
        elif problem.exit is Exit.USAGE:
            say("The running gateway keeps the configuration it has, for the files hold errors:")
            explain(problem.findings)
        else:
            say("The running gateway was not told:")
            explain(problem.findings)
            say("It reads the change with  sudo systemctl reload velgate")
    else:
        say("The running gateway has taken it over.")
