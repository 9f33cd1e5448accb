"""The ledger's rows, each by itself, on a bare connection: what is kept, found, changed, in which order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.journal.alarm_schema import ALARM_MIGRATIONS
from gateway.journal.alert_codec import decode_alert, encode_alert
from gateway.journal.ledger import Ledger
from gateway.journal.ledger_part import Changes
from gateway.journal.wanted import Wanted
from gateway.model.alert import Handling
from gateway.model.clock import ClockQuality, iso
from gateway.model.readings import Guard, Kind, Record
from gateway.model.rows import Notification, Timer
from support.journal import HandClock, alert
from support.records import instant, record

R = Handling.RESOLVED


@pytest.fixture
def changes() -> Changes:
    """What the transaction has done."""
    return Changes()


@pytest.fixture
def ledger(changes: Changes) -> Iterator[Ledger]:
    """A ledger in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for each in ALARM_MIGRATIONS:
        db.executescript(each)
    yield Ledger(db, HandClock(), changes)
    db.close()


def event(quantity: str = "help_call", value: Any = "press", **more: Any) -> Record:
    """Give an event."""
    return record(quantity, value, kind=Kind.EVENT, **more)


def notification(id: str, **more: Any) -> Notification:  # noqa: A002  (the field's word)
    """Give a notification."""
    fields: dict[str, Any] = {
        "alert": "a-1",
        "rev": 1,
        "step": 1,
        "cycle": 0,
        "target": "group:nat",
        "channel": "sms",
        "person": "KL",
        "state": "sending",
        "attempts": 1,
        "next": instant(3),
        "created": instant(1),
        "changed": instant(2),
    }
    return Notification(id=id, **(fields | more))


# Alerts and their log.


def test_an_alert_is_kept_in_its_newest_state_and_each_state_in_the_log(
    ledger: Ledger, changes: Changes
) -> None:
    """The number of the log is the stream's id, and counts up."""
    one, two = alert("a-1"), alert("a-2", at=instant(5))
    later = replace(one, rev=2, count=3, changed=instant(9))
    numbers = [ledger.put_alert(each) for each in (one, two, later)]
    assert numbers == [1, 2, 3]
    assert (ledger.alert("a-1"), ledger.alert("a-2"), ledger.alert("a-3")) == (later, two, None)
    assert changes.alerts == [(1, one), (2, two), (3, later)]
    assert ledger.log_after(0, 10) == changes.alerts
    assert ledger.log_after(1, 10) == changes.alerts[1:]
    assert ledger.log_after(0, 2) == changes.alerts[:2]
    assert ledger.log_after(3, 10) == []
    assert (ledger.log_seq(), ledger.log_floor()) == (3, 0)


def test_an_empty_log_stands_at_nothing(ledger: Ledger) -> None:
    """At the very beginning."""
    assert (ledger.log_seq(), ledger.log_floor(), ledger.event_seq(), ledger.event_count()) == (0, 0, 0, 0)


def test_open_alerts_are_found_by_key_the_longest_unchanged_first(ledger: Ledger) -> None:
    """What is closed is found by its id alone."""
    first, second = alert("a-1", key="call/1"), alert("a-2", key="call/2")
    for each in (first, second, closed := replace(first, handling=R)):
        ledger.put_alert(each)
    again = alert("a-3", key="call/1")
    ledger.put_alert(again)
    changed = replace(second, rev=2)
    ledger.put_alert(changed)
    assert ledger.open_alerts() == [again, changed]
    assert (ledger.open_by_key("call/1"), ledger.open_by_key("call/2")) == (again, changed)
    assert (ledger.open_by_key("call/3"), ledger.alert("a-1")) == (None, closed)


def test_alerts_come_by_their_last_change_in_pages(ledger: Ledger) -> None:
    """All, open ones, closed ones; since a time; behind a mark."""
    kept = [alert(f"a-{number}", at=instant(number)) for number in range(1, 6)]
    kept[1], kept[3] = replace(kept[1], handling=R), replace(kept[3], handling=R)
    for each in kept:
        ledger.put_alert(each)
    assert ledger.alerts() == kept
    assert ledger.alerts(open=True) == [kept[0], kept[2], kept[4]]
    assert ledger.alerts(open=False) == [kept[1], kept[3]]
    assert ledger.alerts(since_ns=instant(3).wall_ns) == kept[2:]
    assert ledger.alerts(limit=2) == kept[:2]
    assert ledger.alerts(limit=0) == kept[:1]
    mark = ledger.alert_mark("a-2")
    assert ledger.alerts(after=mark) == kept[2:]
    assert ledger.alerts(after=mark, open=False, limit=1) == [kept[3]]
    moved = replace(kept[0], rev=2)
    ledger.put_alert(moved)
    assert ledger.alerts(after=mark) == [*kept[2:], moved]
    with pytest.raises(KeyError, match="a-9"):
        ledger.alert_mark("a-9")


