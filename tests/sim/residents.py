"""What residents do: press, fall, leave their bed, open doors; and what devices say by themselves."""

from __future__ import annotations

import asyncio
from random import Random

from firmware_sim.formats import bthome
from sim.air import Air
from sim.home import NAMES, Thing

WORDS = ("press", "press", "press", "double_press", "long_press", "triple_press")


class Residents:
    """Everybody who lives there, and their devices."""

    def __init__(self, air: Air, every: list[Thing], random: Random) -> None:
        """Nobody moves yet."""
        self._air, self._things, self._random = air, every, random
        self._states: dict[str, bool] = {}
        self.calm = False
        """Nobody calls any more; devices go on."""
        self.press_every_s = random.uniform(20, 90)

    async def live(self) -> None:
        """Live, for ever."""
        async with asyncio.TaskGroup() as home:
            for thing in self._things:
                if thing.beats_s:
                    home.create_task(self._beat(thing, thing.beats_s))
                if thing.kind in ("call", "fall"):
                    home.create_task(self._call(thing))
                elif thing.kind in ("bed", "door"):
                    home.create_task(self._move(thing))

    async def _beat(self, thing: Thing, every_s: float) -> None:
        random = self._random
        await asyncio.sleep(random.uniform(0.5, every_s))
        while True:
            self._air.send(thing.name, self._says(thing), copies=2)
            await asyncio.sleep(every_s * random.uniform(0.95, 1.05))

    def _says(self, thing: Thing) -> list[bytes]:
        said = [bthome.BATTERY.encode(80)]
        match thing.kind:
            case "bed":
                said.append(bthome.boolean(bthome.OCCUPANCY, self._states.get(thing.name, True)))
            case "door":
                said.append(bthome.boolean(bthome.OPENING, self._states.get(thing.name, False)))
            case "climate":
                said.append(bthome.TEMPERATURE.encode(round(self._random.uniform(20, 23), 2)))
                said.append(bthome.text(self._random.choice(NAMES)))
            case _:
                pass
        return said

    async def _call(self, thing: Thing) -> None:
        random = self._random
        while True:
            await asyncio.sleep(random.expovariate(1 / (self.press_every_s * 4)))
            if self.calm:
                continue
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                word = "press" if thing.kind == "fall" else random.choice(WORDS)
                self._air.send(thing.name, [bthome.button(word)], copies=random.randint(3, 8), press=word)
                await asyncio.sleep(random.uniform(0.3, 3.0))

    async def _move(self, thing: Thing) -> None:
        random = self._random
        while True:
            await asyncio.sleep(random.expovariate(1 / 150))
            if self.calm:
                continue
            self._states[thing.name] = not self._states.get(thing.name, thing.kind == "bed")
            self._air.send(thing.name, self._says(thing), copies=4)
