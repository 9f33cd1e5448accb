"""What must hold, whatever happened. Written from what alerts promise, not from how the gateway keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sim.checkers import calls, devices, outlets, record, telling
from sim.facts import Facts

Checker = Callable[[Facts], Iterator[str]]

CHECKERS: tuple[Checker, ...] = (
    calls.every_call_is_in_one_alert,
    devices.what_is_refused_is_told,
    telling.nothing_is_told_of_what_somebody_has,
    telling.two_people_do_not_both_have_it,
    telling.what_nobody_has_is_told_again,
    telling.what_is_taken_and_left_comes_back,
    outlets.broker_gets_every_reading_in_order,
    outlets.database_gets_every_reading_in_order,
    outlets.everything_recovers,
    outlets.nothing_stands_behind,
    outlets.broker_retains_what_is_open,
    record.the_log_is_whole,
    record.what_was_confirmed_is_written_down,
    record.nothing_leaves_that_must_not,
)


def violations(facts: Facts) -> list[str]:
    """Give everything that does not hold, each with the checker's name."""
    return [f"{checker.__name__}: {found}" for checker in CHECKERS for found in checker(facts)]