def test_the_newest_of_the_ids_that_end_so(ledger: Ledger) -> None:
    """For people who type the last characters; no more than are asked for."""
    for name in ("x-12", "y-12", "z-3", "w-12"):
        ledger.put_alert(alert(name))
    assert ledger.ids_ending("12") == ["w-12", "y-12"]
    assert ledger.ids_ending("12", limit=5) == ["w-12", "y-12", "x-12"]
    assert ledger.ids_ending("z-3") == ["z-3"]
    assert ledger.ids_ending("4") == []


def test_what_is_missing_or_older_than_the_log_is_made_from_it(ledger: Ledger) -> None:
    """After damage: the log has the last word."""
    one, two, three = (alert(f"a-{number}", key=f"call/{number}") for number in (1, 2, 3))
    for each in (one, two, three, newest := replace(two, rev=2, handling=R)):
        ledger.put_alert(each)
    assert ledger.restate_alerts() == 0
    ledger._db.execute("DELETE FROM alert WHERE id = 'a-1'")
    ledger._db.execute("UPDATE alert SET changed_seq = 2, open = 1 WHERE id = 'a-2'")
    assert ledger.restate_alerts() == 2
    assert (ledger.alert("a-1"), ledger.alert("a-2"), ledger.alert("a-3")) == (one, newest, three)
    assert ledger.open_alerts() == [one, three]


# Events, evidence, guards.


def test_an_event_is_kept_once_and_evidence_stands_in_its_own_lane(ledger: Ledger, changes: Changes) -> None:
    """By its id, with every value as it was."""
    press = replace(event(channel=2), missed=3, test=True)
    bed = record("bed_occupancy", False, kind=Kind.STATE)
    cold = record("temperature", 15.5)
    assert ledger.add_event(press) == 1
    assert ledger.add_event(bed, evidence=True) == 2
    assert ledger.add_event(replace(press, value="long_press")) is None
    third = ledger.add_event(cold, evidence=True)
    fall = event("fall", "detected")
    fourth = ledger.add_event(fall)
    assert third is not None
    assert fourth is not None
    assert 2 < third < fourth, "numbers only rise; one that was refused may be left out"
    assert [ledger.event(each.id) for each in (press, bed, cold, fall)] == [press, bed, cold, fall]
    assert ledger.event("nobody") is None
    assert changes.events == [(1, press), (fourth, fall)]
    assert ledger.events_after(0, 10) == [(1, press), (fourth, fall)]
    assert ledger.events_after(1, 10) == [(fourth, fall)]
    assert ledger.events_after(0, 1) == [(1, press)]
    assert ledger.evidence_after(0, 10) == [(2, bed), (third, cold)]
    assert ledger.evidence_after(2, 10) == [(third, cold)]
    assert ledger.evidence_after(0, 1) == [(2, bed)]
    assert (ledger.event_seq(), ledger.event_count()) == (fourth, 4)
    ledger.add_event(record("bed_occupancy", True, kind=Kind.STATE), evidence=True)
    assert (ledger.event_seq(), ledger.event_count()) == (fourth, 5)


def test_what_no_rule_has_judged_is_found_the_oldest_first(ledger: Ledger) -> None:
    """Until it is marked; the mark is for those ids alone."""
    waiting = [event(at=instant(number)) for number in range(4)]
    for each in waiting:
        ledger.add_event(each, judged=False)
    ledger.add_event(event())
    assert ledger.unjudged(10) == waiting
    assert ledger.unjudged(2) == waiting[:2]
    ledger.mark_judged([waiting[0].id, waiting[2].id, "nobody"])
    assert ledger.unjudged(10) == [waiting[1], waiting[3]]


