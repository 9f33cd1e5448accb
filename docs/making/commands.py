"""docs/reference/commands.md: every command of both programs, as their own help has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

import firmware_sim.cli
import gateway.cli.commands
from docs.making import markdown
from docs.making.errors import exit_codes
from docs.making.markdown import anchor, block, code, table, unwrapped

INTRODUCTION = """
Every command has `--help`. Data goes to stdout, with `--json` as one JSON document (or JSON lines where it
goes on), everything for people to stderr. Colours obey [`NO_COLOR`](https://no-color.org). `velgate
--install-completion` installs completion for your shell.

An alert is named by its id or by the last characters of it, as long as they are unambiguous. Who does
something is named with `--by`, or once and for all with `VELGATE_BY`. Secrets are asked for or read from a
pipe, never given as an argument.
"""

ENVIRONMENT = (
    ("VELGATE_CONFIG", "The configuration folder; `--config` goes before it."),
    ("VELGATE_STATE", "The state folder; `--state` goes before it."),
    ("VELGATE_BY", "Who does it; `--by` goes before it."),
    ("VELGATE_LOG", "`json`: the log of `velgate run` as one JSON object a line. Anything else: as text."),
    (
        "VELGATE_LOG_LEVEL",
        "`DEBUG`, `INFO` (the default of `velgate run`), `WARNING` (of `velgate demo`), `ERROR`.",
    ),
    ("VELGATE_DEBUG", "With any value, a fault of Velgate's own ends with its traceback."),
    ("VELGATE_SIM_MQTT_PASSWORD", "The password that `velgate-sim run --mqtt-username NAME` signs in with."),
    ("DBUS_SYSTEM_BUS_ADDRESS", "Where BlueZ is; the simulator prints the address of its own."),
    ("NO_COLOR", "With any value, no colours."),
)
"""Variables that change what the programs do."""

PROGRAMS = {"velgate": gateway.cli.commands.app, "velgate-sim": firmware_sim.cli.app}


@dataclass(frozen=True, slots=True)
class Command:
    """One command, by its words: `("velgate", "device", "add")`."""

    words: tuple[str, ...]
    made: Any
    """As Typer makes it: a command with `params`, `help` and `epilog`."""

    @property
    def name(self) -> str:
        """As it is typed."""
        return " ".join(self.words)

    @property
    def arguments(self) -> list[Any]:
        """What stands without a name, in order."""
        return [each for each in self.made.params if each.param_type_name == "argument"]

    @property
    def options(self) -> list[Any]:
        """What is named; `--help` and the installation of completion are everywhere and are left out."""
        return [
            each
            for each in self.made.params
            if each.param_type_name == "option" and not each.hidden and "completion" not in each.name
        ]


def all_commands() -> Iterator[Command]:
    """Give every command of both programs, in the order of their help."""
    for program, app in PROGRAMS.items():
        yield from _below((program,), typer.main.get_command(app))


def _below(words: tuple[str, ...], made: Any) -> Iterator[Command]:
    for name, each in made.commands.items():
        if hasattr(each, "commands"):
            yield from _below((*words, name), each)
        elif not each.hidden:
            yield Command((*words, name), each)


def page() -> str:
    """Write the page."""
    commands = list(all_commands())
    contents = table(
        ("command", "what it does"),
        [(f"[{code(each.name)}]({anchor(each.name)})", _first(each.made.help)) for each in commands],
    )
    return markdown.page(
        "Commands",
        INTRODUCTION,
        "## Exit codes",
        exit_codes(),
        "## Environment",
        table(("variable", "what it does"), [(code(name), says) for name, says in ENVIRONMENT]),
        "## All commands",
        contents,
        *map(_section, commands),
    )


def _first(help_: str | None) -> str:
    return unwrapped(help_).split("\n\n")[0].split(". ")[0].removesuffix(".") + "."


def _section(command: Command) -> str:
    usage = " ".join([command.name, *map(_argument, command.arguments), *_needed(command)])
    usage += " [OPTIONS]" if len(command.options) > len(list(_needed(command))) else ""
    parts = [f"### {command.name}", block(usage, "text"), unwrapped(command.made.help)]
    rows = [(code(_argument(each)), each.help, "") for each in command.arguments]
    rows += [(code(_option(each)), _help(each), _default(each)) for each in command.options]
    if rows:
        parts.append(table(("", "", "if left out"), rows))
    if command.made.epilog:
        parts.append(_epilog(command.made.epilog))
    return "\n\n".join(parts)


def _needed(command: Command) -> Iterator[str]:
    return (_option(each) for each in command.options if each.required)


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or _kind(option)}"


def _kind(option: Any) -> str:
    kind = option.type_descriptor.annotation
    return {int: "N", float: "N", Path: "PATH"}.get(kind, "TEXT")


def _help(option: Any) -> str:
    text = option.help or ""
    if option.min is not None or option.max is not None:
        low, high = option.min, option.max
        bounds = f"from {low:g} to {high:g}" if None not in (low, high) else f"at least {low:g}"
        text += f" ({bounds})"
    return text + (" May be given several times." if option.multiple else "")


def _default(option: Any) -> str:
    if option.required:
        return "needed"
    shown = "" if option.default in (None, False, "") else code(option.default)
    if option.envvar:
        shown = f"{code(option.envvar)}{', then ' + shown if shown else ''}"
    return shown


def _epilog(text: str) -> str:
    """Examples as code, whatever else stands there as text."""
    parts = []
    for paragraph in unwrapped(text).split("\n\n"):
        word, colon, example = paragraph.partition(": ")
        if colon and word in ("Example", "Examples"):
            parts.append(block("\n".join(example.split(" · ")), "sh"))
        else:
            parts.append(paragraph)
    return "\n\n".join(parts)
