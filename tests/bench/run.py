"""`make bench`: every figure that the project claims, as a table and as build/bench.json.

The machine decides much: read ratios within one run, and read tails as factors of five. The three loads are
those of the alarm path: idle, 100 devices that speak once a second, broker and database away.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from bench import decoding  # noqa: E402
from bench.figures import Figure, spread, table, write  # noqa: E402
from bench.gateway import BIN, Gateway, gateway  # noqa: E402
from bench.latency import committed, measure  # noqa: E402
from support.children import free_port  # noqa: E402

WARM_S = 3.0
CPU_OVER_S = 15.0
CARD_MS = 8  # each sync of the modelled card


async def loads(folder: Path, *, card: bool) -> list[Figure]:
    """Measure the alarm path in its three loads, on this disk or on the modelled card."""
    disk = "card" if card else "disk"
    sync_ms = CARD_MS if card else 0
    goals = {"committed": (15.0, 40.0), "shown": (20.0, 60.0)} if card else {
        "committed": (3.0, 15.0), "shown": (10.0, 30.0),
    }  # fmt: skip
    under_load = (30.0, 90.0) if card else (15.0, 50.0)
    found: list[Figure] = []
    with gateway(_new(folder, f"{disk}-idle"), sync_ms=sync_ms) as house:
        await asyncio.sleep(WARM_S)
        if not card:
            found += _start(house)
        found += spread(f"{disk}, idle: committed", await committed(house), goals["committed"])
        found += _shown(f"{disk}, idle", await measure(house, mqtt=True), goals["shown"])
    with gateway(_new(folder, f"{disk}-hundred"), load=100, sync_ms=sync_ms) as house:
        await asyncio.sleep(WARM_S)
        if not card:
            found += [await _cpu(house)]
        found += _shown(f"{disk}, 100 devices/s", await measure(house, mqtt=True), goals["shown"])
    nobody = f"http://127.0.0.1:{free_port()}"
    with gateway(_new(folder, f"{disk}-away"), load=100, influx=nobody, sync_ms=sync_ms) as house:
        await asyncio.sleep(WARM_S)
        house.broker.kill()
        found += _shown(f"{disk}, broker and database away", await measure(house, mqtt=False), under_load)
    return found


def _new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _shown(load: str, latencies: dict[str, list[float]], goals: tuple[float, float]) -> list[Figure]:
    names = {"page": "on the page's stream", "mqtt": "on MQTT"}
    return [
        figure
        for where, values in latencies.items()
        for figure in spread(f"{load}: {names[where]}", values, goals)
    ]


def _start(house: Gateway) -> list[Figure]:
    return [
        Figure(name="start of velgate run", value=house.start_s * 1000, unit="ms", goal=3000, better="lower"),
        Figure(name="memory after start", value=house.rss_mb(), unit="MB", goal=90, better="lower"),
    ]


async def _cpu(house: Gateway) -> Figure:
    before = house.cpu_s()
    await asyncio.sleep(CPU_OVER_S)
    share = (house.cpu_s() - before) / CPU_OVER_S * 100
    return Figure(
        name="processor at 100 devices/s", value=share, unit="% of a core", goal=None, better="lower"
    )


def help_text() -> Figure:
    """Measure how long the command line takes to say what it can."""
    spans = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([str(BIN / "velgate"), "--help"], stdout=subprocess.DEVNULL, check=True)
        spans.append((time.perf_counter() - began) * 1000)
    return Figure(name="velgate --help", value=sorted(spans)[2], unit="ms", goal=500, better="lower")


def main() -> int:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="velgate-bench-") as name:
        folder = Path(name)
        found = [*decoding.figures(folder), help_text()]
        found += asyncio.run(loads(folder, card=False))
        found += asyncio.run(loads(folder, card=True))
    write(found, ROOT / "build" / "bench.json")
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
