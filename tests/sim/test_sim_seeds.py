"""The share of the simulation that every change must pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SEEDS = 200
FAULTS_MET = (
    "air_corrupted",
    "air_dropped",
    "air_reordered",
    "boot_in_the_past",
    "broker_away",
    "broker_busy",
    "broker_died_after_taking",
    "broker_hangs",
    "broker_lost_what_it_retained",
    "clock_set_right",
    "clock_stepped",
    "database_away",
    "database_took_a_part",
    "disk_full",
    "disk_hangs",
    "kill",
    "power_cut",
    "receiver_died_after_taking",
    "receiver_fails",
    "receiver_hangs",
    "stop",
)
"""What must have happened somewhere among them: a checker that never meets its fault proves nothing."""


def run(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run Python where the simulation is."""
    return subprocess.run(
        ["nice", "-n", "10", sys.executable, *arguments],  # the other tests wait for real things
        cwd=TESTS,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def traces(hash_seed: str, *seeds: int) -> list[str]:
    """Play seeds in a process of their own; gives the fingerprints of their traces."""
    code = f"from sim.play import play; print(*(play(seed).digest for seed in {seeds}))"
    done = run("-c", code, hash_seed=hash_seed)
    assert done.returncode == 0, done.stderr
    digests = done.stdout.split()
    assert len(digests) == len(seeds)
    return digests


def test_one_seed_is_one_trace_whatever_the_hash_seed_is() -> None:
    """Twice in one process and again in another, with another hash seed: nothing but the seed counts."""
    every = {*traces("1", 3, 11, 3, 11), *traces("4242", 3, 11)}
    assert len(every) == 2


def test_the_share_that_belongs_to_every_change_holds() -> None:
    """In processes of their own, which no measuring of coverage slows down."""
    done = run("-m", "sim", "--seeds", str(SEEDS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} seeds of {SEEDS}" in done.stdout
    for fault in FAULTS_MET:
        assert f" {fault} " in done.stdout, f"no seed met {fault}"
