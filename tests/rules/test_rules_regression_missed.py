"""A call that nobody heard, known by the gap before what was heard: somebody has to go and look (V17)."""

from __future__ import annotations

from dataclasses import replace

from support.rule_house import RuleHouse, shortly


def test_what_ended_after_a_call_that_was_missed_raises_it() -> None:
    """The press was lost in the air; its end came through. People close calls, no device does."""
    house = RuleHouse()
    record = house.record("kald-12", "help_call", "cancelled")
    assert not [each for each in shortly(house.judge(record)) if each.startswith("+")]
    missed = shortly(house.judge(replace(record, missed=1)))
    assert missed[0] == "+help-call/kald-12 help_call.press high"
    assert len([each for each in missed if each.startswith("+")]) == 1


def test_a_press_after_one_that_was_missed_is_one_call() -> None:
    """It raises the alert by itself."""
    house = RuleHouse()
    record = replace(house.record("kald-12", "help_call", "long_press"), missed=3)
    assert shortly(house.judge(record)) == ["+help-call/kald-12 help_call.long_press emergency"]


def test_a_fall_that_was_missed_is_a_fall() -> None:
    """A detector that says only that it was a mistake has said before that there was one."""
    house = RuleHouse()
    record = house.record("fald-12", "fall", "cancelled")
    (fall, *_) = shortly(house.judge(replace(record, missed=1)))
    assert fall.startswith("+fall/fald-12 fall.detected")
