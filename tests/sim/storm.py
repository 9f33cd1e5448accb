"""The faults of one seed. The seed also draws which of them exist at all: a swarm, not a soup."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from sim import faults_gateway as gateway
from sim import faults_outside as outside
from sim.world import World

Fault = Callable[[World, Random], Awaitable[None]]
LIKELY = 0.4  # how likely a seed has a fault at all


async def storm(world: World, only: Sequence[str] | None = None) -> None:
    """Let faults come and go, for ever: those that the seed draws, or `only` some."""
    draws = world.draws("swarm")
    drawn = [name for name in FAULTS if draws.random() < LIKELY] or [draws.choice(list(FAULTS))]
    chosen = drawn if only is None else only
    world.trace.note("swarm", faults=",".join(chosen))
    async with asyncio.TaskGroup() as all_of_them:
        for name in chosen:
            all_of_them.create_task(_again(world, name, world.draws(f"fault {name}")))
        await asyncio.Event().wait()


async def _again(world: World, name: str, draws: Random) -> None:
    work, every_s = FAULTS[name]
    while True:
        await asyncio.sleep(draws.expovariate(1 / every_s))
        await work(world, draws)


FAULTS: dict[str, tuple[Fault, float]] = {
    "kill": (gateway.kill, 150),
    "kill_in_a_press": (gateway.kill_in_a_press, 150),
    "kill_in_an_answer": (gateway.kill_in_an_answer, 200),
    "power_cut": (gateway.power_cut, 200),
    "stop": (gateway.stop, 300),
    "clock_steps": (gateway.clock_steps, 200),
    "clock_unsynced": (gateway.clock_unsynced, 200),
    "disk_full": (gateway.disk_full, 150),
    "disk_hangs": (gateway.disk_hangs, 100),
    "disk_hangs_at_a_press": (gateway.disk_hangs_at_a_press, 100),
    "disk_slow": (gateway.disk_slow, 150),
    "battery_changed": (gateway.battery_changed, 200),
    "air_drops": (outside.air_drops, 100),
    "air_doubles": (outside.air_doubles, 100),
    "air_reorders": (outside.air_reorders, 100),
    "air_corrupts": (outside.air_corrupts, 100),
    "air_silent": (outside.air_silent, 200),
    "broker_away": (outside.broker_away, 150),
    "broker_loses_all": (outside.broker_loses_all, 250),
    "broker_hangs": (outside.broker_hangs, 150),
    "broker_late": (outside.broker_late, 150),
    "broker_dies": (outside.broker_dies, 150),
    "broker_busy": (outside.broker_busy, 150),
    "broker_refuses": (outside.broker_refuses, 200),
    "database_away": (outside.database_away, 150),
    "database_hangs": (outside.database_hangs, 200),
    "database_moody": (outside.database_moody, 150),
    "database_refuses": (outside.database_refuses, 200),
    "receiver_fails": (outside.receiver_fails, 100),
    "receiver_hangs": (outside.receiver_hangs, 100),
    "receiver_dies": (outside.receiver_dies, 150),
}
"""Each fault, and how often it comes where it exists: every so many seconds."""
