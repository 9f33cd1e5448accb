"""What a notification says about itself: its key, whether it is still wanted, when it is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.alerts.notices import (
    backoff,
    reached_nobody,
    receiver,
    row_for,
    shown_on,
    shows,
    surplus,
    wanted,
)
from gateway.alerts.roster import Address
from gateway.model.alert import Handling, Taken
from gateway.model.rows import Notification
from support.alarm_cases import START_NS, at
from support.alarm_every import alert

U, A, S, X, R = Handling
CALLING = alert(U, cycle=2, step=3)
TAKEN = alert(A, taken=Taken("KL", at(100), at(700)))
AB = Address("group:nat", "sms", "AB")


def row(**changes: Any) -> Notification:
    """Give a row of the alert that calls, with changes."""
    return replace(row_for(CALLING, AB, at(200)), **changes)


def test_a_row_says_whom_it_tells_of_which_step_and_round() -> None:
    """As it is committed before the call: `sending`, not tried yet, to be tried now."""
    assert row() == Notification(
        id=f"0190-before/7/{START_NS // 1_000_000 + 200_000:x}/alert/sms/AB",
        alert="0190-before",
        rev=7,
        step=3,
        cycle=2,
        target="group:nat",
        channel="sms",
        person="AB",
        state="sending",
        attempts=0,
        next=at(200),
        error=None,
        created=at(200),
        changed=at(200),
        repeated=False,
        about="alert",
    )


def test_what_is_no_step_of_the_escalation_has_none() -> None:
    """A dispatch, a reminder: told beside it. A channel of nobody has no person in its key."""
    told = row_for(CALLING, Address("channel:pager", "pager"), at(200), about="dispatch")
    assert (told.about, told.step, told.cycle, told.person) == ("dispatch", 0, 2, None)
    assert told.id.endswith("/dispatch/pager/")


def test_the_key_is_the_receivers_and_the_moments() -> None:
    """The same telling has the same key; another receiver, channel, revision, matter or moment another."""
    same = row_for(CALLING, AB, at(200))
    others = [
        row_for(CALLING, replace(AB, person="KL"), at(200)),
        row_for(CALLING, replace(AB, channel="mail"), at(200)),
        row_for(replace(CALLING, rev=8), AB, at(200)),
        row_for(replace(CALLING, id="other"), AB, at(200)),
        row_for(CALLING, AB, at(200), about="return"),
        row_for(CALLING, AB, at(200.001)),
    ]
    assert same.id == row().id
    assert len({same.id, *(each.id for each in others)}) == 7


@pytest.mark.parametrize("handling", list(Handling))
def test_only_what_calls_is_told_and_only_of_this_round(handling: Handling) -> None:
    """Nothing is told after it was acknowledged, shelved or closed; nothing of an earlier round."""
    held = alert(handling, cycle=2)
    assert wanted(row(), held) is (handling is U)
    assert not wanted(row(cycle=1), held)
    assert not wanted(row(cycle=3), held)
    assert not wanted(row(), None)


@pytest.mark.parametrize("about", ["dispatch", "taken_over", "return"])
def test_what_one_person_is_told_stands_while_the_same_one_has_it(about: str) -> None:
    """Told since it was taken; the question whether to keep it only while it is asked."""
    told = row(about=about, created=at(100))
    asked = replace(TAKEN, warned=True)
    assert wanted(told, asked)
    assert wanted(told, TAKEN) is (about != "return")
    assert not wanted(replace(told, created=at(99.999)), asked), "of the holder before"
    assert not wanted(told, None)
    for handling in (U, S, X, R):
        assert not wanted(told, alert(handling, warned=True, taken=TAKEN.taken))
    assert not wanted(told, replace(asked, taken=None))


def test_a_later_row_to_the_same_receiver_about_the_same_says_it_all() -> None:
    """Receiver and matter; neither round nor step."""
    one = row()
    assert receiver(one) == ("0190-before", "sms", "AB", "alert")
    assert receiver(replace(one, id="x", step=1, cycle=9, state="failed")) == receiver(one)


def test_a_failed_attempt_is_tried_again_ever_later_and_never_later_than_thirty_seconds() -> None:
    """1 s, 2 s, 4 s, at most 30 s, of which the upper half is left to chance."""
    longest = [backoff(attempts, 1.0).total_seconds() for attempts in range(1, 9)]
    assert longest == [1, 2, 4, 8, 16, 30, 30, 30]
    assert [backoff(attempts, 0.0).total_seconds() for attempts in (1, 2, 6)] == [0.5, 1, 15]
    assert backoff(3, 0.5) == timedelta(seconds=3)
    assert backoff(100_000, 1.0) == timedelta(seconds=30)


def test_a_step_has_failed_when_every_channel_did_and_no_page_has_shown_it() -> None:
    """The page alone never fails a step."""
    failed, sent = row(state="failed"), row(state="sent")
    page, shown = row(channel="page", state="pending"), row(channel="page", state="delivered")
    assert reached_nobody([failed])
    assert reached_nobody([failed, failed, page])
    assert reached_nobody([failed, row(channel="page", state="failed")])
    assert not reached_nobody([failed, sent])
    assert not reached_nobody([failed, page, shown])
    assert not reached_nobody([page])
    assert not reached_nobody([row(channel="page", state="failed")])
    assert not reached_nobody([])
    assert not reached_nobody([row(state="pending")])


def test_of_what_is_told_for_ever_only_what_somebody_needs_is_kept() -> None:
    """The newest, what is unsent, and the last that was delivered of each receiver."""
    states = ["delivered", "delivered", "dropped", "failed", "sending", "pending", "sent", "dropped", "sent"]
    rows = [row(id=f"r{number}", state=state) for number, state in enumerate(states)]
    other = row(id="r-kl", person="KL", state="delivered")
    page = row(id="r-page", channel="page", state="delivered")
    assert [each.id for each in surplus([other, page, *rows], keep=2)] == ["r0", "r2", "r6"]
    assert surplus(rows, keep=9) == []
    assert surplus([], keep=2) == []


def test_shown_on_so_many_of_so_many() -> None:
    """Pages of people, of this round, each person once; delivered to one of a person's counts for both."""
    page: dict[str, Any] = {"channel": "page", "about": "alert", "cycle": 2}
    rows = [
        row(**page, person="AB", state="delivered"),
        row(**page, person="AB", state="pending"),
        row(**page, person="KL", state="pending"),
        row(**page, person=None, state="delivered"),
        row(**page | {"cycle": 1}, person="MN", state="delivered"),
        row(**page | {"about": "return"}, person="MN", state="delivered"),
        row(**page | {"channel": "sms"}, person="MN", state="delivered"),
    ]
    assert shown_on(rows, 2) == (1, 2)
    assert shown_on(reversed(rows), 2) == (1, 2)
    assert shown_on([], 2) == (0, 0)


def test_whose_page_delivers_which_row() -> None:
    """A person's own, in whatever letters; everybody's page any screen's."""
    assert shows(row(channel="page", person="AB"), "ab")
    assert shows(row(channel="page", person=None), "wall-1")
    assert not shows(row(channel="page", person="AB"), "KL")
    assert not shows(row(channel="sms", person="AB"), "AB")
    assert not shows(row(channel="sms", person=None), "AB")
