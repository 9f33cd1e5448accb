"""Keeping every room at work: a crash restarts that room alone, with backoff, and is told.

In a bare TaskGroup one outlet's bug would cancel the alarms. So each room runs under `supervise`, which
is the only place where every exception is caught.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gateway.model.problem import Problem
from gateway.model.together import together
from gateway.model.trouble import TellTrouble, Trouble

log = logging.getLogger(__name__)

PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 60.0
PAUSE_OF_CALLS_MAX_S = 5.0  # where calls go unheard or unkept meanwhile
HEALTHY_AFTER_S = 60.0  # a room that worked this long begins with the shortest pause again
TROUBLE_AFTER = 2  # crashes in a row; a single one is in the log and in the health

State = Literal["running", "restarting", "stopped"]


@dataclass(slots=True)
class Room:
    """How one room is."""

    name: str
    state: State = "stopped"
    restarts: int = 0
    queue: Callable[[], int] = lambda: 0
    last_crash: str = ""

    def document(self) -> dict[str, object]:
        """Give the room as it stands in the health document."""
        return {
            "name": self.name,
            "state": self.state,
            "restarts": self.restarts,
            "queue": self.queue(),
        }


class Rooms:
    """All rooms of this gateway and how they are."""

    def __init__(self, tell: TellTrouble) -> None:
        """`tell` hears of rooms that crash again and again, and of their recovery."""
        self._tell = tell
        self._rooms: dict[str, Room] = {}

    def document(self) -> list[dict[str, object]]:
        """Give the rooms' part of the health document."""
        return [room.document() for room in self._rooms.values()]

    def room(self, name: str, *, queue: Callable[[], int] | None = None) -> Room:
        """Give the room of that name, made where it is new."""
        room = self._rooms.setdefault(name, Room(name))
        if queue is not None:
            room.queue = queue
        return room

    async def supervise(self, name: str, work: Callable[[], Awaitable[None]], *, calls: bool = False) -> None:
        """Run `work` for ever. Ends by cancellation only.

        `calls` says that help calls or falls go unheard while this room is down.
        """
        room = self.room(name)
        pause, crashes = PAUSE_FIRST_S, 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                room.state = "running"
                began = loop.time()
                told = crashes >= TROUBLE_AFTER
                recovery = loop.call_later(HEALTHY_AFTER_S, self._recovered, room) if told else None
                try:
                    await together(work())  # its own task: what it left behind dies with it
                    reason = "ended although it runs for ever"
                    log.error("room %s %s", name, reason)
                except Problem as problem:
                    reason = str(problem)
                    log.error("room %s: %s", name, reason)  # noqa: TRY400  (a person reads it)
                except (Exception, BaseExceptionGroup) as crash:  # a group holds no word to end the program
                    reason = type(crash).__name__  # its text may hold what no alert may: that is for the log
                    log.exception("room %s crashed", name)
                    room.last_crash = "".join(traceback.format_exception(crash))
                finally:
                    if recovery is not None:
                        recovery.cancel()
                if loop.time() - began > HEALTHY_AFTER_S:
                    pause, crashes = PAUSE_FIRST_S, 0
                crashes += 1
                room.restarts += 1
                room.state = "restarting"
                if crashes == TROUBLE_AFTER:
                    self._tell(
                        Trouble(
                            kind="room.failing",
                            subject=name,
                            present=True,
                            calls_unheard=calls,
                            detail=f"{name} stopped: {reason}. It is started again by itself; see the log.",
                        )
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_OF_CALLS_MAX_S if calls else PAUSE_MAX_S)
        finally:
            room.state = "stopped"

    def _recovered(self, room: Room) -> None:
        self._tell(Trouble(kind="room.failing", subject=room.name, present=False))
