"""Why personal readings may be kept at a place, since when, until when, and who has said no.

A basis is recorded for a place and a concern (`fall`, `presence`, `vital`); the newest row decides. A bath
shares the basis of the home it lies within: one person lives there and gives one answer. It may have rows of
its own beside it, and an objection at either stops what happens in the bath.

A review date that has passed reminds and stops nothing. A decision stops at the end of its last day, in the
home's time zone, announced long before; and nothing stops while nobody knows what day it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from gateway.alerts.bound import home_of
from gateway.alerts.maintenance import OWN
from gateway.alerts.memory import Memory
from gateway.alerts.own import Own
from gateway.alerts.rules import RuleBook
from gateway.alerts.verdicts import Gone, Occurrence, Verdict
from gateway.alerts.watched import Watched
from gateway.model.alert import Concern
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.refusal import Refused
from gateway.model.rows import Basis
from gateway.settings.models import Settings

UNDO = timedelta(seconds=60)
"""How long whoever tapped an objection may take it back without the right to lift one."""

NOT_OBJECTABLE = frozenset({Concern.SELF, Concern.TECHNICAL})
"""A resident's own call and the gateway's troubles notice nobody: there is nothing to say no to."""

_NOTED = f"{OWN}basis/"


class Standing(StrEnum):
    """How it stands with a concern at a place; the words are keys of the catalogue (`basis.…`)."""

    IN_FORCE = "in_force"
    REVIEW_DUE = "review_due"
    """In force; its review date has passed."""
    ENDED = "ended"
    """A decision whose last day has passed."""
    WITHDRAWN = "withdrawn"
    MISSING = "missing"

    @property
    def holds(self) -> bool:
        """Whether readings may be kept."""
        return self in (Standing.IN_FORCE, Standing.REVIEW_DUE)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is to be said of a basis now; `mark` changes whenever it is to be said again."""

    kind: str
    key: str
    mark: str


