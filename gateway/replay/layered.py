"""A file of rules laid over the configuration in force, each of its mistakes with its own line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.model.problem import Exit, Finding, Problem
from gateway.settings.loader import Loaded, load
from gateway.settings.merge import Node, walk

TABLES = ("alerts", "intended_use")
"""What such a file may hold: rules, and what rules on vital signs need."""
LAST = "~"  # sorts behind every name that people give a file: the nearest of all layers


def effective(config: Path) -> Loaded:
    """Load the configuration in force. Raises Problem (exit 3) where it is wrong."""
    found = load(config, running=True)
    _ = found.settings
    return found


def layered(config: Path, file: Path) -> Loaded:
    """Load the configuration with the file over it. Raises Problem: exit 3 with every line that is wrong."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        found, do = f"byte {error.start} is not", "save the file as UTF-8"
        raise Problem(
            str(file), expected="text in UTF-8", found=found, do=do, exit=Exit.CONFIGURATION
        ) from None
    except OSError as error:
        found, do = (error.strerror or "an error").lower(), "name a file of rules, in TOML"
        raise Problem(
            str(file), expected="a file that can be read", found=found, do=do, exit=Exit.USAGE
        ) from None
    known = _known(file)
    whole = load(config, replaced={config / known: text}, running=True)
    strangers = tuple(
        Finding(
            where=named(str(held.origin), file),
            key=str(table),
            expected=f"rules and policies only: {', '.join(TABLES)}",
            found=f"the table {table}",
            do="take it away here; change it in the configuration itself",
        )
        for table, held in _own(whole, known)
        if table not in TABLES
    )
    findings = (
        *(replace(each, where=named(each.where, file)) for each in whole.findings),
        *strangers,
    )
    shown = replace(whole, findings=findings)
    if not strangers:
        _ = shown.settings
        return shown
    errors = shown.errors
    first = errors[0]
    raise Problem(
        first.where,
        expected=first.expected,
        found=first.found,
        do=first.do,
        exit=Exit.CONFIGURATION,
        findings=errors,
    )


def rule_origins(loaded: Loaded, rule: str) -> list[str]:
    """Give each file that says something of a rule, with the first such line: base first, nearest last."""
    table = loaded.tree.get("alerts", "rules", rule)
    if table is None:
        return []
    found: dict[str, int] = {table.origin.file: table.origin.line}
    for _, held in walk(table):
        file, line = held.origin.file, held.origin.line
        found[file] = min(line, found.get(file, line))
    return [f"{file}:{line}" for file, line in found.items()]


def _own(whole: Loaded, known: str) -> list[tuple[str, Node]]:
    """Give the tables of which something was written in the file."""
    layer = whole.layers.get("gateway")
    found: dict[str, Node] = {}
    if layer is None:
        return []
    for path, held in walk(layer):
        if held.origin.file == known and path:
            found.setdefault(str(path[0]), held)
    return list(found.items())


def named(where: str, file: Path) -> str:
    """Name the file as the person named it."""
    known = _known(file)
    return f"{file}{where.removeprefix(known)}" if where.startswith(known) else where


def _known(file: Path) -> str:
    """Give the name under which the file stands among those of the configuration."""
    return f"gateway/{LAST}{file.name.removesuffix('.toml')}.toml"
