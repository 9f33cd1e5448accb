"""The checkers can fail: each planted mistake is found by the checker that is there for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sim.planted import PLANTED

TESTS = Path(__file__).parents[1]


def test_each_planted_mistake_is_found() -> None:
    """In a process of its own, which no measuring of coverage slows down."""
    done = subprocess.run(
        ["nice", "-n", "10", sys.executable, "-m", "sim.planted"],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(PLANTED)
