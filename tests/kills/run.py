"""`make kills ROUNDS=200 [SEED=n] [WITHIN=2]`: the campaign, with its progress and a summary."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from kills.accounts import Wrong  # noqa: E402
from kills.campaign import Campaign, Round, campaign  # noqa: E402

EVERY_ROUNDS = 10  # a line for each so many, where nobody looks at a terminal


def _line(each: Round, rounds: int) -> str:
    late = "nothing due" if each.late_s is None else f"{each.late_alerts} due, told in {each.late_s:.2f} s"
    return (
        f"round {each.number:>3}/{rounds}  killed {each.moment}; back in {each.back_s:.2f} s; {late}; "
        f"{each.open} open, {each.counted} of {each.pressed} presses heard"
    )


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _summary(done: list[Round], run: Campaign, within_s: float, took_s: float) -> tuple[str, bool]:
    books = run.books
    back = [each.back_s for each in done]
    late = [each.late_s for each in done if each.late_s is not None]
    missed = [each.number for each in done if each.late_s is not None and each.late_s > within_s]
    rows = [
        f"{len(done)} kills, seed {run.seed}, {took_s:.0f} s: nothing lost, nothing doubled",
        f"  presses        {books.pressed.total()}, around a kill and heard by nobody {books.never_heard}",
        f"  alerts         {len(books.alerts)}, all there by id; each once on MQTT and on the page",
        f"  notifications  {len(books.tellings)}, none while somebody had the alert",
        f"  ready again    median {_share(back, 0.5):.2f} s, 99 % {_share(back, 0.99):.2f} s",
    ]
    if late:
        due = sum(each.late_alerts for each in done)
        verdict = "reached" if not missed else f"MISSED in rounds {', '.join(map(str, missed))}"
        median, most, worst = _share(late, 0.5), _share(late, 0.99), max(late)
        rows += [
            f"  escalation     {due} steps came due meanwhile; goal {within_s:g} s from the start: {verdict}",
            f"                 median {median:.2f} s, 99 % {most:.2f} s, at most {worst:.2f} s",
        ]
    return "\n".join(rows), not missed


def _leaves(group: BaseExceptionGroup[Wrong]) -> list[BaseException]:
    found: list[BaseException] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found


async def _run(rounds: int, seed: int, within_s: float) -> int:
    began = time.monotonic()
    done: list[Round] = []

    def tell(each: Round) -> None:
        done.append(each)
        if sys.stderr.isatty() or each.number % EVERY_ROUNDS == 0 or each.number == 1:
            print(_line(each, rounds), file=sys.stderr, flush=True)

    folder = Path(tempfile.mkdtemp(prefix="velgate-kills-"))
    wrong: list[str] = []
    try:
        async with campaign(folder, seed) as run:
            await run.run(rounds, tell)
    except* Wrong as group:
        wrong += [str(each) for each in _leaves(group)]
    if wrong:
        print(*(f"WRONG: {each}" for each in wrong), sep="\n", file=sys.stderr)
        print(f"Again: make kills ROUNDS={rounds} SEED={seed}   (its files: {folder})", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    text, reached = _summary(done, run, within_s, time.monotonic() - began)
    print(text)
    return 0 if reached else 1


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--within", type=float, default=2.0, help="seconds from the start to a step that is due"
    )
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    return asyncio.run(_run(options.rounds, seed, options.within))


if __name__ == "__main__":
    raise SystemExit(main())
