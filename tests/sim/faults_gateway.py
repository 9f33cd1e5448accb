"""Faults of the gateway itself: it dies, its machine, its clock and its disk fail."""

from __future__ import annotations

import asyncio
from random import Random

from firmware_sim.formats import bthome
from gateway.model.clock import ClockQuality
from sim.world import World


async def press_somewhere(world: World, draws: Random) -> None:
    """Somebody presses now."""
    thing = draws.choice([each for each in world.things if each.kind in ("call", "fall")])
    world.air.send(thing.name, [bthome.button("press")], copies=draws.randint(2, 6), press="press")


async def _end(world: World, draws: Random, how: str) -> None:
    world.trace.fault(how)
    await world.restart(how, dark_s=draws.choice((0.0, 0.6, 5.0, 40.0)))


async def kill(world: World, draws: Random) -> None:
    """The process dies; the machine goes on."""
    await _end(world, draws, "kill")


async def kill_in_a_press(world: World, draws: Random) -> None:
    """It dies within moments of a press."""
    await press_somewhere(world, draws)
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
    await press_somewhere(world, draws)
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
