"""Every input in every state, exhaustively, against the law of the life-cycle as the specification has it.

All products are counted, so that none can shrink unseen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gateway.alerts.inputs import Acknowledge, Assist, Extend, Join, Presence, Shelve
from gateway.alerts.lifecycle import step
from gateway.model.alert import Alert, Handling
from support.alarm_cases import at, refusal
from support.alarm_every import NOW, alert, histories, inputs, kinds_of_alert, now
from support.alarm_law import differs, policies
from support.alarm_law_people import FITS, law, words

INPUTS = inputs()
KINDS = list(kinds_of_alert())
HISTORIES = list(histories())
FAMILIES = sorted({name.partition(" ")[0] for name in INPUTS})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_alert_that_can_be_takes_every_input_as_the_law_has_it(family: str) -> None:
    """State, condition, priority, concern, latching, auto_resolve, presence: each with each."""
    _try(KINDS, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_happened_before_every_input_is_taken_as_the_law_has_it(family: str) -> None:
    """Who came along, who had it, how far it was told, when it comes back: each with each input."""
    _try(HISTORIES, family)


def _try(alerts: list[Alert], family: str) -> None:
    for name, given in INPUTS.items():
        if name.partition(" ")[0] == family:
            for before in alerts:
                found = differs(before, given(before), now(), law(before, given(before), now()))
                assert found is None, f"{name} when {before.handling}, {before}: {found}"


def test_without_an_alert_every_input_is_decided() -> None:
    """An occurrence opens one, complete; everything else finds none, which is answered and audited."""
    like = KINDS[0]
    for name, given in INPUTS.items():
        found = differs(None, given(like), now(), law(None, given(like), now()))
        assert found is None, f"{name}: {found}"


def test_a_deed_done_twice_by_the_same_person_is_done_once() -> None:
    """The first answer was lost on the way: the second changes nothing, tells nobody, and is no error."""
    twice = Counter[type]()
    later = at(NOW + 2)
    for before in HISTORIES:
        for name, given in INPUTS.items():
            deed = given(before)
            if type(deed) not in FITS or isinstance(deed, Extend):  # more time asked for again is more time
                continue
            after, effects = step(before, deed, now(), policies)
            if refusal(effects) is None and after is not before:
                again = replace(deed, by=deed.by.upper())  # type: ignore[call-arg, type-var, union-attr]
                assert step(after, again, later, policies) == (after, ()), f"{name} of {before}"
                twice[type(deed)] += 1
    assert set(twice) == set(FITS) - {Extend}
    assert sum(twice.values()) == 4102


def test_a_shelf_of_so_many_minutes_asked_for_again_is_the_same() -> None:
    """Although it would end later; another span is not."""
    first = Shelve(by="AB", until=at(NOW + 600), spoken=True, asked="10m")
    after, _ = step(alert(Handling.UNACKNOWLEDGED), first, now(), policies)
    assert after is not None
    assert step(after, replace(first, until=at(NOW + 602)), at(NOW + 2), policies) == (after, ())
    found = refusal(step(after, replace(first, asked="11m"), at(NOW + 2), policies)[1])
    assert found is not None
    assert found.code == "wrong_state"


def test_any_other_deed_is_decided_as_if_the_first_had_no_memory() -> None:
    """After whatever somebody did, every other input follows the law of the state it came into."""
    tried = 0
    for handling in Handling:
        before = alert(handling, kind="fall.detected")
        for first in INPUTS.values():
            deed = first(before)
            if words(deed) is None or getattr(deed, "by", "") not in ("KL", "AB"):
                continue
            after, effects = step(before, deed, now(), policies)
            if refusal(effects) is not None or after is None or after is before:
                continue
            for name, second in INPUTS.items():
                given = second(after)
                if words(given) == words(deed) and words(given) is not None:
                    continue
                tried += 1
                found = differs(after, given, now(), law(after, given, now()))
                assert found is None, f"{name} after {deed}: {found}"
    assert tried == 8980


def test_nothing_is_left_out() -> None:
    """So many alerts and inputs there are; each handling has its share, each input its row."""
    assert Counter(each.handling for each in KINDS) == {
        Handling.UNACKNOWLEDGED: 160,
        Handling.ACKNOWLEDGED: 160,
        Handling.SHELVED: 160,
        Handling.SUPPRESSED: 80,
        Handling.RESOLVED: 192,
    }
    kinds = {type(given(KINDS[0])) for given in INPUTS.values()}
    assert kinds >= {*FITS, Assist, Acknowledge, Join, Presence}
    assert len(kinds) == 18
    assert (len(INPUTS), len(HISTORIES)) == (148, 150)
    assert len(INPUTS) * (len(KINDS) + len(HISTORIES) + 1) == 133_644
