"""The faults of one seed. The seed also draws which of them exist at all: a swarm, not a soup."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from gateway.model.clock import ClockQuality
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


# Ends of the gateway


async def _end(world: World, draws: Random, how: str) -> None:
    world.trace.fault(how)
    await world.restart(how, dark_s=draws.choice((0.0, 0.6, 5.0, 40.0)))


async def kill(world: World, draws: Random) -> None:
    """The process dies; the machine goes on."""
    await _end(world, draws, "kill")


async def kill_in_a_press(world: World, draws: Random) -> None:
    """It dies within moments of a press."""
    await _press(world, draws)
    await asyncio.sleep(draws.uniform(0.02, 0.5))
    await _end(world, draws, draws.choice(("kill", "power_cut")))


async def kill_in_an_answer(world: World, draws: Random) -> None:
    """It dies within milliseconds of somebody's doing."""
    seen = len(world.trace.events)
    for _ in range(4000):
        await asyncio.sleep(0.005)
        if any(event.what == "ask" for event in world.trace.events[seen:]):
            await asyncio.sleep(draws.uniform(0.0, 0.02))
            await _end(world, draws, draws.choice(("kill", "power_cut")))
            return
        seen = len(world.trace.events)


async def power_cut(world: World, draws: Random) -> None:
    """The machine loses its power: what was not synced may be gone, and the clock may be wrong."""
    world.trace.fault("power_cut")
    await world.restart(
        "power_cut", dark_s=draws.choice((2.0, 30.0, 200.0)), boot=lambda: _boot(world, draws)
    )


async def stop(world: World, draws: Random) -> None:
    """It is asked to stop, as for an update."""
    await _end(world, draws, "stop")


def _boot(world: World, draws: Random) -> None:
    if draws.random() < 0.5:
        world.clock.boot(error_s=world.clock.error_s)
        return
    world.trace.fault("boot_in_the_past")
    world.clock.boot(error_s=-draws.uniform(3600, 90 * 86_400), quality=ClockQuality.UNSYNCED)

    async def set_right() -> None:
        boot = world.clock.boots
        await asyncio.sleep(draws.choice((20.0, 120.0, 400.0)))
        if world.clock.boots == boot:
            world.trace.fault("clock_set_right")
            world.clock.set(error_s=0.0, quality=ClockQuality.SYNCED)

    world.beside(set_right())


async def clock_steps(world: World, draws: Random) -> None:
    """The wall clock jumps, and is believed."""
    world.trace.fault("clock_stepped")
    world.clock.set(error_s=draws.choice((-120.0, -3.0, 2.0, 90.0, 3600.0)), quality=world.clock.quality)


async def clock_unsynced(world: World, draws: Random) -> None:
    """Nobody keeps the clock right for a while."""
    world.trace.fault("clock_unsynced")
    world.clock.set(error_s=world.clock.error_s, quality=ClockQuality.HOLDOVER)
    await asyncio.sleep(draws.uniform(20, 200))


# The disk


async def disk_full(world: World, draws: Random) -> None:
    """There is no room any more, from some commit on, for some time."""
    world.trace.fault("disk_full")
    world.disk.spare_commits = draws.choice((0, 3, 30, 400))
    world.disk.full = True
    await asyncio.sleep(draws.choice((1.0, 10.0, 60.0)))
    world.disk.full = False
    world.trace.note("disk_free")


async def disk_hangs(world: World, draws: Random) -> None:
    """An fsync takes seconds."""
    if world.wires is not None:
        world.trace.fault("disk_hangs")
        seconds = draws.choice((0.3, 1.0, 4.0, 8.0, 20.0))
        world.wires.threads.hang_until_s = world.loop.time() + seconds
        await asyncio.sleep(seconds)
        world.trace.note("disk_goes_on")


async def disk_hangs_at_a_press(world: World, draws: Random) -> None:
    """The same, while somebody presses."""
    await _press(world, draws)
    await asyncio.sleep(draws.uniform(0.0, 0.1))
    await disk_hangs(world, draws)


async def disk_slow(world: World, draws: Random) -> None:
    """A bad card."""
    world.trace.fault("disk_slow")
    world.slow_disk_s = draws.choice((0.04, 0.2))
    if world.wires is not None:
        world.wires.threads.slow_s = world.slow_disk_s
    await asyncio.sleep(draws.uniform(20, 120))
    world.slow_disk_s = 0.004
    if world.wires is not None:
        world.wires.threads.slow_s = world.slow_disk_s


async def battery_changed(world: World, draws: Random) -> None:
    """A device begins its counters anew; after a while somebody says so on the page."""
    thing = draws.choice([each for each in world.things if each.key is not None])
    world.trace.fault("battery_changed", device=thing.name)
    world.air.change_battery(thing.name)
    world.changed.add(thing.name)
    await asyncio.sleep(draws.uniform(5, 200))
    await world.accept(thing.name)


# The air


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


async def _press(world: World, draws: Random) -> None:
    from firmware_sim.formats import bthome

    thing = draws.choice([each for each in world.things if each.kind in ("call", "fall")])
    world.air.send(thing.name, [bthome.button("press")], copies=draws.randint(2, 6), press="press")


# Broker, database, receivers


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


FAULTS: dict[str, tuple[Fault, float]] = {
    "kill": (kill, 150),
    "kill_in_a_press": (kill_in_a_press, 150),
    "kill_in_an_answer": (kill_in_an_answer, 200),
    "power_cut": (power_cut, 200),
    "stop": (stop, 300),
    "clock_steps": (clock_steps, 200),
    "clock_unsynced": (clock_unsynced, 200),
    "disk_full": (disk_full, 150),
    "disk_hangs": (disk_hangs, 100),
    "disk_hangs_at_a_press": (disk_hangs_at_a_press, 100),
    "disk_slow": (disk_slow, 150),
    "battery_changed": (battery_changed, 200),
    "air_drops": (air_drops, 100),
    "air_doubles": (air_doubles, 100),
    "air_reorders": (air_reorders, 100),
    "air_corrupts": (air_corrupts, 100),
    "air_silent": (air_silent, 200),
    "broker_away": (broker_away, 150),
    "broker_loses_all": (broker_loses_all, 250),
    "broker_hangs": (broker_hangs, 150),
    "broker_late": (broker_late, 150),
    "broker_dies": (broker_dies, 150),
    "broker_busy": (broker_busy, 150),
    "broker_refuses": (broker_refuses, 200),
    "database_away": (database_away, 150),
    "database_hangs": (database_hangs, 200),
    "database_moody": (database_moody, 150),
    "database_refuses": (database_refuses, 200),
    "receiver_fails": (receiver_fails, 100),
    "receiver_hangs": (receiver_hangs, 100),
    "receiver_dies": (receiver_dies, 150),
}
"""Each fault, and how often it comes where it exists: every so many seconds."""
