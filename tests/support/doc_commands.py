"""Reads command lines as they stand in documentation, and says what of them does not exist."""

from __future__ import annotations

import re
import shlex
from functools import cache

from docs.making.commands import Command, all_commands

PROGRAMS = ("velgate", "velgate-sim")
GLOBAL = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


@cache
def known() -> dict[tuple[str, ...], Command]:
    """Every command by its words."""
    return {command.words: command for command in all_commands()}


def command_lines(text: str) -> list[list[str]]:
    """Give the calls of our programs in a block of shell, word by word; what is piped, each for itself."""
    text = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in text.splitlines():
        for part in re.split(r"\s*(?:\||&&|;)\s+", line.removeprefix("$ ").strip()):
            words = split(part)
            while words and (words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=\S*", words[0])):
                words = words[1:]
            if words and words[0].rsplit("/", 1)[-1] in PROGRAMS:
                found.append([words[0].rsplit("/", 1)[-1], *words[1:]])
    return found


def split(line: str) -> list[str]:
    """Split a line as a shell would, comments and redirections left out."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    ends = [n for n, word in enumerate(words) if word in (">", "2>", "<", "&")]
    return words[: ends[0]] if ends else words


def fault(words: list[str]) -> str | None:
    """Say what is wrong with a call; None if nothing is. Places for values (`NAME`, `…`) are values."""
    if len(words) == 1 or words[1] in GLOBAL:
        return None
    size = next((n for n in (4, 3, 2) if tuple(words[:n]) in known()), None)
    if size is None:
        groups = {command[:n] for command in known() for n in range(2, len(command))}
        return None if tuple(words) in groups else f"no command {' '.join(words[:3])}"
    command = known()[tuple(words[:size])]
    options = {name: each for each in command.options for name in each.opts}
    given, rest = 0, words[size:]
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if word.startswith("--"):
            if name in GLOBAL:
                continue
            if name not in options:
                return f"{command.name} has no option {name}"
            if not options[name].is_flag and not equals and (not rest or rest.pop(0).startswith("--")):
                return f"{command.name} {name} needs a value"
        elif word != "…":
            given += 1
    if given > len(command.arguments):
        return f"{command.name} takes {len(command.arguments)} arguments, not {given}"
    return None
