"""Timers across a restart: due at once, as much later as is left, or set anew by their owner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.alerts.timers import carried_over, set_anew
from gateway.model.clock import ClockQuality, Instant
from gateway.model.rows import Timer
from support.alarm_cases import at

NEXT = "22222222-2222-2222-2222-222222222222"
SYNCED, HOLDOVER, UNSYNCED = ClockQuality.SYNCED, ClockQuality.HOLDOVER, ClockQuality.UNSYNCED
CARRIED = {"key": "kept"}
MOMENT_90 = f"{at(90).boot}/{at(90).mono_ns}"
"""How a timer that was carried over a boot names the moment it stands for."""
ALARMS = ("escalate", "return", "warn", "shelf")


def timer(kind: str, due: Instant) -> Timer:
    """Give a timer of an alert."""
    return Timer(subject="alert:0190", kind=kind, rev=4, due=due, data={"key": "kept"})


def restarted(seconds: float, quality: ClockQuality = SYNCED) -> Instant:
    """Give a moment of the next boot, whose monotonic time has begun anew."""
    wall = at(seconds).wall_ns
    return Instant(wall, 5_000_000_000, NEXT, quality)


@pytest.mark.parametrize("kind", [*ALARMS, "missing"])
@pytest.mark.parametrize("quality", list(ClockQuality))
def test_within_a_boot_a_timer_stands(kind: str, quality: ClockQuality) -> None:
    """Whatever the wall clock does: it runs on monotonic time. One that is late stays so."""
    for due in (at(60, quality=quality), at(10, quality=quality)):
        each = timer(kind, due)
        assert carried_over(each, at(30, quality=quality)) is each


@pytest.mark.parametrize("kind", [*ALARMS, "missing"])
@pytest.mark.parametrize(("then", "now"), [(SYNCED, SYNCED), (SYNCED, HOLDOVER), (HOLDOVER, SYNCED)])
def test_across_a_boot_the_wall_clock_says_how_much_is_left(
    kind: str, then: ClockQuality, now: ClockQuality
) -> None:
    """Thirty seconds of darkness count; what came due in the dark is due at once, not in the past."""
    here = restarted(30, now)
    left = carried_over(timer(kind, at(90, quality=then)), here)
    assert left is not None
    assert (left.subject, left.kind, left.rev, left.data["key"]) == ("alert:0190", kind, 4, "kept")
    assert (left.due.boot, left.due.mono_ns - here.mono_ns) == (NEXT, 60 * 10**9)
    assert left.due.wall_ns == at(90).wall_ns
    late = carried_over(timer(kind, at(10, quality=then)), here)
    assert late is not None
    assert late.due == here


def test_carried_over_again_it_still_stands_for_its_first_moment() -> None:
    """Two power cuts in a row."""
    once = carried_over(timer("escalate", at(90)), restarted(30))
    assert once is not None
    third = replace(restarted(40), boot="33333333-3333-3333-3333-333333333333")
    twice = carried_over(once, third)
    assert twice is not None
    assert twice.data == CARRIED | {"of": MOMENT_90}
    assert (twice.due.boot, twice.due.wall_ns) == (third.boot, at(90).wall_ns)


def test_a_timer_set_for_a_moment_of_an_earlier_boot_goes_on_as_it_runs() -> None:
    """The wall clock may have jumped since it was carried over: that moves no timer."""
    meant = timer("return", at(90))
    running = carried_over(meant, restarted(30))
    assert running is not None
    jumped = replace(restarted(30), wall_ns=at(30).wall_ns + 10**15, mono_ns=9_000_000_000)
    asked = replace(meant, rev=5)
    assert set_anew(asked, [running], jumped) == replace(running, rev=5)
    others = [
        replace(running, kind="warn"),
        replace(running, due=replace(running.due, boot="33333333-3333-3333-3333-333333333333")),
        replace(running, data={"of": "another moment"}),
        replace(running, data={}),
    ]
    assert set_anew(asked, others, jumped) == carried_over(asked, jumped)
    assert set_anew(asked, [], restarted(30)) == replace(running, rev=5)
    here = replace(asked, due=restarted(70))
    assert set_anew(here, [running], jumped) is here
    owned = replace(timer("missing", at(90, quality=UNSYNCED)), rev=5)
    assert set_anew(owned, [], restarted(30)) == owned


@pytest.mark.parametrize(("then", "now"), [(UNSYNCED, SYNCED), (SYNCED, UNSYNCED), (UNSYNCED, UNSYNCED)])
def test_where_a_clock_was_not_set_early_beats_late(then: ClockQuality, now: ClockQuality) -> None:
    """Escalation, return and shelf are due at once; only what waits for silence starts anew."""
    here = restarted(30, now)
    for kind in ALARMS:
        moved = carried_over(timer(kind, at(9000, quality=then)), here)
        assert moved is not None
        assert (moved.due, moved.rev) == (here, 4)
    assert carried_over(timer("missing", at(9000, quality=then)), here) is None


def test_a_timer_that_runs_for_the_same_moment_goes_on_as_it_runs() -> None:
    """Set anew for a moment of an earlier boot, after the wall clock has jumped: that moves no timer."""
    here = restarted(30)
    running = carried_over(timer("return", at(90)), here)
    assert running is not None
    jumped = Instant(at(-3570).wall_ns, here.mono_ns, NEXT, SYNCED)
    again = set_anew(timer("return", at(90)), [running], jumped)
    assert (again.due, again.rev) == (running.due, 4)
    for others in ([], [timer("warn", running.due)], [timer("return", running.due)]):
        alone = set_anew(timer("return", at(90)), others, jumped)
        assert alone.due.mono_ns - jumped.mono_ns == 3660 * 10**9, (
            "by the wall clock, for nothing else is known"
        )
    later = set_anew(timer("return", at(120)), [running], here)
    assert later.due.mono_ns - here.mono_ns == 90 * 10**9, "it waits for another moment"


def test_a_timer_of_this_boot_is_set_as_it_says() -> None:
    """Whatever runs already."""
    due = restarted(60)
    each = timer("return", due)
    assert set_anew(each, [timer("return", restarted(40))], restarted(30)) is each


def test_a_timer_carried_over_two_boots_still_waits_for_its_moment() -> None:
    """What its subject names does not change with each boot."""
    here = restarted(30)
    once = carried_over(timer("return", at(90)), here)
    assert once is not None
    third = Instant(at(40).wall_ns, 0, "33333333-3333-3333-3333-333333333333", SYNCED)
    twice = carried_over(once, third)
    assert twice is not None
    jumped = Instant(at(-3560).wall_ns, 0, third.boot, SYNCED)
    assert set_anew(timer("return", at(90)), [twice], jumped).due == twice.due
