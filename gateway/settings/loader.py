"""Load the configuration: every layer, each value with its file and line, every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path as File
from typing import Any

from gateway.model.problem import Exit, Finding, Problem
from gateway.settings import alerting_checks, channel_checks, checks, retention_checks, vocabulary
from gateway.settings.layers import LAYERS, MODE, Read, base_folder, read
from gateway.settings.merge import Node, Origin, walk, written
from gateway.settings.models import Settings
from gateway.settings.shape import judge
from gateway.settings.trust import Trust

_WHERE = re.compile(r"^(?P<file>.*?)(?::(?P<line>\d+))?$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was read, right or wrong."""

    folder: File
    tree: Node
    layers: Mapping[str, Node]
    findings: tuple[Finding, ...]
    files: int
    valid: Settings | None
    trust: Trust

    @property
    def settings(self) -> Settings:
        """The effective configuration. Raises `Problem` with every error if there is one."""
        if self.valid is None or self.errors:
            found = self.errors[0]
            raise Problem(
                found.where,
                expected=found.expected,
                found=found.found,
                do=found.do,
                exit=Exit.CONFIGURATION,
                findings=self.errors,
            )
        return self.valid

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What must be mended before a gateway runs with it."""
        return tuple(finding for finding in self.findings if not finding.warning)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a gateway runs with all the same."""
        return tuple(finding for finding in self.findings if finding.warning)

    @property
    def origins(self) -> dict[str, Origin]:
        """Where each value was written, by key path: `{"device.bed-12.place": gateway.toml:14}`."""
        return {written(path): held.origin for path, held in walk(self.tree)}

    def origin(self, *path: str | int) -> Origin | None:
        """Where one value, table or list was first written."""
        held = self.tree.get(*path)
        return held.origin if held else None


def load(
    folder: File,
    *,
    base: File | None = None,
    replaced: Mapping[File, str] | None = None,
    drivers: Collection[str] | None = None,
    now: datetime | None = None,
    running: bool = False,
) -> Loaded:
    """Read and judge a configuration folder. Raises nothing for what people have written.

    `base` replaces the defaults that come with Velgate; `replaced` judges texts before they are written;
    `drivers` are the names that a device may ask for (those installed, if not given); with `now`, dates
    are judged too. A gateway that is `running` with it is only warned of what is wrong with this machine
    and not with the files (a driver that is not installed, a file that others can read), and of how long
    something is kept: one sensor may stay silent for it, a whole home must not.
    """
    if not folder.is_dir():
        nothing = Node({}, Origin("gateway", "gateway.toml", 1))
        do = f"velgate init --config {folder}"
        missing = Finding(where=str(folder), expected="a folder of settings", found="nothing", do=do)
        return Loaded(folder, nothing, {}, (missing,), 0, None, Trust())
    found = read(folder, base or base_folder(), replaced)
    found.tree, orphans = _orphans(found.tree)
    settings, shape = judge(found.tree, Settings, incomplete=found.incomplete)
    trust, distrust = judge(found.trust, Trust) if found.trust else (Trust(), [])
    names = drivers if drivers is not None else _installed()
    findings = [*found.findings, *orphans, *shape, *distrust, *_meaning(found, names, now)]
    if settings is not None:
        told = {finding.key for finding in findings}
        findings += [each for each in alerting_checks.judge(settings, found.tree) if each.key not in told]
    if running and settings is not None and all(each.warning or _stops_nobody(each) for each in findings):
        findings = [replace(each, warning=True) for each in findings]
    ordered = tuple(sorted(dict.fromkeys(findings), key=_order))
    return Loaded(folder, found.tree, found.layers, ordered, found.files, settings, trust or Trust())


def _meaning(found: Read, drivers: Collection[str], now: datetime | None) -> Iterator[Finding]:
    tree = found.tree
    for finding in checks.references(tree, drivers):
        # What a line that cannot be read may define, or a file, is not called unknown.
        name = finding.found.strip("'")
        if not found.incomplete and name not in found.broken:
            yield finding
    yield from checks.devices(tree, now)
    yield from checks.places(tree)
    yield from checks.site(tree)
    yield from checks.outside(tree)
    yield from channel_checks.urls(tree)
    yield from checks.exposed(tree)
    yield from vocabulary.meanings(tree)
    yield from vocabulary.texts(tree)
    yield from checks.floors(tree, found.layers.values(), now)
    if not found.incomplete:
        yield from checks.people(tree)


def _orphans(tree: Node) -> tuple[Node, list[Finding]]:
    """Take away secrets of what nobody defines: left over by a crash or by hand, they stop no gateway."""
    whole, findings = dict(tree.value), []
    for table in ("device", "person", "channel"):
        held = whole.get(table)
        if held is None or not isinstance(held.value, dict):
            continue
        alone = {name: item for name, item in held.value.items() if item.origin.layer == "secrets"}
        whole[table] = Node({n: i for n, i in held.value.items() if n not in alone}, held.origin)
        for name, item in alone.items():
            expected = f"the secret of a {table} that another file defines"
            do = f"define {table}.{name}, or take this line away"
            findings.append(checks.finding((table, name), item, expected, "a secret alone", do, warning=True))
    return Node(whole, tree.origin), findings


def _stops_nobody(finding: Finding) -> bool:
    key = (finding.key or "").split(".")
    of_this_machine = finding.expected == MODE or (key[0] == "device" and key[-1] == "driver")
    return of_this_machine or key[0] == retention_checks.SECTION


def _installed() -> set[str]:
    return {entry.name for entry in entry_points(group="velgate.drivers")}


def _order(finding: Finding) -> tuple[Any, ...]:
    """In the order in which a person goes through the files; errors of one place before warnings."""
    place = _WHERE.match(finding.where)
    file, line = (place["file"], int(place["line"] or 0)) if place else (finding.where, 0)
    layers = ("base", *LAYERS, "secrets", "trust")
    rank = next((n for n, layer in enumerate(layers) if file.split("/")[0].removesuffix(".toml") == layer), 9)
    return rank, file, line, finding.warning, finding.key or ""
