"""What is kept about duty beside the configuration: overrides, imported calendars, proofs of reach.

Each is a memo of the journal, written in one transaction with its entry in the audit log: an override under
`roster/override/`, an import in pages under `roster/import/SOURCE/`, replaced as a whole or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.alerts.roster import Proof, Roster
from gateway.alerts.shifts import Import, Imported, Override
from gateway.model.clock import NS, Instant, iso
from gateway.model.refusal import Refused
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

OVERRIDE = "roster/override/"
IMPORT = "roster/import/"
OVERRIDES_MAX = 500  # that have not passed yet
SOURCES_MAX = 16
SPELLS_MAX = 10_000  # of one import: a year of 25 people a day
SPELLS_ALL_MAX = 20_000  # of all imports together: they are read in one go at each start
PAGE_SPELLS = 1000  # of one memo: some 45 kB
KEPT_AFTER_NS = 40 * 86_400 * NS  # a passed override is still shown for as long


class Ledger(Protocol):
    """What is written, in one transaction."""

    def memos(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Give every memo whose key begins so."""
        ...

    def put_memo(self, key: str, value: dict[str, Any]) -> None:
        """Keep a memo."""
        ...

    def end_memo(self, key: str) -> None:
        """Remove a memo."""
        ...

    def audit(
        self,
        what: str,
        *,
        by: str | None,
        source: str,
        alert: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Add an entry to the audit log."""
        ...


@dataclass(frozen=True)
class Kept:
    """What the journal has of it."""

    overrides: tuple[Override, ...] = ()
    imports: tuple[Import, ...] = ()

    def roster(
        self, settings: Settings, proofs: Mapping[str, Proof], centre_up: Callable[[str], bool]
    ) -> Roster:
        """Make the roster that follows from it."""
        return Roster(settings, proofs, self.overrides, self.imports, centre_up)


def read_kept(ledger: Ledger) -> Kept:
    """Read overrides and imports. What cannot be read (of another version) counts as never said."""
    overrides = [_tried(key, memo, _override) for key, memo in ledger.memos(OVERRIDE).items()]
    pages: dict[str, list[Imported]] = {}
    for key, memo in ledger.memos(IMPORT).items():
        source = key.removeprefix(IMPORT).partition("/")[0]
        pages.setdefault(source, []).extend(_tried(key, memo, _spells) or ())
    return Kept(
        tuple(sorted((each for each in overrides if each), key=lambda each: each.id)),
        tuple(Import(source, tuple(spells)) for source, spells in sorted(pages.items())),
    )


def put_override(ledger: Ledger, override: Override, now: Instant, *, source: str) -> None:
    """Keep an override, and forget those that have long passed. Raises Refused where there are too many."""
    kept = read_kept(ledger).overrides
    for old in kept:
        if old.until_ns + KEPT_AFTER_NS < now.wall_ns:
            ledger.end_memo(OVERRIDE + old.id)
    if sum(old.until_ns > now.wall_ns for old in kept) >= OVERRIDES_MAX:
        detail = f"{OVERRIDES_MAX} overrides are ahead already; put what is usual into the shifts"
        raise Refused("wrong_state", detail, reason="too_many")
    ledger.put_memo(OVERRIDE + override.id, _written(override))
    ledger.audit("duty_overridden", by=override.by, source=source, detail=_told(override))


def end_override(ledger: Ledger, name: str, *, by: str | None, source: str) -> None:
    """Take an override back. Raises Refused where there is none of that id."""
    found = next((each for each in read_kept(ledger).overrides if each.id == name), None)
    if found is None:
        raise Refused("not_found", f"no override {name!r}")
    ledger.end_memo(OVERRIDE + name)
    ledger.audit("duty_override_ended", by=by, source=source, detail=_told(found))


def put_import(
    ledger: Ledger,
    name: str,
    spells: Sequence[Imported],
    *,
    by: str | None,
    source: str,
    digest: str,
) -> None:
    """Replace what was imported from a source. `digest` is the SHA-256 of the file, for the audit log.

    Raises Refused where there is too much of it.
    """
    if len(spells) > SPELLS_MAX:
        much = f"{len(spells)} stretches of duty, at most {SPELLS_MAX}; import a shorter time"
        raise Refused("too_large", much)
    sources = {key.removeprefix(IMPORT).partition("/")[0] for key in ledger.memos(IMPORT)}
    if name not in sources and len(sources) >= SOURCES_MAX:
        raise Refused("wrong_state", f"{SOURCES_MAX} sources are kept; drop one", reason="too_many")
    _clear(ledger, name)
    others = sum(len(each.spells) for each in read_kept(ledger).imports)
    if others + len(spells) > SPELLS_ALL_MAX:
        much = f"{others + len(spells)} stretches of duty with those of other sources"
        raise Refused("too_large", f"{much}, at most {SPELLS_ALL_MAX}; drop a source")
    ordered = sorted(spells)
    for page in range(max(1, -(-len(ordered) // PAGE_SPELLS))):
        rows = ordered[page * PAGE_SPELLS : (page + 1) * PAGE_SPELLS]
        memo = {"spells": [[s.since_ns // NS, s.until_ns // NS, s.group, s.person] for s in rows]}
        ledger.put_memo(f"{IMPORT}{name}/{page:04d}", memo)
    detail: dict[str, Any] = {
        "roster": name,
        "stretches": len(ordered),
        "groups": sorted({spell.group for spell in ordered}),
        "file_sha256": digest,
    }
    if ordered:
        detail["from"] = iso(ordered[0].since_ns)
        detail["until"] = iso(max(spell.until_ns for spell in ordered))
    ledger.audit("roster_imported", by=by, source=source, detail=detail)


def end_import(ledger: Ledger, name: str, *, by: str | None, source: str) -> None:
    """Drop what was imported from a source. Raises Refused where nothing was."""
    if not _clear(ledger, name):
        raise Refused("not_found", f"nothing was imported from {name!r}")
    ledger.audit("roster_dropped", by=by, source=source, detail={"roster": name})


def _clear(ledger: Ledger, name: str) -> bool:
    pages = ledger.memos(f"{IMPORT}{name}/")
    for key in pages:
        ledger.end_memo(key)
    return bool(pages)


def _written(override: Override) -> dict[str, Any]:
    return {
        "group": override.group,
        "persons": list(override.persons),
        "since_ns": override.since_ns,
        "until_ns": override.until_ns,
        "instead_of": override.instead_of,
        "by": override.by,
        "id": override.id,
    }


def _told(override: Override) -> dict[str, Any]:
    return {
        "id": override.id,
        "group": override.group,
        "persons": list(override.persons),
        "instead_of": override.instead_of,
        "from": iso(override.since_ns),
        "until": iso(override.until_ns),
    }


def _override(memo: Mapping[str, Any]) -> Override:
    return Override(
        id=str(memo["id"]),
        group=str(memo["group"]),
        persons=tuple(str(person) for person in memo["persons"]),
        since_ns=int(memo["since_ns"]),
        until_ns=int(memo["until_ns"]),
        instead_of=memo["instead_of"],
        by=memo["by"],
    )


def _spells(memo: Mapping[str, Any]) -> list[Imported]:
    return [
        Imported(int(since) * NS, int(until) * NS, str(group), str(person))
        for since, until, group, person in memo["spells"]
    ]


def _tried(key: str, memo: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> T | None:
    try:
        return read(memo)
    except (KeyError, TypeError, ValueError):
        log.warning("the memo %s cannot be read", key)
        return None
