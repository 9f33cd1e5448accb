"""What must hold, whatever happened. Written from what alerts promise, not from how the gateway keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sim.checkers.calls import every_call_is_in_one_alert
from sim.facts import Facts

Checker = Callable[[Facts], Iterator[str]]

CHECKERS: tuple[Checker, ...] = (every_call_is_in_one_alert,)


def violations(facts: Facts) -> list[str]:
    """Give everything that does not hold, each with the checker's name."""
    return [f"{checker.__name__}: {found}" for checker in CHECKERS for found in checker(facts)]
