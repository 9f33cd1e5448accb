"""Options that several commands share, and what is asked for where an argument is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option

from gateway.model.problem import Exit, Problem

CONFIG = Path("/etc/velgate")
STATE = Path("/var/lib/velgate")

Config = Annotated[
    Path, Option("--config", metavar="DIR", envvar="VELGATE_CONFIG", help="The configuration folder.")
]
State = Annotated[Path, Option("--state", metavar="DIR", envvar="VELGATE_STATE", help="The state folder.")]
Json = Annotated[bool, Option("--json", help="Print data as JSON.")]
By = Annotated[
    str | None,
    Option("--by", metavar="NAME", envvar="VELGATE_BY", help="Who does it; see velgate staff list."),
]


def who(by: str | None) -> str:
    """Give who does something: named, or asked for on a terminal. Raises `Problem` (exit 2) otherwise."""
    return by or ask("Who does this? (initials)", "--by", "name the person: --by KL, or VELGATE_BY=KL")


def who_or_operator(by: str | None) -> str | None:
    """Give who administers: named, asked for on a terminal; None for a script, whose act names nobody."""
    return by or (who(by) if sys.stdin.isatty() else None)


def ask(question: str, option: str, do: str, default: str | None = None) -> str:
    """Ask a question on the terminal. Raises `Problem` (exit 2) where there is none, or no answer."""
    if sys.stdin.isatty():
        sys.stderr.write(f"{question}{f' [{default}]' if default else ''}: ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip() or default or ""
        if answer:
            return answer
    elif default is not None:
        return default
    raise Problem(option, expected="an answer", found="none", do=do, exit=Exit.USAGE)


def secret(question: str, option: str, do: str, *, twice: bool = False) -> str:
    """Ask for a secret without showing it, or read one line from a pipe. Raises `Problem` (exit 2)."""
    if not sys.stdin.isatty():
        text = sys.stdin.readline().strip()
    else:
        from getpass import getpass

        text = getpass(f"{question}: ").strip()
        if twice and text != getpass("Once more: ").strip():
            do = "type it again; nothing was changed"
            raise Problem(
                option, expected="the same twice", found="two different ones", do=do, exit=Exit.USAGE
            )
    if not text:
        raise Problem(option, expected="an answer", found="none", do=do, exit=Exit.USAGE)
    return text
