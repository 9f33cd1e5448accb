"""The drivers that did not come with Velgate, each in a child process of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.driver import Driver
from gateway.intake.index import Route
from gateway.model.frames import Frame
from gateway.model.views import KeyOf

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from gateway.intake.child import Child
    from gateway.intake.outcome import Outcome


class Children:
    """The child processes, by driver. Without a third party's driver none is started and little is loaded."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_name: dict[str, Child] = {}

    def start(self, point: EntryPoint) -> tuple[Driver, str]:
        """Start a child for one entry point and hear what driver it holds, and from which file.

        Raises OSError, TimeoutError or NoSense where it does not come up. Blocks until it is there.
        """
        from gateway.intake.child import Child

        paths = [str(point.dist.locate_file(""))] if point.dist is not None else []
        child = Child(point.name, point.value, paths)
        driver, file = child.come_up()
        self._by_name[point.name] = child
        return driver, file

    def ask(self, route: Route, frame: Frame, key_of: KeyOf) -> tuple[Outcome, float]:
        """Have a frame decoded, and tell how long it took. Blocks."""
        began = time.perf_counter()
        outcome = self._by_name[route.loaded.name].ask(route, frame, key_of)
        return outcome, time.perf_counter() - began

    async def ask_in_turn(self, route: Route, frame: Frame, key_of: KeyOf) -> Outcome | None:
        """Have a frame decoded without blocking the loop; None while the child is being started again."""
        return await self._by_name[route.loaded.name].ask_in_turn(route, frame, key_of)

    def close(self) -> None:
        """End all children."""
        for child in self._by_name.values():
            child.kill()
        self._by_name.clear()
