"""Legal basis: in force, reviewed, ended, withdrawn; objections and undo; what is announced and listed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.alerts.basis import BasisBook, Standing
from gateway.alerts.memory import Memory
from gateway.alerts.rules import RuleBook
from gateway.alerts.verdicts import Gone, NoBasis, Occurrence, Verdict
from gateway.alerts.watched import watched
from gateway.model.alert import Concern, Priority
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.refusal import Refused
from gateway.model.rows import Basis, BasisKind
from support.rule_house import RuleHouse, home_settings, no_driver

SETTINGS = home_settings()


def at(day: str, hour: float = 11) -> Instant:
    """Give a moment of a day, UTC."""
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=hour)
    ns = round(moment.timestamp() * NS)
    return Instant(ns, ns, "b")


NOW = at("2026-11-24")


def basis(
    kind: BasisKind = "consent",
    until: str = "2027-06-30",
    *,
    place: str = "room-12",
    concern: Concern = Concern.PRESENCE,
    recorded: Instant = NOW,
) -> Basis:
    """Make a row."""
    return Basis(
        place=place,
        concern=concern.value,
        kind=kind,
        until=date.fromisoformat(until),
        case="26-1234" if kind == "decision" else None,
        recorded=recorded,
        by="MM",
    )


def standing(*rows: Basis, now: Instant = NOW, place: str = "room-12") -> Standing:
    """Tell how it stands with presence."""
    return BasisBook(SETTINGS, rows).standing(place, Concern.PRESENCE, now)


def test_without_a_row_there_is_none() -> None:
    """Personal concerns need one, the others do not."""
    book = BasisBook(SETTINGS)
    allowed = {concern for concern in Concern if book.allows("room-12", concern, NOW)}
    assert allowed == {Concern.SELF, Concern.ROOM, Concern.TECHNICAL}
    assert standing() is Standing.MISSING


def test_a_basis_is_for_its_place_and_concern() -> None:
    """Presence in one home says nothing of falls there, nor of presence next door."""
    book = BasisBook(SETTINGS, [basis()])
    assert book.allows("room-12", Concern.PRESENCE, NOW, rule="bed-left")
    assert not book.allows("room-12", Concern.FALL, NOW)
    assert not book.allows("room-13", Concern.PRESENCE, NOW)


@pytest.mark.parametrize("kind", ["consent", "no_objection"])
def test_a_review_date_stops_nothing(kind: BasisKind) -> None:
    """Passed, it is due for review and holds."""
    row = basis(kind, "2026-11-23")
    assert standing(row) is Standing.REVIEW_DUE
    assert standing(row).holds
    assert standing(basis(kind, "2026-11-24")) is Standing.IN_FORCE


def test_a_decision_stops_at_the_end_of_its_last_day_in_local_time() -> None:
    """24 November ends at 23:00 UTC in Copenhagen."""
    row = basis("decision", "2026-11-24")
    assert standing(row, now=at("2026-11-24", 22.99)) is Standing.IN_FORCE
    assert standing(row, now=at("2026-11-24", 23)) is Standing.ENDED
    assert not Standing.ENDED.holds


def test_nothing_stops_while_nobody_knows_what_day_it_is() -> None:
    """An unsynced clock ends no decision, and announces nothing."""
    row = basis("decision", "2026-11-24")
    later = replace(at("2030-01-01"), quality=ClockQuality.UNSYNCED)
    assert standing(row, now=later) is Standing.IN_FORCE
    assert BasisBook(SETTINGS, [row]).due(later, Memory()) == []


def test_the_newest_row_decides() -> None:
    """A decision that ended and a consent after it: the consent."""
    ended = basis("decision", "2026-01-01")
    assert standing(ended) is Standing.ENDED
    assert standing(ended, basis("consent")) is Standing.IN_FORCE


def test_a_bath_shares_the_basis_of_its_home() -> None:
    """It needs none of its own; an objection at either stops it, one in the bath alone leaves the home."""
    book = BasisBook(SETTINGS, [basis()])
    assert book.allows("bath-12", Concern.PRESENCE, NOW)
    no = book.object("bath-12", Concern.PRESENCE, None, "AB", NOW)
    book.take([basis(), no])
    assert not book.allows("bath-12", Concern.PRESENCE, NOW)
    assert book.allows("room-12", Concern.PRESENCE, NOW)
    book.take([basis(place="bath-12"), basis(), book.object("room-12", Concern.PRESENCE, None, "AB", NOW)])
    assert not book.allows("bath-12", Concern.PRESENCE, NOW)


def test_an_objection_to_a_concern_is_in_force_at_once() -> None:
    """From the moment it is taken nothing of it is kept, until a new basis is recorded."""
    rows = [basis()]
    book = BasisBook(SETTINGS, rows)
    rows.append(book.object("room-12", Concern.PRESENCE, None, "AB", NOW))
    book.take(rows)
    assert book.standing("room-12", Concern.PRESENCE, NOW) is Standing.WITHDRAWN
    assert not book.keeps("room-12", Concern.PRESENCE, NOW)
    book.take([*rows, basis("decision", recorded=NOW.plus(timedelta(days=1)))])
    assert book.allows("room-12", Concern.PRESENCE, NOW)


def test_an_objection_to_one_rule_stops_it_alone() -> None:
    """Readings are still kept for the other rules; a new basis for the concern answers it too."""
    rows = [basis()]
    book = BasisBook(SETTINGS, rows)
    rows.append(book.object("room-12", Concern.PRESENCE, "bed-left", "AB", NOW))
    book.take(rows)
    assert not book.allows("room-12", Concern.PRESENCE, NOW, rule="bed-left")
    assert book.allows("room-12", Concern.PRESENCE, NOW, rule="door-opened")
    assert book.keeps("room-12", Concern.PRESENCE, NOW)
    book.take([*rows, basis(recorded=NOW.plus(timedelta(days=1)))])
    assert book.allows("room-12", Concern.PRESENCE, NOW, rule="bed-left")


def test_a_rule_of_the_room_may_be_objected_to() -> None:
    """It needs no basis, and a resident may say no to it all the same."""
    book = BasisBook(SETTINGS)
    book.take([book.object("room-12", Concern.ROOM, "room-hot", "AB", NOW)])
    assert not book.allows("room-12", Concern.ROOM, NOW, rule="room-hot")
    assert book.allows("room-12", Concern.ROOM, NOW, rule="room-cold")


@pytest.mark.parametrize(
    ("concern", "rule"),
    [(Concern.SELF, "help-call"), (Concern.TECHNICAL, "tamper"), (Concern.ROOM, None)],
)
def test_what_nobody_can_object_to(concern: Concern, rule: str | None) -> None:
    """A resident's own call is never turned off, whatever a row says."""
    book = BasisBook(SETTINGS)
    with pytest.raises(Refused) as refused:
        book.object("room-12", concern, rule, "AB", NOW)
    assert (refused.value.code, refused.value.values["reason"]) == ("wrong_state", "not_objectable")
    forged = Basis(
        place="room-12",
        concern="self",
        kind="no_objection",
        until=date(2027, 1, 1),
        case=None,
        recorded=NOW,
        by="AB",
        withdrawn=NOW,
        rule="help-call",
    )
    assert BasisBook(SETTINGS, [forged]).allows("room-12", Concern.SELF, NOW, rule="help-call")


