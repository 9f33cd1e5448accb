"""`velgate staff`: who may sign in and acknowledge, by initials or another pseudonym."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import typer
from typer import Argument, Option

from gateway.cli import staff_reach, staff_roster
from gateway.cli.options import CONFIG, STATE, Config, Json, State
from gateway.model.problem import Exit, Problem

app = typer.Typer(
    no_args_is_help=True,
    help="People: add, list, remove, pin, token, roster, reach.",
    epilog="Example: velgate staff list",
)
app.add_typer(staff_roster.app, name="roster")
app.command("reach", epilog="Example: velgate staff reach --group nat-oest")(staff_reach.reach)

ROLES = ("care", "technician", "manager", "protection")
RIGHTS = ("see_values", "audit", "basis", "enrol")
TOKEN_BYTES = 32
PIN_DO = "type 4 to 6 digits, not all equal and not in a row"

Name = Annotated[str, Argument(help="Initials or another pseudonym; never a name.")]


@app.command(epilog="Example: velgate staff add KL --role care --role technician --right enrol")
def add(
    name: Name,
    role: Annotated[list[str] | None, Option(metavar="ROLE", help=f"{', '.join(ROLES)}.")] = None,
    right: Annotated[list[str] | None, Option(metavar="RIGHT", help=f"{', '.join(RIGHTS)}.")] = None,
    language: Annotated[str, Option(metavar="da|en", help="The language of the staff page.")] = "da",
    config: Config = CONFIG,
    state: State = STATE,
) -> None:
    """Add somebody who may sign in. A PIN or token is given in a second step."""
    from gateway.cli.reload import commit
    from gateway.cli.say import say
    from gateway.settings import entries
    from gateway.settings.edits import Change

    roles, rights = role or ["care"], right or []
    _words("--role", roles, ROLES)
    _words("--right", rights, RIGHTS)
    _words("--language", [language], ("da", "en"))
    change = Change(config)
    entries.add_person(change, name, roles=roles, rights=rights, language=language)
    commit(change, state, f"Added {name} ({', '.join(roles)}).")
    say(f"Now a PIN:  velgate staff pin {name}")


@app.command("list", epilog="Example: velgate staff list")
def list_(config: Config = CONFIG, json: Json = False) -> None:
    """List the people: roles, rights, how they can sign in. Never a PIN or token."""
    from gateway.cli.say import count, emit, say, table
    from gateway.settings.loader import load

    settings = load(config).settings
    rows = [
        {
            "person": name,
            "roles": list(person.roles),
            "rights": list(person.rights),
            "language": person.language,
            "pin": person.pin is not None,
            "token": person.token is not None,
            "groups": [
                group
                for group, held in settings.group.items()
                if any(
                    name.casefold() == other.casefold()
                    for other in (*held.persons, *(each for shift in held.shifts for each in shift.persons))
                )
            ],
        }
        for name, person in sorted(settings.person.items())
    ]
    if json:
        emit({"staff": rows})
        return
    heads = ("person", "roles", "rights", "language", "pin", "token", "groups")
    table(heads, [[row[head] for head in heads] for row in rows])
    say(f"{count(len(rows), 'person', 'people')}.")


@app.command(epilog="Example: velgate staff remove KL")
def remove(name: Name, config: Config = CONFIG, state: State = STATE) -> None:
    """Remove somebody.

    With PIN and token, and from the groups.
    """
    from gateway.cli.reload import commit
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    entries.remove_person(change, name)
    commit(change, state, f"Removed {name}.")


@app.command(epilog="Example: velgate staff pin KL")
def pin(name: Name, config: Config = CONFIG, state: State = STATE) -> None:
    """Set a PIN of 4 to 6 digits. It is asked for, or read from stdin; only its hash is kept."""
    from gateway.board.pins import hash_pin
    from gateway.cli.options import secret
    from gateway.cli.reload import commit
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    spelled = entries.find_person(change, name)
    digits = secret(f"PIN for {spelled}", "PIN", PIN_DO, twice=True)
    if not good_pin(digits):
        found = "something that others would try first, or no PIN"
        raise Problem("PIN", expected="4 to 6 digits", found=found, do=PIN_DO, exit=Exit.USAGE)
    change.set(("person", spelled, "pin"), hash_pin(digits))
    commit(change, state, f"{spelled} has a new PIN.")


@app.command(epilog="Example: velgate staff token KL")
def token(name: Name, config: Config = CONFIG, state: State = STATE, json: Json = False) -> None:
    """Make a bearer token or key card for somebody. It is shown once; the one before ends."""
    import secrets

    from gateway.board.callers import hashed
    from gateway.cli.reload import commit
    from gateway.cli.say import emit, say, show
    from gateway.settings import entries
    from gateway.settings.edits import Change

    change = Change(config)
    spelled = entries.find_person(change, name)
    made = secrets.token_urlsafe(TOKEN_BYTES)
    change.set(("person", spelled, "token"), hashed(made))
    commit(change, state, f"{spelled} has a new token.")
    if json:
        emit({"person": spelled, "token": made})
    else:
        show(made)
        say("Send it as  Authorization: Bearer …  It is shown this once.")


def good_pin(digits: str) -> bool:
    """Tell whether digits may be a PIN: 4 to 6, not all equal, not counting up or down."""
    if not (digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 6):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    return steps not in ({0}, {1}, {-1})


def _words(option: str, given: list[str], known: tuple[str, ...]) -> None:
    for word in given:
        if word not in known:
            expected = ", ".join(known)
            raise Problem(option, expected=expected, found=repr(word), do="choose of these", exit=Exit.USAGE)
