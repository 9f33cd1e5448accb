"""What a replay cannot judge, said openly: `{"code", "text"}` each, in the order of how much it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.journal.offline_history import OfflineHistory
from gateway.model.clock import NS, ClockQuality, Instant, iso
from gateway.model.readings import Kind, Record
from gateway.replay.captured import Facts
from gateway.replay.compare import Span
from gateway.replay.trial import Trial
from gateway.settings.models import Settings
from gateway.settings.rules import Rule

GAP = timedelta(minutes=15)
"""A stretch without a word from any device that is called a gap."""
GAPS_TOLD = 5


@dataclass
class Limits:
    """Watches the records on their way."""

    settings: Settings
    since_ns: int
    gap: timedelta = GAP
    items: list[dict[str, Any]] = field(default_factory=list)
    unsynced: int = 0
    _gaps: list[tuple[int, int]] = field(default_factory=list)
    _strangers: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _late: set[str] = field(default_factory=set)
    _last_ns: int | None = None

    def note(self, record: Record, before: Instant | None) -> None:
        """Look at a record before it is judged."""
        at = record.at
        if at.quality is ClockQuality.UNSYNCED:
            self.unsynced += 1
        elif before is not None and at.since(before) > self.gap:
            self._gaps.append((before.wall_ns, at.wall_ns))
        device = record.device
        self._last_ns = at.wall_ns
        if device in self._known:
            return
        self._known.add(device)
        if device not in self.settings.device:
            self._strangers.add(device)
        elif record.kind is not Kind.EVENT and at.wall_ns >= self.since_ns:
            self._late.add(device)

    def found(self, span: Span) -> list[dict[str, Any]]:
        """Say what was seen."""
        items = []
        if self._late and self.since_ns:
            text = (
                f"what was so at the beginning is unknown for {len(self._late)} of {len(self._known)} "
                "devices: nothing was heard of them before, so each is judged from its first word on"
            )
            items.append(said("unknown_start", text, devices=sorted(self._late)))
        silent = self._last_ns is not None and span.until_ns - self._last_ns > round(
            self.gap.total_seconds() * NS
        )
        if silent and self._last_ns is not None:
            text = f"nothing was heard after {iso(self._last_ns)}: what would be missing then is not judged"
            items.append(said("silent_end", text))
        if self._gaps:
            lost = sum(end - begin for begin, end in self._gaps) / NS
            text = (
                f"no device at all was heard in {len(self._gaps)} stretches of more than "
                f"{self.gap.total_seconds() / 60:g} min, {lost / 3600:.1f} h in all: what happened then is "
                "not in the history, and what waits for a reading may seem to have missed one"
            )
            told = [{"since": iso(a), "until": iso(b)} for a, b in self._gaps[:GAPS_TOLD]]
            items.append(said("gaps", text, gaps=told))
        if self.unsynced:
            text = (
                f"{self.unsynced} records were taken in while the clock was not synced: hours and schedules "
                "count as open then, and their times are not sure"
            )
            items.append(said("unsynced", text))
        if self._strangers:
            text = (
                f"{len(self._strangers)} devices of that time are not in the configuration any more: "
                "they are judged by the place they had, and timers of theirs come to nothing"
            )
            items.append(said("devices_gone", text, devices=sorted(self._strangers)))
        return items


def said(code: str, text: str, **more: Any) -> dict[str, Any]:
    """Make one."""
    return {"code": code, "text": text, **more}


def history_limits(
    history: OfflineHistory, personal: Sequence[tuple[str, Rule]], settings: Settings, span: Span
) -> list[dict[str, Any]]:
    """Say what the journal no longer has."""
    items, extent = [], history.extent()
    if extent.oldest_ns is None:
        items.append(said("no_readings", "the journal holds no measurement and no state"))
    elif extent.oldest_ns > span.since_ns:
        text = f"the oldest reading is of {iso(extent.oldest_ns)}: before it there are events at most"
        items.append(said("retention", text))
    kept = settings.retention.personal
    if personal and span.days > kept / timedelta(days=1):
        text = (
            f"readings of bed, door, movement and the body are kept for {kept.days} days: rules on them "
            "raise nothing before that"
        )
        items.append(said("personal_retention", text))
    if history.damaged:
        items.append(said("damaged", "a part of the readings is damaged and was passed over"))
    return items


def of_capture(facts: Facts, bases: bool) -> list[dict[str, Any]]:
    """Say what a capture did not bring."""
    items = []
    counts = (
        ("unknown_devices", facts.unknown, "frames are of devices that the configuration does not have"),
        ("refused", facts.refused, "frames could not be read (see  velgate decode)"),
        ("malformed", facts.malformed, f"lines are no frame; the first: {facts.first_wrong}"),
        ("timeless", facts.timeless, "frames have no time, and were taken at the time of the one before"),
        ("backwards", facts.backwards, "frames are older than the one before them, and were taken with it"),
    )
    items += [said(code, f"{number} {text}") for code, number, text in counts if number]
    text = "what was so before the capture began is unknown: what held then is judged from each first word on"
    items.append(said("unknown_start", text))
    if not bases:
        text = "there is no journal with legal bases here: every place was taken to have one"
        items.append(said("bases_unknown", text))
    return items


def of_rules(settings: Settings, trials: Sequence[Trial], bases: bool) -> list[dict[str, Any]]:
    """Say what no replay judges, and what was switched off."""
    items = []
    off = sorted(
        name for name, rule in settings.alerts.rules.items() if rule.enabled and rule.limits_vital_signs
    )
    if off and settings.intended_use is None:
        text = (
            f"{', '.join(off)}: limits on vital signs load only with [intended_use] filled in, and raised "
            "nothing; say who answers for it, since when and on what grounds, in the same file"
        )
        items.append(said("intended_use", text))
    resting = sorted({at for trial in trials for at in trial.no_basis})
    if bases and resting:
        named = ", ".join(f"{rule} at {place}" for rule, place in resting)
        text = f"by the legal bases as recorded today these would raise nothing: {named}"
        items.append(said("no_basis", text))
    failed = sorted({name for trial in trials for name in trial.failed})
    if failed:
        items.append(said("failed", f"{', '.join(failed)}: could not judge some records"))
    text = (
        "presses and other events are counted each; in the home one that comes while its alert is open joins "
        "it. Silence and batteries of devices, radio and gateway are watched without rules, and are not here"
    )
    items.append(said("scope", text))
    return items