def test_events_are_found_by_device_place_quantity_and_time(ledger: Ledger) -> None:
    """From a time on, and before another."""
    first = event(device="kald-1", place="room-1", at=instant(10))
    second = event("fall", "detected", device="fald-2", place="room-2", at=instant(20))
    bed = record("bed_occupancy", False, kind=Kind.STATE, device="seng-1", place="room-1", at=instant(30))
    for each in (first, second):
        ledger.add_event(each)
    ledger.add_event(bed, evidence=True)
    every = Wanted(device=None, place=None, quantity=None, since_ns=0, until_ns=1 << 62)
    rows = [(1, first, False), (2, second, False), (3, bed, True)]
    assert ledger.find_events(every, 0, 10) == rows
    assert ledger.find_events(every, 1, 10) == rows[1:]
    assert ledger.find_events(every, 0, 2) == rows[:2]
    assert ledger.find_events(replace(every, device="fald-2"), 0, 10) == rows[1:2]
    assert ledger.find_events(replace(every, place="room-1"), 0, 10) == [rows[0], rows[2]]
    assert ledger.find_events(replace(every, quantity="fall"), 0, 10) == rows[1:2]
    assert ledger.find_events(replace(every, place="room-1", quantity="fall"), 0, 10) == []
    assert ledger.find_events(replace(every, since_ns=instant(20).wall_ns), 0, 10) == rows[1:]
    assert ledger.find_events(replace(every, until_ns=instant(20).wall_ns), 0, 10) == rows[:1]


def test_a_guard_is_kept_by_device_and_name_and_forgotten_with_its_device(ledger: Ledger) -> None:
    """With its moment, boot and clock as they were."""
    first = Guard("kald-1", "counter", "7", instant(1))
    second = Guard("kald-1", "state/x", "on", instant(2))
    other = Guard("kald-2", "counter", "9", instant(3))
    for each in (first, second, other):
        ledger.put_guard(each)
    newer = Guard("kald-1", "counter", "8", instant(4, boot="boot-2", quality=ClockQuality.UNSYNCED))
    ledger.put_guard(newer)
    assert sorted(ledger.guards(), key=lambda each: (each.device, each.name)) == [newer, second, other]
    ledger.forget_device("kald-1")
    assert ledger.guards() == [other]


# Timers and notifications.


def timer(subject: str, kind: str = "escalate", **more: Any) -> Timer:
    """Give a timer."""
    fields: dict[str, Any] = {"rev": 1, "due": instant(60), "data": {"step": 1}}
    return Timer(subject=subject, kind=kind, **(fields | more))


def test_a_timer_is_one_for_its_subject_and_kind(ledger: Ledger) -> None:
    """Set anew it is moved, with all it says."""
    first, second, other = timer("alert:a-1"), timer("alert:a-1", "return"), timer("alert:a-2", data={})
    for each in (first, second, other):
        ledger.set_timer(each)
    due = instant(90, boot="boot-2", quality=ClockQuality.UNSYNCED)
    moved = timer("alert:a-1", rev=4, due=due, data={"step": 2, "why": "moved"})
    ledger.set_timer(moved)
    key = lambda each: (each.subject, each.kind)  # noqa: E731
    assert sorted(ledger.timers(), key=key) == [moved, second, other]
    assert sorted(ledger.timers("alert:a-1"), key=key) == [moved, second]
    assert ledger.timers("alert:a-3") == []
    ledger.cancel_timer("alert:a-1", "return")
    ledger.cancel_timer("alert:a-2", "return")
    assert sorted(ledger.timers(), key=key) == [moved, other]
    ledger.set_timer(second)
    ledger.cancel_timer("alert:a-1")
    assert ledger.timers() == [other]
    ledger.cancel_timer("alert:nobody")


def test_a_notification_is_found_by_id_alert_and_state_and_changed(ledger: Ledger, changes: Changes) -> None:
    """The oldest first; by their ids where two are of one moment."""
    late = notification("n-1", created=instant(9))
    early, same = notification("n-3", state="pending"), notification("n-2", state="failed")
    other = notification("n-4", alert="a-2", person=None, error="no answer", repeated=True, about="return")
    for each in (late, early, same, other):
        ledger.add_notification(each)
    assert ledger.notifications() == [same, early, other, late]
    assert ledger.notifications("a-1") == [same, early, late]
    assert ledger.notifications("a-1", ["pending", "failed"]) == [same, early]
    assert ledger.notifications(states=["sending"]) == [other, late]
    assert ledger.notifications("a-3") == []
    assert (ledger.notification("n-4"), ledger.notification("n-9")) == (other, None)
    sent = ledger.update_notification("n-3", state="sent", attempts=2, changed=instant(4))
    assert sent == replace(early, state="sent", attempts=2, changed=instant(4))
    assert ledger.notification("n-3") == sent
    assert ledger.notifications(states=["pending"]) == []
    assert ledger.notifications(states=["sent"]) == [sent]
    assert changes.notifications == [late, early, same, other, sent]
    with pytest.raises(KeyError, match="n-9"):
        ledger.update_notification("n-9", state="sent")
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_notification(late)
    ledger.end_notification("n-3")
    ledger.end_notification("n-9")
    assert ledger.notification("n-3") is None
    assert ledger.notifications() == [same, other, late]


