"""What became of a frame in its driver's hands."""

from __future__ import annotations

from typing import NamedTuple

from gateway.driver import Fact

FACTS_MAX = 512  # of one frame: more is a driver that does not end


class Fault(NamedTuple):
    """What was wrong with a frame: a code of the contract, and the words."""

    code: str
    message: str


class Outcome(NamedTuple):
    """What a driver made of a frame: the facts it gave, then the fault that ended it, if one did."""

    facts: list[Fact]
    fault: Fault | None
    key_owner: str | None = None
    """The address whose key opened it: the counter among the facts is that device's."""
