"""The roster as it is shown: who is on duty at a time, by which rule, until when, and gaps ahead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.alerts.roster import Roster
from gateway.alerts.shifts import Import, Override
from gateway.model.clock import NS, Instant, iso, parse_iso

AHEAD = timedelta(hours=24)
"""How far ahead gaps are looked for."""
NEXT = timedelta(days=8)
"""How far ahead the next change is looked for: a weekly shift comes again within it."""


def duty_table(roster: Roster, groups: Iterable[str], now: Instant) -> dict[str, Any]:
    """Give the duty of some groups at a time, as a document."""
    day = datetime.fromtimestamp(now.wall_ns // NS, roster.zone).date()
    return {
        "at": iso(now.wall_ns),
        "zone": roster.settings.site.zone,
        "clock": now.quality.value,
        "holiday": roster.settings.holidays.name(day),
        "groups": [_group(roster, name, now) for name in groups],
    }


def override_row(override: Override) -> dict[str, Any]:
    """Give an override as a document."""
    return {
        "id": override.id,
        "group": override.group,
        "persons": list(override.persons),
        "instead_of": override.instead_of,
        "from": iso(override.since_ns),
        "until": iso(override.until_ns),
        "by": override.by,
    }


def import_row(each: Import) -> dict[str, Any]:
    """Give what is known of an import, as a document."""
    return {
        "source": each.source,
        "groups": sorted(each.by_group),
        "stretches": len(each.spells),
        "from": iso(min(spell.since_ns for spell in each.spells)) if each.spells else None,
        "until": iso(max(spell.until_ns for spell in each.spells)) if each.spells else None,
    }


def moment_of(text: str, zone: ZoneInfo) -> int:
    """Read a time: RFC 3339, or date and time on the wall of the home. Raises ValueError."""
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        if len(text) <= len("2026-11-24"):
            raise ValueError(f"{text!r} has no time of day")
        stamp = stamp.replace(tzinfo=zone)
    return parse_iso(stamp.isoformat())


def _group(roster: Roster, name: str, now: Instant) -> dict[str, Any]:
    duty, table, group = roster.duty(name, now), roster.table, roster.settings.group[name]
    ways = {person: ["page", *_others(roster, person)] for person in duty.persons}
    until = table.changes_at(name, now.wall_ns, NEXT)
    ahead_ns = now.wall_ns + round(AHEAD.total_seconds()) * NS
    return {
        "group": name,
        "label": duty.label,
        "places": list(group.places),
        "persons": ways,
        "until": None if until is None else iso(until),
        "on": [
            {
                "person": spell.person,
                "rule": spell.rule.value,
                "detail": spell.detail,
                "from": None if spell.since_ns is None else iso(spell.since_ns),
                "until": None if spell.until_ns is None else iso(spell.until_ns),
                "by": ways[spell.person],
                "reached": roster.proved(spell.person, now) if roster.proofs else None,
            }
            for spell in duty.spells
        ],
        "gaps": [
            {"from": iso(begin), "until": iso(end)} for begin, end in table.gaps(name, now.wall_ns, ahead_ns)
        ],
    }


def _others(roster: Roster, person: str) -> list[str]:
    return [each for each in roster.settings.person[person].channels if each != "page"]
