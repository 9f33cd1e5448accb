"""The share of the simulation that every change must pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sim.play import play

TESTS = Path(__file__).parents[1]


def trace_of(seed: int, hash_seed: str) -> str:
    """Play a seed in a process of its own; gives the fingerprint of its trace."""
    done = subprocess.run(
        [sys.executable, "-c", f"from sim.play import play; print(play({seed}).digest)"],
        cwd=TESTS,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


def test_one_seed_is_one_trace_whatever_the_hash_seed_is() -> None:
    """Twice in this process, and with two other hash seeds in others: nothing but the seed counts."""
    for seed in (3, 11):
        here = play(seed).digest
        assert here == play(seed).digest
        assert {trace_of(seed, "1"), trace_of(seed, "4242")} == {here}