@pytest.mark.parametrize("rule", [None, "bed-left"])
def test_undo_within_a_minute_by_who_tapped(rule: str | None) -> None:
    """What was in force before is in force again, with its own terms."""
    rows = [basis("decision", "2027-03-01")]
    book = BasisBook(SETTINGS, rows)
    rows.append(book.object("room-12", Concern.PRESENCE, rule, "AB", NOW))
    book.take(rows)
    soon, late = NOW.plus(timedelta(seconds=60)), NOW.plus(timedelta(seconds=61))
    for by, now, code in [("AB", late, "wrong_state"), ("CD", soon, "not_allowed")]:
        with pytest.raises(Refused) as refused:
            book.undo("room-12", Concern.PRESENCE, rule, by, now)
        assert refused.value.code == code
    rows.append(book.undo("room-12", Concern.PRESENCE, rule, "ab", soon))
    book.take(rows)
    assert book.allows("room-12", Concern.PRESENCE, NOW, rule="bed-left")
    assert [row for row in rows if row.rule is None][-1].until == date(2027, 3, 1)
    with pytest.raises(Refused, match="not_found"):
        book.undo("room-12", Concern.PRESENCE, rule, "AB", soon)


def test_the_right_lifts_an_objection_later() -> None:
    """Only who has the right `basis`, at any time; where nothing was in force before, nothing comes back."""
    rows = [basis()]
    book = BasisBook(SETTINGS, rows)
    rows.append(book.object("room-12", Concern.PRESENCE, None, "AB", NOW))
    book.take(rows)
    lifted = book.undo("room-12", Concern.PRESENCE, None, "MM", at("2026-12-24"), may_lift=True)
    book.take([*rows, lifted])
    assert book.allows("room-12", Concern.PRESENCE, NOW)
    book.take([BasisBook(SETTINGS).object("room-12", Concern.PRESENCE, None, "AB", NOW)])
    with pytest.raises(Refused) as refused:
        book.undo("room-12", Concern.PRESENCE, None, "AB", NOW)
    assert refused.value.values["reason"] == "missing"


def test_the_person_responsible_is_told_of_an_objection() -> None:
    """By the policy that reaches the right `basis`; it stays until they answer."""
    book = BasisBook(SETTINGS, [basis()])
    told = book.objected(book.object("room-12", Concern.PRESENCE, "bed-left", "AB", NOW))
    assert (told.key, told.policy, told.latching) == ("basis-objected/room-12/bed-left", "basis", True)
    assert told.priority is Priority.TECHNICAL
    assert told.title["da"] == "Beboeren har sagt fra – Bolig 12"
    assert "right:basis" in SETTINGS.alerts.policies["basis"].steps[0].targets