# What a transaction has done, and how it is undone.


def test_what_came_after_a_mark_is_forgotten(ledger: Ledger, changes: Changes) -> None:
    """A work that failed has changed nothing, and nobody is told of it."""
    ledger.put_alert(alert("a-1"))
    ledger.add_event(event())
    ledger.add_notification(notification("n-1"))
    before = (list(changes.alerts), list(changes.events), list(changes.notifications))
    mark = changes.mark()
    assert mark == (1, 1, 1)
    for number in range(2):
        ledger.put_alert(alert(f"b-{number}"))
        ledger.add_event(event())
        ledger.add_notification(notification(f"m-{number}"))
    changes.back_to(mark)
    assert (changes.alerts, changes.events, changes.notifications) == before


# The timeline of an alert.


def test_the_timeline_tells_what_happened_was_done_and_was_sent_in_order(ledger: Ledger) -> None:
    """Readings, audit log and notifications, by time; in one moment in this order."""
    press = event(at=instant(0))
    ledger.add_event(press)
    ledger.put_alert(replace(alert("a-1"), readings=(press.id, "no longer kept")))
    ledger.audit("raised", by=None, source="rule", alert="a-1", detail={"step": 1})
    ledger.audit("acknowledged", by="KL", source="page", alert="a-1")
    ledger.audit("raised", by=None, source="rule", alert="a-2")
    ledger.add_notification(notification("n-1", changed=instant(-1), step=2))
    ledger.add_notification(notification("n-2", changed=instant(5), person=None, state="failed"))
    blank = {"step": None, "channel": None, "to": None, "by": None}
    told = ledger.timeline("a-1")
    assert [{key: value for key, value in each.items() if key != "time"} for each in told] == [
        {**blank, "what": "sending", "step": 2, "channel": "sms", "to": "KL"},
        {**blank, "what": "happened"},
        {**blank, "what": "raised", "step": 1},
        {**blank, "what": "acknowledged", "by": "KL"},
        {**blank, "what": "failed", "step": 1, "channel": "sms", "to": "group:nat"},
    ]
    moments = (-1, 0, 0, 0, 5)
    assert [each["time"] for each in told] == [iso(instant(after).wall_ns) for after in moments]
    assert ledger.timeline("a-9") == []


def test_a_stored_alert_without_an_id_is_none() -> None:
    """It says what is wrong with it, for whoever repairs the file."""
    document = json.loads(encode_alert(alert("a-1")))
    del document["id"]
    with pytest.raises(ValueError, match=r"^a stored alert has an id$"):
        decode_alert(json.dumps(document).encode())


def test_an_alerts_place_is_its_number_in_the_log(ledger: Ledger) -> None:
    """Also where alerts behind it have been removed by their age."""
    for name in ("a-1", "a-2"):
        ledger.put_alert(alert(name))
    ledger._db.execute("DELETE FROM alert WHERE id = 'a-2'")
    assert ledger.put_alert(alert("a-1")) == 3
    assert ledger.alert_mark("a-1") == "3"
    assert ledger.log_floor() == 0
    ledger._db.execute("INSERT INTO mark (name, value) VALUES ('log_floor', 2), ('other', 9)")
    assert ledger.log_floor() == 2


def test_a_page_without_a_bound_has_a_hundred_and_begins_with_the_first(ledger: Ledger) -> None:
    """Whatever the clock showed then; whether it was trusted stands beside each."""
    past = replace(instant(), wall_ns=-1, quality=ClockQuality.UNSYNCED)
    ledger.put_alert(alert("a-0", at=past))
    for number in range(1, 102):
        ledger.put_alert(alert(f"a-{number}"))
    page = ledger.alerts()
    assert (len(page), page[0].id) == (100, "a-0")
    trusted = ledger._db.execute("SELECT id FROM alert WHERE trusted = 0").fetchall()
    assert trusted == [("a-0",)]
