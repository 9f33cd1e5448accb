"""Faults of the world around: the air, the broker, the database, and who is told."""

from __future__ import annotations

import asyncio
from random import Random

from sim.world import World


async def _weather(world: World, draws: Random, **likely: float) -> None:
    for name, likelihood in likely.items():
        world.trace.fault(f"air_{name}")
        setattr(world.air.weather, name, likelihood)
    await asyncio.sleep(draws.uniform(30, 300))
    for name in likely:
        setattr(world.air.weather, name, 0.0)


async def air_drops(world: World, draws: Random) -> None:
    """Copies are lost."""
    await _weather(world, draws, drops=draws.choice((0.2, 0.6, 0.9)))


async def air_doubles(world: World, draws: Random) -> None:
    """Copies come twice, and BlueZ tells of packets that carried nothing."""
    await _weather(world, draws, doubles=0.4, bare=0.4)


async def air_reorders(world: World, draws: Random) -> None:
    """Copies overtake each other."""
    await _weather(world, draws, delays=0.4)


async def air_corrupts(world: World, draws: Random) -> None:
    """Copies arrive broken."""
    await _weather(world, draws, corrupts=draws.choice((0.2, 0.7)))


async def air_silent(world: World, draws: Random) -> None:
    """Nothing is heard at all."""
    world.trace.fault("air_silent")
    world.air.weather.silent = True
    await asyncio.sleep(draws.uniform(2, 150))
    world.air.weather.silent = False


async def broker_away(world: World, draws: Random) -> None:
    """The broker is gone."""
    world.trace.fault("broker_away")
    world.broker.go_away()
    await asyncio.sleep(draws.choice((0.5, 5.0, 60.0, 200.0)))
    world.broker.moods.away = False


async def broker_loses_all(world: World, draws: Random) -> None:
    """It comes back without what it had retained."""
    world.trace.fault("broker_lost_what_it_retained")
    world.broker.go_away()
    world.broker.retained.clear()
    await asyncio.sleep(draws.choice((0.5, 5.0)))
    world.broker.moods.away = False


async def broker_hangs(world: World, draws: Random) -> None:
    """It says nothing."""
    world.trace.fault("broker_hangs")
    world.broker.moods.hangs = True
    await asyncio.sleep(draws.choice((3.0, 40.0)))
    world.broker.moods.hangs = False


async def broker_late(world: World, draws: Random) -> None:
    """It acknowledges late."""
    world.trace.fault("broker_late")
    world.broker.moods.late_s = draws.choice((0.3, 3.0))
    await asyncio.sleep(draws.uniform(10, 100))
    world.broker.moods.late_s = 0.0


async def broker_dies(world: World, draws: Random) -> None:
    """It takes messages, and the connection breaks before its word arrives."""
    world.broker.moods.dies_after_ack = draws.choice((0.02, 0.2))
    await asyncio.sleep(draws.uniform(10, 100))
    world.broker.moods.dies_after_ack = 0.0


async def broker_busy(world: World, draws: Random) -> None:
    """It cannot take some messages now."""
    world.broker.moods.busy = draws.choice((0.05, 0.4))
    await asyncio.sleep(draws.uniform(10, 100))
    world.broker.moods.busy = 0.0


async def broker_refuses(world: World, draws: Random) -> None:
    """It will never take some readings."""
    world.trace.fault("broker_refuses")
    world.broker.moods.refuses = draws.choice(("/temperature", "/battery", "/opening"))
    await asyncio.sleep(draws.uniform(10, 200))
    world.broker.moods.refuses = ""


async def database_away(world: World, draws: Random) -> None:
    """The database is gone."""
    world.trace.fault("database_away")
    world.database.away = True
    await asyncio.sleep(draws.choice((1.0, 30.0, 200.0)))
    world.database.away = False


async def database_hangs(world: World, draws: Random) -> None:
    """It says nothing."""
    world.trace.fault("database_hangs")
    world.database.hangs = True
    await asyncio.sleep(draws.choice((5.0, 70.0)))
    world.database.hangs = False


async def database_moody(world: World, draws: Random) -> None:
    """It takes parts, and loses its answers."""
    world.database.partial, world.database.takes_and_dies = draws.choice((0.0, 0.3)), draws.choice((0.1, 0.4))
    await asyncio.sleep(draws.uniform(10, 200))
    world.database.partial = world.database.takes_and_dies = 0.0


async def database_refuses(world: World, draws: Random) -> None:
    """It will never take some lines."""
    world.trace.fault("database_refuses")
    world.database.refuses = draws.choice(("temperature", "battery"))
    await asyncio.sleep(draws.uniform(10, 200))
    world.database.refuses = ""


async def _receiver(world: World, draws: Random, **how: bool | float) -> None:
    name = draws.choice(sorted(world.receivers.each))
    receiver = world.receivers.each[name]
    for key, value in how.items():
        world.trace.fault(f"receiver_{key}", channel=name)
        setattr(receiver, key, value)
    await asyncio.sleep(draws.choice((3.0, 30.0, 120.0)))
    world.trace.note("receiver_well", channel=name)
    for key, value in how.items():
        setattr(receiver, key, type(value)())


async def receiver_fails(world: World, draws: Random) -> None:
    """A way to tell somebody is down."""
    await _receiver(world, draws, fails=True)


async def receiver_hangs(world: World, draws: Random) -> None:
    """A way to tell somebody says nothing."""
    await _receiver(world, draws, hangs=True)


async def receiver_dies(world: World, draws: Random) -> None:
    """It takes a message, and its answer is lost."""
    await _receiver(world, draws, takes_and_dies=0.5)
