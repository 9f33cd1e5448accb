"""The books of the kill campaign see each wrong that it is there to find."""

from __future__ import annotations

from typing import Any

import pytest

from kills.accounts import GRACE_S, Accounts, Press, Telling, Wrong

A = "019aa000-0000-7000-8000-00000000000a"


def alert(**changes: Any) -> dict[str, Any]:
    """Make the parts of an alert that the books look at."""
    return {
        "id": A,
        "key": "help-call/kald-01",
        "device": "kald-01",
        "concern": "self",
        "handling": "unacknowledged",
        "rev": 3,
        "count": 2,
        "taken": None,
        "outcome": None,
    } | changes


def books(**changes: Any) -> Accounts:
    """Open books in which one alert is known, of two presses that were made long ago."""
    made = Accounts()
    for at_s in (10.0, 11.0):
        made.press(Press("kald-01", at_s))
    made.died(100.0)
    made.kept(alert(**changes))
    return made


def event(number: int, device: str = "kald-01") -> dict[str, Any]:
    """Make a row of the history."""
    return {"id": f"event-{number}", "device": device}


def telling(**changes: Any) -> Telling:
    """Make a notification."""
    made = {"key": "k", "alert": A, "rev": 3, "about": "alert", "life": 1, "at_s": 0.0}
    return Telling(**(made | changes))


def test_what_is_right_is_right() -> None:
    """The same state, or a later one, with both presses once."""
    seen = books()
    seen.check_alerts([alert()])
    seen.check_alerts([alert(rev=4, handling="acknowledged", taken={"by": "ab"})])
    seen.check_events([event(1), event(2)])
    seen.check_events([event(2)])
    seen.check_counts()
    seen.tellings += [telling(), telling(key="l", life=2), telling(key="l", life=3)]
    seen.check_tellings()
    assert not seen.missing()
    assert seen.never_heard == 0


@pytest.mark.parametrize(
    "now",
    [
        [],
        [alert(rev=2)],
        [alert(count=1)],
        [alert(handling="acknowledged", taken={"by": "ab"})],
        [alert(), alert(id="another")],
    ],
    ids=["gone", "older", "fewer presses", "changed under the same rev", "two of one key"],
)
def test_an_alert_that_was_lost_changed_or_doubled_is_seen(now: list[dict[str, Any]]) -> None:
    """Each is wrong against one alert that was said to be kept."""
    with pytest.raises(Wrong):
        books().check_alerts(now)


def test_a_taken_alert_that_nobody_has_any_more_is_seen() -> None:
    """The answer 200 was given, and afterwards it is as if nobody had taken it."""
    with pytest.raises(Wrong):
        books(rev=4, handling="acknowledged", taken={"by": "ab"}).check_alerts([alert(rev=3)])


def test_a_press_that_counts_twice_is_seen() -> None:
    """In the history by number, or under one id for two devices; and in the alert against the history."""
    with pytest.raises(Wrong):
        books().check_events([event(1), event(2), event(3)])
    with pytest.raises(Wrong):
        books().check_events([event(1), event(1, "kald-02")])
    seen = books(count=3)
    seen.check_events([event(1), event(2)])
    with pytest.raises(Wrong):
        seen.check_counts()


def test_a_press_that_must_have_been_heard_and_was_not_is_seen() -> None:
    """One made just before the kill may find nobody; one made well before it, or in this life, may not."""
    seen = books()
    seen.check_events([event(1)])
    assert seen.missing() == {"kald-01": 1}
    late = Accounts()
    late.press(Press("kald-01", 100.0 - GRACE_S / 2))
    late.died(100.0)
    assert not late.missing()
    late.press(Press("kald-01", 101.0))
    assert late.missing() == {"kald-01": 1}
    late.born()
    assert not late.missing()


def test_telling_what_somebody_has_and_telling_twice_is_seen() -> None:
    """By the revision in which it was taken; and by the key within one life."""
    taken = books(rev=4, handling="acknowledged", taken={"by": "ab"})
    taken.tellings.append(telling(rev=4))
    with pytest.raises(Wrong):
        taken.check_tellings()
    twice = books()
    twice.tellings += [telling(), telling()]
    with pytest.raises(Wrong):
        twice.check_tellings()
