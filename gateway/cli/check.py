"""`velgate check`: what is wrong with the configuration, all of it, with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer

from gateway.cli.options import CONFIG, Config, Json
from gateway.model.problem import Exit, Finding

EXAMPLE = "Example: velgate check --config /etc/velgate"


def check(config: Config = CONFIG, json: Json = False) -> None:
    """Validate the configuration, offline.

    Nothing is contacted and nothing is changed.

    Every error is listed with file, line, key, what was expected and what to do. Warnings alone: exit 0.
    """
    from datetime import UTC, datetime

    from gateway.cli.say import count, emit, explain, say
    from gateway.settings.loader import load

    found = load(config, now=datetime.now(UTC))
    if json:
        emit(
            {
                "ok": not found.errors,
                "files": found.files,
                "errors": len(found.errors),
                "warnings": len(found.warnings),
                "findings": documents(found.findings),
            }
        )
    else:
        explain(found.findings)
    files, errors = count(found.files, "file"), count(len(found.errors), "error")
    warned = f", {count(len(found.warnings), 'warning')}" if found.warnings else ""
    if found.errors:
        say(f"{errors}{warned} in {files}; nothing was changed.")
        raise typer.Exit(Exit.CONFIGURATION)
    say(f"No errors{warned} in {files}.")


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
