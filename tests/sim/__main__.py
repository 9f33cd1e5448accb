"""Plays seeds over all cores: `make sim SEEDS=200`, or one of them alone: `make sim SEED=8121`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult

from sim.play import Verdict, play

FAILURES_SHOWN = 3


def main() -> int:
    """Play, and say what came of it."""
    asked = argparse.ArgumentParser(prog="make sim", description=__doc__)
    asked.add_argument("--seeds", type=int, default=200, help="how many, from --from on")
    asked.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    asked.add_argument("--seed", type=int, help="this one alone, with everything that happened")
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    asked.add_argument("--seconds", type=float, help="begin no further seed after so long")
    given = asked.parse_args()
    if given.seed is not None:
        return _alone(given.seed)
    return _many(range(given.first, given.first + given.seeds), given.jobs, given.seconds)


def _alone(seed: int) -> int:
    verdict = play(seed)
    if verdict.wrong:
        print(verdict.report())
        return 1
    print(f"seed {seed} holds: {verdict.virtual_s:.0f} virtual seconds, trace {verdict.digest[:16]}")
    _say(verdict.faults, verdict.happened)
    return 0


def _many(seeds: range, jobs: int, seconds: float | None) -> int:
    began = time.monotonic()
    failed: list[Verdict] = []
    faults: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    count, virtual_s = 0, 0.0
    for verdict in _played(seeds, jobs, seconds):
        count += 1
        if count % 100 == 0:
            print(f"{count} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
        virtual_s += verdict.virtual_s
        faults.update(verdict.faults)
        happened.update(verdict.happened)
        if verdict.wrong:
            failed.append(verdict)
            if len(failed) <= FAILURES_SHOWN:
                print(verdict.report(), flush=True)
            else:
                print(f"seed {verdict.seed} fails: {verdict.wrong[0]}", flush=True)
    took_s = time.monotonic() - began
    print(f"{count} seeds of {len(seeds)} in {took_s:.0f} s: {virtual_s / 3600:.1f} virtual hours")
    _say(faults, happened)
    if failed:
        print(f"{len(failed)} seeds failed: {' '.join(str(each.seed) for each in failed)}")
    return 1 if failed or not count else 0


def _played(seeds: range, jobs: int, seconds: float | None) -> Iterator[Verdict]:
    until = None if seconds is None else time.monotonic() + seconds

    def due() -> Iterator[int]:
        for seed in seeds:
            if until is not None and time.monotonic() > until:
                return
            yield seed

    if jobs == 1:
        yield from map(play, due())
        return
    with get_context("fork").Pool(jobs, maxtasksperchild=50) as pool:
        ahead: list[AsyncResult[Verdict]] = []
        every = due()
        while True:
            while len(ahead) < 2 * jobs and (seed := next(every, None)) is not None:
                ahead.append(pool.apply_async(play, (seed,)))
            if not ahead:
                return
            yield ahead.pop(0).get()


def _say(faults: Counter[str], happened: Counter[str]) -> None:
    print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    print("events: " + ", ".join(f"{name} {count}" for name, count in sorted(happened.items())))


if __name__ == "__main__":
    sys.exit(main())
