"""Handing frames on: begun in order, at most so many at once, none waiting for another's commit.

An event's take ends with its commit. If the disk hangs in one resident's press, the next resident's must
not wait behind it: so takes overlap, and only their beginnings are in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from gateway.model.frames import Advertisement, Frame
from gateway.model.trouble import TellTrouble, Trouble
from gateway.radio.expects import OnFrame

log = logging.getLogger(__name__)

IN_HAND_MAX = 64  # takes begun and not ended; the next frame waits
WAITING_MAX = 10_000  # frames heard and not begun: 10 s of a busy home, for the time before all rooms stand
REPEATS_MAX = WAITING_MAX // 2  # beyond this, frames that bring nothing new are dropped, never a new one
DROPS_OVER_S = 30.0  # so long nothing must be dropped before the trouble ends


class Waiting:
    """Frames between the radio's callbacks, which never wait, and those who take them."""

    def __init__(self, tell: TellTrouble) -> None:
        """`tell` hears of it when frames had to be dropped."""
        self._frames: deque[Frame] = deque()
        self._some = asyncio.Event()
        self._tell = tell
        self._dropped_at: float | None = None
        self.dropped = 0
        self.failed = 0
        """Frames whose taking raised."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._frames)

    def put(self, frame: Frame) -> None:
        """Keep one frame until it is taken. Never blocks; where too many wait, see REPEATS_MAX."""
        waiting = len(self._frames)
        if waiting >= REPEATS_MAX and (waiting >= WAITING_MAX or not _brings(frame)):
            self._drop()
            return
        self._frames.append(frame)
        if waiting == 0:
            self._some.set()

    def _drop(self) -> None:
        self.dropped += 1
        if self._dropped_at is None:
            detail = (
                f"{WAITING_MAX} frames wait to be taken in; what comes beyond is dropped. Is the disk stuck?"
            )
            self._tell(
                Trouble(
                    kind="frames.dropped", subject="radio", present=True, detail=detail, calls_unheard=True
                )
            )
        self._dropped_at = asyncio.get_running_loop().time()

    async def run(self, on_frame: OnFrame) -> None:
        """Hand frames to `on_frame` for ever; a take that raises loses its frame. Ends by cancellation."""
        slots = asyncio.Semaphore(IN_HAND_MAX)
        async with asyncio.TaskGroup() as takes:
            while True:
                while not self._frames:
                    self._some.clear()
                    self._settle()
                    await self._some.wait()
                await slots.acquire()
                takes.create_task(self._take(on_frame, self._frames.popleft(), slots))

    async def _take(self, on_frame: OnFrame, frame: Frame, slots: asyncio.Semaphore) -> None:
        try:
            await on_frame(frame)
        except Exception:
            # Contained here, because a frame that breaks its taker must not take the others with it:
            # what is in hand beside it may be somebody's call, and the air does not send it again.
            self.failed += 1
            log.exception("a frame could not be taken")
        finally:
            slots.release()

    def _settle(self) -> None:
        if self._dropped_at is None:
            return
        if asyncio.get_running_loop().time() - self._dropped_at > DROPS_OVER_S:
            self._dropped_at = None
            self._tell(Trouble(kind="frames.dropped", subject="radio", present=False))


def _brings(frame: Frame) -> bool:
    """Tell whether a frame may bring something new: all but an advertisement of bare signal strength."""
    return not (isinstance(frame, Advertisement) and frame.brought is not None and not frame.brought)
