"""Call button and fall pendant: BTHome buttons that also beat, so that their silence can be noticed."""

from __future__ import annotations

from typing import Final

from firmware_sim.devices.base import Action, Place, Spec
from firmware_sim.devices.beacon import Beacon
from firmware_sim.formats import bthome

_WORDS: Final = ("press", "long_press", "double_press", "triple_press")


class CallButton(Beacon):
    """A button on the wall or in the bathroom. One press is one packet id, sent a dozen times."""

    profile: str | None = "call-button"
    trigger_based = True

    def __init__(self, spec: Spec, place: Place) -> None:
        """Know the ways to press it."""
        super().__init__(spec, place)
        for word in _WORDS:
            self.actions[word] = self._pressing(word)

    def _pressing(self, word: str) -> Action:
        async def press(_value: str | None) -> str:
            self.event([bthome.button(word)])
            return f"sent {word}"

        return press


class FallPendant(CallButton):
    """A pendant whose only event is a button press that means a fall.

    BTHome has no object for a fall. So `fall` sends `press`, and holding the pendant (`cancel`), which
    withdraws the fall, sends `long_press`; a profile says what each word means.
    """

    profile: str | None = "fall-pendant"

    def __init__(self, spec: Spec, place: Place) -> None:
        """Add what the wearer does."""
        super().__init__(spec, place)
        self.actions["fall"] = self._pressing("press")
        self.actions["cancel"] = self._pressing("long_press")
