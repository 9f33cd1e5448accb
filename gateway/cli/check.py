"""`velgate check`: what is wrong with the configuration, all of it, with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.options import CONFIG, STATE, Config, Json, State
from gateway.model.problem import Exit, Finding, Problem

if TYPE_CHECKING:
    from gateway.settings.loader import Loaded

EXAMPLE = "Example: velgate check --config /etc/velgate"


def check(config: Config = CONFIG, state: State = STATE, json: Json = False) -> None:
    """Validate the configuration, offline.

    Nothing is contacted and nothing is changed.

    Every error is listed with file, line, key, what was expected and what to do. Warnings alone: exit 0.
    Where the state folder has a journal, rules that rest for lack of a legal basis are warned of.
    """
    from datetime import UTC, datetime

    from gateway.cli.say import count, emit, explain, say
    from gateway.settings.loader import load

    found = load(config, now=datetime.now(UTC))
    findings = [*found.findings, *_malformed(found), *_resting(found, state)]
    warnings = [finding for finding in findings if finding.warning]
    errors = len(findings) - len(warnings)
    if json:
        head = {"ok": not errors, "files": found.files, "errors": errors, "warnings": len(warnings)}
        emit({**head, "findings": documents(findings)})
    else:
        explain(findings)
    warned = f", {count(len(warnings), 'warning')}" if warnings else ""
    if errors:
        say(f"{count(errors, 'error')}{warned} in {count(found.files, 'file')}; nothing was changed.")
        raise typer.Exit(Exit.CONFIGURATION)
    say(f"No errors{warned} in {count(found.files, 'file')}.")


def _resting(found: Loaded, state: Path) -> list[Finding]:
    if found.errors or found.valid is None or not found.valid.device:
        return []
    from gateway.cli.resting import resting
    from gateway.cli.say import say

    try:
        return list(resting(found, found.valid, state))
    except Problem as problem:
        why = problem.findings[0]
        say(f"Legal bases were not looked at: {why.found} at {why.where}.")
        return []


def _malformed(found: Loaded) -> list[Finding]:
    """Look at the URLs that only the library which sends by them can judge; it is loaded for them alone."""
    from gateway.settings.merge import match

    if next(match(found.tree, "channel.*.apprise_url"), None) is None:
        return []
    from gateway.alerts.channels.apprise_check import malformed

    return list(malformed(found.tree))


def documents(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Give findings as JSON: `{"level", "file", "line", "key", "expected", "found", "do"}`."""
    return [_document(finding) for finding in findings]


def _document(finding: Finding) -> dict[str, Any]:
    place = re.fullmatch(r"(?P<file>.*?)(?::(?P<line>\d+))?", finding.where)
    assert place is not None
    return {
        "level": "warning" if finding.warning else "error",
        "file": place["file"],
        "line": int(place["line"]) if place["line"] else None,
        "key": finding.key,
        "expected": finding.expected,
        "found": finding.found,
        "do": finding.do,
    }
