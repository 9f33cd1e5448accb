"""What is open, in memory: it follows the journal, and stands in for it while the disk does not answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.alerts.book import Moved
from gateway.alerts.mirror import Mirror
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.model.alert import Alert, Handling
from gateway.model.rows import Notification, Timer
from support.alarm_cases import at
from support.alarm_every import alert
from support.records import record

U, R = Handling.UNACKNOWLEDGED, Handling.RESOLVED
ONE, TWO = alert(U, id="one", key="call/one"), alert(U, id="two", key="call/two")


def row(of: Alert, channel: str = "sms", **changes: Any) -> Notification:
    """Give a notification of an alert."""
    return replace(row_for(of, Address("group:nat", channel, "AB"), at(5)), **changes)


def timer(of: Alert, kind: str = "escalate", seconds: float = 60) -> Timer:
    """Give a timer of an alert."""
    return Timer(subject=f"alert:{of.id}", kind=kind, rev=of.rev, due=at(seconds))


def filled() -> Mirror:
    """Give a mirror of two calls, each told once, with its timer."""
    mirror = Mirror()
    for each in (ONE, TWO):
        mirror.keep_alert(each)
        mirror.add_notification(row(each))
        mirror.set_timer(timer(each))
    mirror.put_memo("duty/nat", {"persons": ["AB"]})
    return mirror


def test_what_is_open_is_found_by_id_and_by_key() -> None:
    """And nothing else is."""
    mirror = filled()
    assert (mirror.alert("one"), mirror.open_by_key("call/two")) == (ONE, TWO)
    assert mirror.open_alerts() == [ONE, TWO]
    assert (mirror.alert("three"), mirror.open_by_key("call/three")) == (None, None)


def test_what_is_closed_leaves_with_its_notifications_and_its_key() -> None:
    """Taken over from a commit: it is gone."""
    mirror = filled()
    mirror.keep_alert(replace(ONE, handling=R))
    assert (mirror.alert("one"), mirror.open_by_key("call/one")) == (None, None)
    assert mirror.open_alerts() == [TWO]
    assert mirror.notifications() == [row(TWO)]
    mirror.keep_row(row(ONE))
    assert mirror.notifications("one") == [], "a row of what is closed is nobody's"
    mirror.keep_alert(replace(ONE, handling=R))
    assert mirror.open_alerts() == [TWO]


def test_a_key_that_a_newer_alert_has_stays_the_newer_ones() -> None:
    """The closing of the older comes late."""
    mirror = filled()
    newer = alert(U, id="three", key="call/one")
    mirror.keep_alert(newer)
    mirror.keep_alert(replace(ONE, handling=R))
    assert mirror.open_by_key("call/one") == newer


def test_what_was_closed_here_is_still_known_by_its_id() -> None:
    """A work that closes reads it again; with no number, for it is kept nowhere."""
    mirror = filled()
    closed = replace(ONE, handling=R)
    assert mirror.put_alert(closed) == 0
    assert (mirror.alert("one"), mirror.open_by_key("call/one")) == (closed, None)
    assert mirror.put_alert(TWO) == 0
    assert mirror.open_alerts() == [TWO]


def test_a_copy_goes_its_own_way() -> None:
    """Whatever is done to it, the mirror that follows the disk stays as it is."""
    mirror = filled()
    mirror.put_alert(replace(alert(U, id="old", key="call/old"), handling=R))
    copy = mirror.copy()
    assert copy.alert("old") == mirror.alert("old")
    copy.put_alert(replace(ONE, handling=R))
    copy.put_alert(alert(U, id="new", key="call/new"))
    copy.add_notification(row(TWO, "mail"))
    copy.cancel_timer("alert:two")
    copy.put_memo("duty/nat", {})
    copy.put_memo("more", {})
    assert mirror.open_alerts() == [ONE, TWO]
    assert (mirror.open_by_key("call/one"), mirror.open_by_key("call/new")) == (ONE, None)
    assert mirror.alert("one") == ONE
    assert mirror.notifications() == [row(ONE), row(TWO)]
    assert mirror.timers() == [timer(ONE), timer(TWO)]
    assert (mirror.memo("duty/nat"), mirror.memo("more")) == ({"persons": ["AB"]}, None)
    assert copy.open_by_key("call/two") == TWO
    assert copy.timers() == [timer(ONE)]
    assert [each.channel for each in copy.notifications("two")] == ["sms", "mail"]


def test_a_timer_is_set_moved_and_removed_by_subject_and_kind() -> None:
    """One row for each of both."""
    mirror = filled()
    mirror.set_timer(timer(ONE, "return"))
    mirror.set_timer(timer(ONE, seconds=90))
    assert list(mirror.due) == mirror.timers()
    assert mirror.timers("alert:one") == [timer(ONE, seconds=90), timer(ONE, "return")]
    mirror.cancel_timer("alert:one", "shelf")
    mirror.cancel_timer("alert:one", "escalate")
    assert mirror.timers("alert:one") == [timer(ONE, "return")]
    mirror.set_timer(timer(ONE))
    mirror.cancel_timer("alert:one")
    assert mirror.timers() == [timer(TWO)]


def test_notifications_are_found_by_alert_and_by_state_and_changed_by_id() -> None:
    """The oldest first."""
    mirror = filled()
    sent = row(ONE, "mail", state="sent")
    mirror.add_notification(sent)
    assert mirror.notifications("one") == [row(ONE), sent]
    assert mirror.notifications("one", ("sent",)) == [sent]
    assert mirror.notifications(states=("sending",)) == [row(ONE), row(TWO)]
    assert mirror.notifications("three") == []
    assert mirror.notification(sent.id) == sent
    changed = mirror.update_notification(sent.id, state="delivered", attempts=1)
    assert changed == replace(sent, state="delivered", attempts=1)
    assert mirror.notification(sent.id) == changed
    with pytest.raises(KeyError, match="no such row"):
        mirror.update_notification("no such row", state="sent")
    mirror.end_notification(sent.id)
    mirror.end_notification(sent.id)
    assert mirror.notification(sent.id) is None
    assert mirror.notifications() == [row(ONE), row(TWO)]


def test_memos_stand_in_and_everything_else_is_kept_nowhere() -> None:
    """What is asked of the disk alone is not answered from memory."""
    mirror = filled()
    mirror.end_memo("duty/nat")
    mirror.end_memo("duty/nat")
    assert mirror.memo("duty/nat") is None
    assert mirror.basis() == []


def test_a_mirror_is_read_from_a_book() -> None:
    """Alerts and timers; the notifications, which may be many, are read apart."""
    loaded = Mirror.load(filled())
    assert (loaded.open_alerts(), loaded.timers()) == ([ONE, TWO], [timer(ONE), timer(TWO)])
    assert loaded.notifications() == []


def test_it_follows_what_a_commit_has_changed_in_its_order() -> None:
    """Each step is done to it; an event is kept nowhere, and has no number."""
    mirror = filled()
    moved = Moved()
    moved.steps.append(lambda book: book.keep_alert(replace(ONE, handling=R)))
    moved.steps.append(lambda book: book.set_timer(timer(TWO, "warn")))
    mirror.follow(moved)
    assert mirror.open_alerts() == [TWO]
    assert mirror.timers("alert:two") == [timer(TWO), timer(TWO, "warn")]
    assert mirror.add_event(record("help_call", "press")) == 0
