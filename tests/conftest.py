"""What all tests share: the support package on the path, and properties that no slow machine fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("velgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("velgate")

LONGEST_FIRST = ("sim", "system", "board", "contract")
"""Areas whose files take longest: begun first, so that no worker is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""

    def turn(item: pytest.Item) -> int:
        area = item.path.parent.name
        return LONGEST_FIRST.index(area) if area in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=turn)
