"""The radio of one life: the real one without an adapter; frames come in where a scanner would put them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.model.frames import Frame
from gateway.radio.radio import Radio


class SimRadio(Radio):
    """Hears what the simulated air brings."""

    def __init__(self, *args: Any, taken: Callable[[Frame, str | None], None], **more: Any) -> None:
        """`taken` is told of each frame when its taking has ended, and why it failed, if it did."""
        super().__init__(*args, **more)
        self._taken = taken

    def hear(self, frame: Frame) -> None:
        """Hear one frame, as a scanner's callback does."""
        self._waiting.put(frame)

    async def _take(self, frame: Frame) -> None:
        try:
            await super()._take(frame)
        except Exception as error:
            self._taken(frame, type(error).__name__)
            raise
        self._taken(frame, None)
