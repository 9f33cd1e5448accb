"""The short scan of a command, beside a running gateway."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.health.clock import SystemClock
from gateway.model.problem import Exit, Problem
from gateway.radio.scan import scan
from support.eventually import eventually
from support.radio import Heard, radio_of, settings
from support.simulator import SYSTEM_BUS, Simulator, simulator

SCENARIO = """
title = "One device"
[[device]]
name = "klima-01"
kind = "climate"
address = "A4:C1:38:00:00:02"
interval = 0.1
"""


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("sim"), SCENARIO) as running:
        yield running


async def exit_of(adapter: str) -> Exit:
    with pytest.raises(Problem) as caught:
        async for _ in scan(adapter, seconds=1, clock=SystemClock()):
            pass
    assert caught.value.findings[0].do
    return caught.value.exit


async def test_it_ends_after_its_seconds(sim: Simulator) -> None:
    """What is on the air comes as frames until the time is up."""
    frames = [frame async for frame in scan("hci0", seconds=0.5, clock=SystemClock())]
    assert {frame.address for frame in frames} == {"A4:C1:38:00:00:02"}
    assert len(frames) >= 2


async def test_what_is_missing_decides_the_exit_code(sim: Simulator) -> None:
    """No such adapter 4, an adapter that is off 1: each with the next step."""
    assert await exit_of("hci7") is Exit.NOT_FOUND
    sim.do("adapter", "off")
    try:
        assert await exit_of("hci0") is Exit.FAILED
    finally:
        sim.do("adapter", "on")


async def test_without_a_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bus is named."""
    monkeypatch.setenv(SYSTEM_BUS, f"unix:path={tmp_path}/none")
    assert await exit_of("hci0") is Exit.UNREACHABLE


async def test_a_gateway_goes_on_beside_it(sim: Simulator) -> None:
    """A command's scan, in its own process, ends without taking the gateway's along."""
    heard = Heard()
    async with radio_of(settings(), heard) as radio:
        await eventually(lambda: radio.health()[0]["state"] == "up")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(COMMAND), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
        assert int(out) >= 1
        before = len(heard.advertisements)
        await eventually(lambda: len(heard.advertisements) > before + 3)
        assert radio.health()[0]["state"] == "up"


COMMAND = """
    import asyncio
    from gateway.health.clock import SystemClock
    from gateway.radio.scan import scan

    async def main():
        print(len([frame async for frame in scan("hci0", seconds=0.4, clock=SystemClock())]))

    asyncio.run(main())
"""
