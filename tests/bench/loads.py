"""The loads under which the alarm path is measured, each in a gateway of its own.

The three of the goals: idle; 100 devices that speak once a second; and all at once: 500 such devices,
InfluxDB away, a backlog of 500,000 readings draining to the broker, and a report that reads the history.
Beside them: broker and database away, and 50 screens.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import fanout
from bench.backlog import DEVICES, READINGS, Backlog, report_of
from bench.figures import Figure, percentile, spread
from bench.gateway import PERSON, Gateway, gateway
from bench.latency import committed, measure
from support.children import free_port

WARM_S = 3.0
CPU_OVER_S = 15.0
CARD_MS = 8  # each sync of the modelled card
NAMES = {"page": "on the page's stream", "mqtt": "on MQTT"}
LOADS = ("idle", "screens", "hundred", "away", "all")

Goals = tuple[float, float]
"""Median and 99th percentile in ms."""
NoGoals = tuple[None, None]


@dataclass(kw_only=True)
class Disk:
    """One disk with its goals, and what has been measured on it."""

    folder: Path
    backlog: Backlog
    card: bool
    """Whether each sync takes as long as on the modelled card."""
    found: list[Figure] = field(default_factory=list)
    _idle: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the figures call it."""
        return "card" if self.card else "disk"

    @property
    def _sync_ms(self) -> int:
        return CARD_MS if self.card else 0

    @property
    def _shown(self) -> Goals:
        return (20.0, 60.0) if self.card else (10.0, 30.0)

    @property
    def _under_load(self) -> Goals:
        return (30.0, 90.0) if self.card else (15.0, 50.0)

    async def run(self, loads: tuple[str, ...] = LOADS) -> list[Figure]:
        """Measure under these loads, in this order."""
        works = {
            "idle": self._idle_home,
            "screens": self._screens,
            "hundred": self._hundred,
            "away": self._away,
            "all": self._all_at_once,
        }
        for load in loads:
            await works[load](self._new(load))
        return self.found

    def _new(self, load: str) -> Path:
        made = self.folder / f"{self.name}-{load}"
        made.mkdir()
        return made

    async def _idle_home(self, at: Path) -> None:
        with gateway(at, sync_ms=self._sync_ms) as house:
            await asyncio.sleep(WARM_S)
            if not self.card:
                self.found += _start(house)
            commits = await committed(house)
            self.found += spread(f"{self.name}, idle: committed", commits, (15, 40) if self.card else (3, 15))
            self._idle = await measure(house, mqtt=True)
            self._take("idle", self._idle, self._shown)

    async def _screens(self, at: Path) -> None:
        with gateway(at, sync_ms=self._sync_ms) as house:
            await asyncio.sleep(WARM_S)
            screens = await fanout.measure(house, PERSON)
            self.found += spread(
                f"{self.name}, 50 screens: on the last stream", screens["stream"], self._shown
            )
            self.found += spread(f"{self.name}, 50 screens: drawn in the browser", screens["page"], None)

    async def _hundred(self, at: Path) -> None:
        with gateway(at, load=100, sync_ms=self._sync_ms) as house:
            await asyncio.sleep(WARM_S)
            if not self.card:
                self.found += [await _cpu(house)]
            self._take("100 devices/s", await measure(house, mqtt=True), self._shown)

    async def _away(self, at: Path) -> None:
        with gateway(at, load=100, influx=_nobody(), sync_ms=self._sync_ms) as house:
            await asyncio.sleep(WARM_S)
            house.broker.kill()
            self._take("broker and database away", await measure(house, mqtt=False), self._under_load)

    async def _all_at_once(self, at: Path) -> None:
        await self.backlog.copy_to(at / "state")
        with (
            gateway(at, load=DEVICES, influx=_nobody(), sync_ms=self._sync_ms) as house,
            report_of(house.state),
        ):
            await asyncio.sleep(WARM_S)
            begun, _ = await _taken(house)
            began_s = time.monotonic()
            every = await measure(house, mqtt=True)
            ended, left = await _taken(house)
            took_s = time.monotonic() - began_s
        lasted = ended > begun and left >= READINGS // 100
        # With nothing to drain for a part of the time it is another load, and reaches no goal.
        load = "all at once" if lasted else "all at once (the backlog did not drain all the time)"
        self._take(load, every, self._under_load if lasted else (None, None))
        for where, values in every.items():
            if where in self._idle:
                times = percentile(values, 0.5) / percentile(self._idle[where], 0.5)
                name = f"{self.name}, all at once / idle: {NAMES[where]}, median"
                self.found.append(Figure(name=name, value=times, unit="times", goal=None, better="lower"))
        drained = Figure(
            name=f"{self.name}, all at once: backlog drained to the broker",
            value=(ended - begun) / took_s,
            unit="1/s",
            goal=None,
            better="higher",
        )
        self.found.append(drained)

    def _take(self, load: str, latencies: dict[str, list[float]], goals: Goals | NoGoals) -> None:
        for where, values in latencies.items():
            self.found += spread(f"{self.name}, {load}: {NAMES[where]}", values, goals)


def _nobody() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def _taken(house: Gateway) -> tuple[int, int]:
    """Give how many readings the broker has taken, and how many not; InfluxDB, away, has taken none."""
    left = await house.lag("mqtt")
    return await house.lag("influx") - left, left


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
