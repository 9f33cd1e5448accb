"""Bed and door sensors: BTHome devices whose state stands in every frame, and that call out its change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from firmware_sim.devices.base import Action, Place, Spec
from firmware_sim.devices.beacon import Beacon
from firmware_sim.formats import bthome


class StateSensor(Beacon):
    """A sensor with one binary state."""

    object_id: ClassVar[int]
    words: ClassVar[Mapping[str, bool]]
    """Action → the state it leads to."""
    initial: ClassVar[bool]

    def __init__(self, spec: Spec, place: Place) -> None:
        """Begin in the state that was kept, or that a quiet home has."""
        super().__init__(spec, place)
        self.state = bool(self.memory.state(self.name, self.initial))
        for word, state in self.words.items():
            self.actions[word] = self._becoming(word, state=state)

    def measured(self) -> list[bytes]:
        """Return the state as it is."""
        return [bthome.boolean(self.object_id, self.state)]

    def _becoming(self, word: str, *, state: bool) -> Action:
        async def become(_value: str | None) -> str:
            self.state = state
            self.memory.keep(self.name, state)
            self.event(self.measured())
            return f"did {word.replace('_', ' ')}"

        return become


class BedSensor(StateSensor):
    """A mat under the mattress; somebody lies in the bed."""

    profile: str | None = "bed"
    object_id = bthome.OCCUPANCY
    words: ClassVar[Mapping[str, bool]] = {"leave_bed": False, "enter_bed": True}
    initial = True


class DoorSensor(StateSensor):
    """A magnet contact on a door; it is closed."""

    profile: str | None = "door"
    object_id = bthome.OPENING
    words: ClassVar[Mapping[str, bool]] = {"open": True, "close": False}
    initial = False
