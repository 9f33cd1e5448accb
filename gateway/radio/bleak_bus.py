"""bleak's own connection to the system bus: noticing that it is dead, and dropping it.

All scanners and links of a process share one connection, which bleak keeps to itself. A discovery session
belongs to the connection and ends with it, so after a stop that failed or hung only dropping it leaves a
clean start: the next `start()` connects anew. Nothing else in Velgate reaches into bleak.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bleak.backends.bluezdbus import manager as bleak_manager
from dbus_fast.aio import MessageBus


class BleakBus:
    """The connection as its users see it: whether it lives, and how often it was dropped."""

    def __init__(self) -> None:
        """Begin with no connection of ours dropped."""
        self.drops = 0
        """Raised by each drop; a scanner begun under another number hears nothing any more."""
        self._watchers: list[Callable[[], None]] = []

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the connection is dropped."""
        self._watchers.append(callback)

    def alive(self) -> bool:
        """Tell whether there is a connection and it is not closed."""
        bus = _connection()
        return bus is not None and bool(bus.connected)

    def drop(self) -> None:
        """Close the connection; scanners fall silent, links are reported as disconnected."""
        bus = _connection()
        if bus is not None:
            bus.disconnect()
        self.drops += 1
        for callback in self._watchers:
            callback()


def _connection() -> MessageBus | None:
    known = bleak_manager._global_instances.get(asyncio.get_running_loop())  # noqa: SLF001  (module text)
    return None if known is None else known._bus  # noqa: SLF001
