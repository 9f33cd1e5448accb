"""What the recorded life of a journal (`journal_life_child.py`) and the test that cuts it both know."""

from __future__ import annotations

from typing import Final

LIVES: Final = 3
KEPT_S: Final = 40.0
"""How long things are kept, in the time of the child's clock."""
READINGS_BYTES: Final = 60_000


def value_of(seq: int) -> float:
    """Give the value of the reading with this number, so that each row can be told right from wrong."""
    return float(seq * 7919 % 100_003)
