"""A journal with a long history that no outlet has taken yet, and a report that reads it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.gateway import load_devices
from gateway.health.clock import SystemClock
from gateway.journal import Journal
from gateway.model.clock import NS
from gateway.model.ids import uuid7
from gateway.model.readings import Kind, Record
from support.children import die_with_parent, end

READINGS: Final = 500_000
DEVICES: Final = 500
A_SECOND: Final = 1000
"""How dense the history is: two quantities of each device."""
GROUP: Final = 10_000
QUANTITIES: Final = (("temperature", "Cel", 18.0), ("humidity", "%", 35.0))


async def write_backlog(state: Path, readings: int = READINGS) -> None:
    """Make a state folder whose readings end now; no outlet has a cursor in it: each begins at the first."""
    clock = SystemClock()
    journal = await Journal.open(state, clock, lambda _trouble: None)
    now = clock.now()
    names = [each["name"] for each in await asyncio.to_thread(load_devices, DEVICES)]
    for first in range(0, readings, GROUP):
        group = []
        for number in range(first, min(first + GROUP, readings)):
            ago_ns = (readings - number) * NS // A_SECOND
            at = replace(now, wall_ns=now.wall_ns - ago_ns, mono_ns=max(0, now.mono_ns - ago_ns))
            quantity, unit, base = QUANTITIES[number % len(QUANTITIES)]
            group.append(
                Record(
                    id=uuid7(at.wall_ns),
                    device=names[number // len(QUANTITIES) % len(names)],
                    place="room-00",
                    quantity=quantity,
                    kind=Kind.MEASUREMENT,
                    value=base + number % 97 / 10,
                    unit=unit,
                    channel=None,
                    time_ns=at.wall_ns,
                    at=at,
                    driver="bthome/1.0.0",
                )
            )
        journal.readings.append(group)
        await journal.readings.flush()
    await journal.close()


class Backlog:
    """One such folder, copied for each gateway that is to find it."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written yet."""
        self._master = folder / "backlog"

    async def copy_to(self, state: Path) -> None:
        """Put it where a gateway will look for its state; written with the first use."""
        if not self._master.exists():
            await write_backlog(self._master)
        await asyncio.to_thread(shutil.copytree, self._master, state)


@contextmanager
def report_of(state: Path) -> Iterator[None]:
    """Let a report run beside: a child at nice 19 that reads the whole history again and again."""
    parent_dies = die_with_parent()

    def nicely() -> None:
        parent_dies()
        os.nice(19)

    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("report_child.py")), str(state / "readings.db")],
        stdout=subprocess.DEVNULL,
        preexec_fn=nicely,  # noqa: PLW1509  (prctl, getppid and nice alone, which take no lock)
    )
    try:
        yield
        if child.poll() is not None:
            raise RuntimeError(f"the report ended with {child.returncode}: it did not run beside")
    finally:
        end(child)
