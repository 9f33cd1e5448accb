"""The simulator in the test's own loop, with bleak led to its bus; and its command line as processes.

async with simulated(ONE_BUTTON, monkeypatch, tmp_path) as world:
    async with BleakScanner(...): await world.act("kald-01", "press", None)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from bleak.backends.bluezdbus.manager import get_global_bluez_manager

from firmware_sim.scenario import parse_scenario
from firmware_sim.world import Options, World, running
from support.children import die_with_parent, end

BUTTON = '[[device]]\nname = "kald-01"\nkind = "call-button"\naddress = "A4:C1:38:00:00:01"\ninterval = 60\n'


@asynccontextmanager
async def simulated(
    scenario: str, monkeypatch: pytest.MonkeyPatch, runtime: Path, **options: Any
) -> AsyncIterator[World]:
    """Run a scenario (TOML text) in this loop, with bleak led to its bus; bleak's own bus ends before it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    async with running(Options(scenario=parse_scenario(scenario, "test"), **options)) as world:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", world.bus)
        try:
            yield world
        finally:
            await _end_bleak()


async def _end_bleak() -> None:
    """Disconnect bleak's shared bus, which it never does itself, while its daemon still runs."""
    manager = await get_global_bluez_manager()
    bus, watcher = manager._bus, manager._bus_watcher_task
    if bus is not None:
        bus.disconnect()
    if watcher is not None:
        await watcher


class SimulatorProcess:
    """A `velgate-sim run` of its own: its ready line, and the process."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        """Take over a started one."""
        self.process = process
        self.ready = ready
        self.bus: str = ready["bus"]
        self.control: str = ready["control"]


def velgate_sim(*arguments: str, runtime: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one `velgate-sim` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "firmware_sim", *arguments],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "NO_COLOR": "1", "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def simulator_process(*arguments: str, runtime: Path, **environment: str) -> Iterator[SimulatorProcess]:
    """Run `velgate-sim run --json …` for the length of the block, once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "firmware_sim", "run", "--json", *arguments],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the simulator ended with {process.wait()}"
        yield SimulatorProcess(process, json.loads(line))
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()
