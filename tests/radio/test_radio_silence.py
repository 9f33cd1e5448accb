"""When silence is too long, what is tried, and how long to wait between tries."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.radio.backoff import Backoff
from gateway.radio.habit import BUCKET_S, BUCKETS_MAX, ENOUGH_FRAMES, UNUSUAL, Habit
from gateway.radio.silence import TELL_AT, Patience, Silence, Step

SPAN_S = 60.0


def tried(silence: Silence, until_s: float, *, span_s: float | None = SPAN_S) -> list[tuple[int, Step]]:
    """Live through a silence, a second at a time; each step brings a new scanner."""
    out = []
    for now in range(int(until_s) + 1):
        step = silence.due(now, span_s)
        if step is not None:
            silence.tried(now)
            silence.began(now)
            out.append((now, step))
    return out


def test_the_gentle_cures_come_before_somebody_is_told() -> None:
    """Scanner, bus, power: each has a moment to work, and all were tried within the 84 s."""
    steps = tried(Silence(SPAN_S, 0.0), 83, span_s=SPAN_S)
    assert steps == [(60, Step.SCANNER), (66, Step.BUS), (72, Step.POWER)]
    assert Patience().silence_s * TELL_AT + Patience().tick_s < 90


def test_a_silence_that_lasts_is_fought_less_and_less_often() -> None:
    """After the three steps the waits double, up to ten spans; it never gives up."""
    steps = [at for at, _ in tried(Silence(SPAN_S, 0.0), 6000, span_s=SPAN_S)]
    waits = [after - before for before, after in pairwise(steps[2:])]
    assert waits[:5] == [60, 120, 240, 480, 600]
    assert set(waits[5:]) == {600}


def test_hearing_something_begins_anew() -> None:
    """One frame, and the next silence starts with the gentlest cure."""
    silence = Silence(SPAN_S, 0.0)
    assert len(tried(silence, 72, span_s=SPAN_S)) == 3
    silence.heard(100)
    assert silence.for_s(101) == 1
    assert silence.due(159, SPAN_S) is None
    assert silence.due(160, SPAN_S) is Step.SCANNER


def test_a_quiet_house_gets_a_new_scanner_now_and_then() -> None:
    """Where nothing need speak, nothing harsher is done."""
    steps = tried(Silence(SPAN_S, 0.0), 1000, span_s=None)
    assert steps == [(300, Step.SCANNER), (600, Step.SCANNER), (900, Step.SCANNER)]


def test_a_scanner_that_took_long_to_start_has_its_moment() -> None:
    """A bluetoothd that hung and answers again is not power-cycled the instant it does."""
    silence = Silence(SPAN_S, 0.0)
    silence.tried(60)
    silence.began(100)
    assert silence.due(100, SPAN_S) is None
    assert silence.due(106, SPAN_S) is Step.BUS


@given(st.integers(0, 2**32), st.floats(0.01, 5), st.floats(5, 100), st.integers(1, 60))
def test_waits_grow_stay_bounded_and_start_over(seed: int, first: float, most: float, times: int) -> None:
    """No wait is longer than the longest, and success brings back the shortest."""
    backoff = Backoff(first, most, Random(seed))
    waits = [backoff.next_s() for _ in range(times)]
    assert all(0 < wait <= most for wait in waits)
    assert waits[0] <= first * 1.25
    backoff.reset()
    assert backoff.next_s() <= first * 1.25


def test_waits_double() -> None:
    """About, because of the jitter."""
    backoff = Backoff(0.1, 30.0, Random(1))
    waits = [backoff.next_s() for _ in range(12)]
    assert waits[4] == pytest.approx(1.6, rel=0.26)
    assert waits[11] >= 22


def test_the_house_teaches_what_silence_is_unusual() -> None:
    """Four times the longest gap of a day, at least the configured span; unknown at first."""
    habit = Habit()
    for n in range(ENOUGH_FRAMES):
        assert habit.unusual_s(at_least=60) is None
        habit.heard(10.0 * n)
    assert habit.unusual_s(at_least=60) == 60
    now = 10.0 * ENOUGH_FRAMES + 500
    habit.heard(now)
    assert habit.unusual_s(at_least=60) == UNUSUAL * 510
    habit.interrupted()
    habit.heard(now + 5000)
    assert habit.unusual_s(at_least=60) == UNUSUAL * 510
    for hour in range(1, BUCKETS_MAX + 2):
        for n in range(int(BUCKET_S) // 30):
            habit.heard(now + 5000 + hour * BUCKET_S + 30 * n)
    assert habit.unusual_s(at_least=60) == UNUSUAL * 30


def test_a_step_that_helped_is_known() -> None:
    """What is heard just after a step was not the house's own silence."""
    silence = Silence(SPAN_S, 0.0)
    silence.heard(10)
    assert not silence.cured(11)
    silence.tried(70)
    assert silence.cured(75)
    assert not silence.cured(100)
    silence.heard(75)
    assert not silence.cured(76)