def shortly(verdicts: list[Verdict]) -> list[str]:
    """Write verdicts for reading."""
    return [
        f"+{each.key}" if isinstance(each, Occurrence) else f"-{each.key}"
        for each in verdicts
        if isinstance(each, Occurrence | Gone)
    ]


def run(rows: list[Basis], first: str, days: int, memory: Memory | None = None) -> dict[str, list[str]]:
    """Look every hour for some days, restarting each day; give what was said, by day."""
    told: dict[str, list[str]] = {}
    memory = memory or Memory()
    for day in range(days):
        memory = Memory.restored(json.loads(json.dumps(memory.changes())))
        memory.lost([*memory])
        book = BasisBook(SETTINGS, rows)
        for hour in range(24):
            now = at(first).plus(timedelta(days=day, hours=hour - 12))  # local day, roughly
            said = shortly(book.due(now, memory))
            if said:
                local = datetime.fromtimestamp(now.wall_ns / NS, UTC) + timedelta(hours=1)
                told.setdefault(local.date().isoformat(), []).extend(said)
    return told


def test_the_end_of_a_decision_is_announced_four_times_and_told() -> None:
    """30, 14, 3 and 1 days before, once each, afresh each time; then the stop, once."""
    key = "basis-expiring/room-12/presence"
    assert run([basis("decision", "2026-12-31")], "2026-11-20", 60) == {
        "2026-12-01": [f"+{key}/30"],
        "2026-12-17": [f"-{key}/30", f"+{key}/14"],
        "2026-12-28": [f"-{key}/14", f"+{key}/3"],
        "2026-12-30": [f"-{key}/3", f"+{key}/1"],
        "2027-01-01": [f"-{key}/1", "+basis-ended/room-12/presence"],
    }


def test_the_stop_stays_and_an_announcement_does_not() -> None:
    """What is announced is over once it is renewed; that rules stopped, somebody has to answer."""
    row, memory = basis("decision", "2026-11-30"), Memory()
    (told,) = BasisBook(SETTINGS, [row]).due(NOW, memory)
    assert isinstance(told, Occurrence)
    assert told.title["da"] == "Aftale udløber 30.11. – Bolig 12"
    assert (told.latching, told.auto_resolve, told.concern) == (False, True, Concern.TECHNICAL)
    renewed = BasisBook(SETTINGS, [row, basis("decision", "2027-11-30")])
    assert shortly(renewed.due(NOW, memory)) == ["-basis-expiring/room-12/presence/14"]
    assert renewed.due(NOW, memory) == []
    assert [*memory] == []
    (stop,) = BasisBook(SETTINGS, [row]).due(at("2026-12-01"), memory)
    assert isinstance(stop, Occurrence)
    assert (stop.kind, stop.latching, stop.auto_resolve) == ("basis.ended", True, False)
    assert renewed.due(at("2026-12-01"), memory) == []


def test_a_late_review_reminds_daily() -> None:
    """Each day once, whatever restarts; over when it is renewed or withdrawn."""
    row, key = basis("consent", "2026-11-22"), "+basis-review/room-12/presence"
    assert run([row], "2026-11-22", 3) == {"2026-11-23": [key], "2026-11-24": [key]}
    memory = Memory()
    book = BasisBook(SETTINGS, [row])
    assert shortly(book.due(NOW, memory)) == [key]
    book.take([row, book.object("room-12", Concern.PRESENCE, None, "AB", NOW)])
    assert shortly(book.due(NOW, memory)) == ["-basis-review/room-12/presence"]


def test_a_withdrawn_basis_announces_nothing() -> None:
    """Nobody is reminded of an agreement that a resident has ended."""
    row = basis("decision", "2026-11-30")
    book = BasisBook(SETTINGS, [row])
    book.take([row, book.object("room-12", Concern.PRESENCE, None, "AB", NOW)])
    assert book.due(NOW, Memory()) == []


def test_what_is_off_for_lack_of_a_basis_is_listed_with_a_count() -> None:
    """By rule and place: where a device says what the rule watches, or something was dropped."""
    house, known = RuleHouse(), watched(SETTINGS, no_driver)
    book = BasisBook(SETTINGS, [basis(place="room-13")])
    rules = RuleBook(SETTINGS, known, book.allows)
    for _ in range(3):
        assert not book.keeps("room-12", Concern.PRESENCE, NOW)
    judged = rules.judge(house.record("fald-12", "fall", "detected"), NOW, Memory())
    assert judged.verdicts == (NoBasis("fall", "room-12", Concern.FALL),)
    listed = book.no_basis(rules, known, NOW, {("fall", "room-12"): 1})
    assert {(row["rule"], row["place"]): row["count"] for row in listed} == {
        ("bed-left", "room-12"): 3,
        ("bed-not-back", "room-12"): 3,
        ("door-opened", "room-12"): 3,
        ("fall", "room-12"): 1,
        ("no-motion", "room-12"): 3,
    }
    assert {row["standing"] for row in listed} == {"missing"}
