"""`make bench`: every figure that the project claims, as a table (build/bench.txt) and as build/bench.json.

The machine decides much: read ratios within one run, and read tails as factors of five. For a part:
`python tests/bench/run.py --loads idle,all --disks disk` (nothing is written then).
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from bench import decoding  # noqa: E402
from bench.backlog import Backlog  # noqa: E402
from bench.figures import Figure, machine, table, write  # noqa: E402
from bench.gateway import BIN  # noqa: E402
from bench.loads import LOADS, Disk  # noqa: E402

DISKS = ("disk", "card")


def help_text() -> Figure:
    """Measure how long the command line takes to say what it can."""
    spans = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([str(BIN / "velgate"), "--help"], stdout=subprocess.DEVNULL, check=True)
        spans.append((time.perf_counter() - began) * 1000)
    return Figure(name="velgate --help", value=sorted(spans)[2], unit="ms", goal=500, better="lower")


def main() -> int:
    """Measure everything, or the loads that were named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", default="")
    parser.add_argument("--disks", default=",".join(DISKS))
    options = parser.parse_args()
    part = tuple(each for each in options.loads.split(",") if each)
    found: list[Figure] = []
    began = machine()
    with tempfile.TemporaryDirectory(prefix="velgate-bench-") as name:
        folder = Path(name)
        if not part:
            found += [*decoding.figures(folder), help_text()]
        backlog = Backlog(folder)
        for each in options.disks.split(","):
            disk = Disk(folder=folder, backlog=backlog, card=each == "card")
            found += asyncio.run(disk.run(part or LOADS))
    text = f"{began}\n\n{table(found)}"
    if not part:
        write(found, ROOT / "build" / "bench.json")
        (ROOT / "build" / "bench.txt").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