class BasisBook:
    """Every basis of the home. `take` the rows anew after each commit; what they say is in force at once."""

    def __init__(self, settings: Settings, rows: Iterable[Basis] = ()) -> None:
        """Begin with the rows as kept, the oldest first."""
        self._dropped: Counter[tuple[str, Concern]] = Counter()
        self.configure(settings)
        self.take(rows)

    def configure(self, settings: Settings) -> None:
        """Take over a new configuration."""
        self._settings = settings
        self._zone = ZoneInfo(settings.site.zone)
        self._own = Own(settings)

    def take(self, rows: Iterable[Basis]) -> None:
        """Take over the rows as kept, the oldest first."""
        self._concerns: dict[tuple[str, str], list[Basis]] = {}
        self._objections: dict[tuple[str, str], Basis] = {}
        for row in rows:
            if row.rule is None:
                self._concerns.setdefault((row.place, row.concern), []).append(row)
                if row.withdrawn is None:  # a new answer to the concern answers for its rules too
                    answered = (row.place, row.concern)
                    self._objections = {
                        at: no for at, no in self._objections.items() if (no.place, no.concern) != answered
                    }
            elif row.withdrawn is None:
                self._objections.pop((row.place, row.rule), None)
            else:
                self._objections[row.place, row.rule] = row

    def standing(self, place: str, concern: Concern, now: Instant) -> Standing:
        """Tell how it stands at a place, its home included."""
        found = [self._of(at, concern, now) for at in self._where(place)]
        if Standing.WITHDRAWN in found:
            return Standing.WITHDRAWN
        order = (Standing.IN_FORCE, Standing.REVIEW_DUE, Standing.ENDED)
        return next((each for each in order if each in found), Standing.MISSING)

    def allows(self, place: str, concern: Concern, now: Instant, *, rule: str | None = None) -> bool:
        """Tell whether readings of a concern may be kept at a place, or a rule may fire there.

        Concerns that are not personal need no basis; an objection to one rule stops it all the same.
        """
        objected = rule is not None and any((at, rule) in self._objections for at in self._where(place))
        if objected and concern not in NOT_OBJECTABLE:
            return False
        return not concern.personal or self.standing(place, concern, now).holds

    def keeps(self, place: str, concern: Concern, now: Instant) -> bool:
        """Tell intake whether a reading may be kept; counts each that may not."""
        kept = self.allows(place, concern, now)
        if not kept:
            self._dropped[place, concern] += 1
        return kept

    def object(self, place: str, concern: Concern, rule: str | None, by: str, now: Instant) -> Basis:
        """Give the row that says no: to a concern at a place, or to one rule there.

        It is in force as soon as it is kept and taken. Raises Refused where there is nothing to object to.
        """
        if concern in NOT_OBJECTABLE or (rule is None and not concern.personal):
            detail = "a resident's own call and technical alerts cannot be objected to"
            raise Refused("wrong_state", detail, reason="not_objectable")
        standing = next((rows[-1] for at in self._where(place) if (rows := self._rows(at, concern))), None)
        return Basis(
            place=place,
            concern=concern.value,
            kind=standing.kind if standing else "no_objection",
            until=standing.until if standing else self._today(now),
            case=standing.case if standing else None,
            recorded=now,
            by=by,
            withdrawn=now,
            rule=rule,
        )

    def undo(
        self, place: str, concern: Concern, rule: str | None, by: str, now: Instant, *, may_lift: bool = False
    ) -> Basis:
        """Give the row that takes an objection back: by who made it within a minute, or by right.

        Raises Refused: `not_found` without an objection, `not_allowed` for others, `wrong_state` when it is
        too late, or when there was nothing before it that could come back.
        """
        rows = self._rows(place, concern)
        objection = self._objections.get((place, rule)) if rule else (rows[-1] if rows else None)
        if objection is None or objection.withdrawn is None:
            raise Refused("not_found", "nobody has objected to this here")
        if not may_lift:
            if objection.by.casefold() != by.casefold():
                raise Refused("not_allowed", "only the person with the right `basis` may lift an objection")
            if now.since(objection.withdrawn) > UNDO:
                raise Refused("wrong_state", "the minute to take it back is over", reason="undo_too_late")
        if rule is not None:
            return replace(objection, recorded=now, by=by, withdrawn=None)
        before = next((row for row in reversed(rows) if row.withdrawn is None), None)
        if before is None:
            detail = "no basis was recorded before the objection; record one"
            raise Refused("wrong_state", detail, reason="missing")
        return replace(before, recorded=now)

    def objected(self, row: Basis) -> Occurrence:
        """Tell the person responsible that a resident has said no; it stays until they answer."""
        supervision = self._settings.alerts.supervision
        known = supervision.policy_basis in self._settings.alerts.policies
        return self._own.occurrence(
            "basis.objected",
            f"{row.place}/{row.rule or row.concern}",
            policy=supervision.policy_basis if known else supervision.policy,
            place=row.place,
            latching=True,
            detail=f"objection to {f'rule {row.rule}' if row.rule else f'concern {row.concern}'}",
        )

    def due(self, now: Instant, memory: Memory) -> list[Verdict]:
        """Say what is to be said today: ends that come near, an end that has come, a review that is late.

        Each is said once for each day or degree, also over restarts; nothing while the clock is unsynced.
        """
        if now.quality is ClockQuality.UNSYNCED:
            return []
        verdicts: list[Verdict] = []
        noted = {key.removeprefix(_NOTED) for key in memory if key.startswith(_NOTED)}
        for at in sorted(noted | {"/".join(at) for at in self._concerns}):
            place, _, concern = at.partition("/")
            rows = self._concerns.get((place, concern), [])
            said = self._said(rows[-1], now) if rows and rows[-1].withdrawn is None else None
            verdicts += self._say(at, said, rows[-1:], memory)
        return verdicts

    def no_basis(
        self,
        rules: RuleBook,
        watched: Mapping[str, Watched],
        now: Instant,
        counts: Mapping[tuple[str, str], int],
    ) -> list[dict[str, Any]]:
        """List the rules that are off for lack of a basis: `{"rule", "place", "count", "standing"}`.

        `count` is what was dropped or not raised for it since the start. `counts` are those of `NoBasis`. A
        rule is listed where a device says what it watches, or where something of its concern was dropped.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for name, rule in rules.personal():
            for device in watched.values():
                at = device.place
                place = home_of(self._settings, at) if rule.per == "place" else at
                count = counts.get((name, place), 0)
                dropped = self._dropped[place, rule.concern]
                says = not device.says.isdisjoint(rule.when.quantity)
                if not (says or count or (dropped and not device.says)):
                    continue  # first, for it is cheap: the page asks every two seconds, of each device
                if rules.applies(name, device.device, at) and not self.allows(
                    place, rule.concern, now, rule=name
                ):
                    found[name, place] = {
                        "rule": name,
                        "place": place,
                        "count": count + dropped,
                        "standing": self.standing(place, rule.concern, now).value,
                    }
        return [found[at] for at in sorted(found)]

    def _where(self, place: str) -> tuple[str, ...]:
        home = home_of(self._settings, place)
        return (place,) if home == place else (place, home)

    def _rows(self, place: str, concern: Concern) -> list[Basis]:
        return self._concerns.get((place, concern.value), [])

    def _of(self, place: str, concern: Concern, now: Instant) -> Standing:
        rows = self._rows(place, concern)
        if not rows:
            return Standing.MISSING
        row = rows[-1]
        if row.withdrawn is not None:
            return Standing.WITHDRAWN
        if now.quality is ClockQuality.UNSYNCED or self._today(now) <= row.until:
            return Standing.IN_FORCE
        return Standing.ENDED if row.kind == "decision" else Standing.REVIEW_DUE

    def _today(self, now: Instant) -> date:
        return datetime.fromtimestamp(now.wall_ns / NS, self._zone).date()

    def _said(self, row: Basis, now: Instant) -> _Said | None:
        """Say what is to be said of a basis that was not withdrawn; None while its time is not near."""
        today, at, until = self._today(now), f"{row.place}/{row.concern}", row.until.isoformat()
        days = (row.until - today).days
        if row.kind != "decision":
            return _Said("basis.review", f"basis-review/{at}", f"{until} {today}") if days < 0 else None
        if days < 0:
            return _Said("basis.ended", f"basis-ended/{at}", until)
        reached = [each for each in self._settings.alerts.supervision.announce_days if days <= each]
        if not reached:
            return None
        degree = min(reached)
        return _Said("basis.expiring", f"basis-expiring/{at}/{degree}", f"{until} {degree}")

    def _say(self, at: str, said: _Said | None, rows: list[Basis], memory: Memory) -> list[Verdict]:
        note = f"{_NOTED}{at}"
        before = memory[note].said
        kind, key = before.split()[:2] if before else ("", "")
        after = f"{said.kind} {said.key} {said.mark}" if said else ""
        if after == before:
            return []
        memory.change(note, said=after)
        # A stop stays until somebody has answered it; a reminder is over when it has been answered by a row.
        over = key and kind != "basis.ended" and (said is None or said.key != key)
        verdicts: list[Verdict] = [Gone(key)] if over else []
        if said is None:
            return verdicts
        row = rows[0]
        told = self._own.occurrence(
            said.kind,
            said.key.partition("/")[2],
            place=row.place,
            latching=said.kind == "basis.ended",
            detail=f"{row.kind} for {row.concern} until {row.until}",
            until=row.until,
        )
        return [*verdicts, told]
