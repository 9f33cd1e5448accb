"""Handing frames on: begun in order, at most so many at once, none waiting for another's commit.

An event's take ends with its commit. If the disk hangs in one resident's press, the next resident's must
not wait behind it: so takes overlap, and only their beginnings are in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from gateway.model.frames import Advertisement, Frame
from gateway.model.trouble import TellTrouble, Trouble
from gateway.radio.expects import OnFrame

log = logging.getLogger(__name__)

Mark = asyncio.Future[None]
"""Goes the way of a frame, and is none."""

IN_HAND_MAX = 64  # takes begun and not ended; the next frame waits
IDLE_MAX = 4  # workers kept ready; more end when they have nothing to do
IN_A_ROW_MAX = 20  # frames taken without letting others run: a backlog must not hold up the loop
WAITING_MAX = 10_000  # frames heard and not begun: 10 s of a busy home, for the time before all rooms stand
REPEATS_MAX = WAITING_MAX // 2  # beyond this, frames that bring nothing new are dropped, never a new one
DROPS_OVER_S = 30.0  # so long nothing must be dropped before the trouble ends


class Waiting:
    """Frames between the radio's callbacks, which never wait, and those who take them."""

    def __init__(self, tell: TellTrouble) -> None:
        """`tell` hears of it when frames had to be dropped."""
        self._frames: deque[Frame | Mark] = deque()
        self._mark: Mark | None = None
        self._tell = tell
        self._dropped_at: float | None = None
        self.dropped = 0
        self.failed = 0
        """Frames whose taking raised."""
        self._wake: Callable[[], None] = _nobody

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
        self._wake()

    def _drop(self) -> None:
        self.dropped += 1
        if self._dropped_at is None:
            detail = f"{WAITING_MAX} frames wait to be taken in; more are dropped. Is the disk stuck?"
            self._tell(
                Trouble(
                    kind="frames.dropped", subject="radio", present=True, detail=detail, calls_unheard=True
                )
            )
        self._dropped_at = asyncio.get_running_loop().time()

    async def through(self) -> None:
        """Return when everything that waits now has been taken in hand: proof that the hands move."""
        if self._mark is None or self._mark.done():
            self._mark = asyncio.get_running_loop().create_future()
            self._frames.append(self._mark)
            self._wake()
        await asyncio.shield(self._mark)  # one that nobody waits for any more is still under way

    async def run(self, on_frame: OnFrame) -> None:
        """Hand frames to `on_frame` for ever; a take that raises loses its frame. Ends by cancellation."""
        try:
            async with asyncio.TaskGroup() as group:
                workers = _Workers(self, self._frames, on_frame, group)
                self._wake = workers.wake
                workers.wake()
                await asyncio.get_running_loop().create_future()  # a TaskGroup needs somebody inside
        finally:
            self._wake = _nobody

    def settle(self) -> None:
        """End the trouble when nothing had to be dropped for a while; called whenever nothing waits."""
        if self._dropped_at is None:
            return
        if asyncio.get_running_loop().time() - self._dropped_at > DROPS_OVER_S:
            self._dropped_at = None
            self._tell(Trouble(kind="frames.dropped", subject="radio", present=False))


class _Workers:
    """Take frames one by one, each in one task as long as takes end at once.

    Before a take that might wait, another worker is woken: it goes on with the next frame if this one is
    held up, and finds nothing to do if not. So a measurement costs no task of its own.
    """

    def __init__(
        self, waiting: Waiting, frames: deque[Frame | Mark], on_frame: OnFrame, group: asyncio.TaskGroup
    ) -> None:
        self._waiting, self._frames, self._on_frame, self._group = waiting, frames, on_frame, group
        self._idle: list[asyncio.Future[None]] = []
        self._count = 0
        self._waking = False  # one is on its way; it will see whatever waits then

    def wake(self) -> None:
        """See to it that a worker looks at what waits, unless all of them are held up."""
        if self._waking:
            return
        idle = self._idle.pop() if self._idle else None
        if idle is not None:
            if not idle.done():  # it is, where all are being cancelled
                idle.set_result(None)
        elif self._count < IN_HAND_MAX:
            self._count += 1
            self._group.create_task(self._work())
        else:
            return
        self._waking = True

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        in_a_row = 0
        self._waking = False
        while True:
            if not self._frames:
                self._waiting.settle()
                if len(self._idle) >= IDLE_MAX:
                    self._count -= 1
                    return
                ready = loop.create_future()
                self._idle.append(ready)
                await ready
                self._waking = False
                in_a_row = 0
                continue
            if in_a_row >= IN_A_ROW_MAX:
                in_a_row = 0
                await asyncio.sleep(0)
                continue
            in_a_row += 1
            frame = self._frames.popleft()
            if self._frames:
                self.wake()
            if isinstance(frame, asyncio.Future):
                if not frame.done():
                    frame.set_result(None)
                continue
            try:
                await self._on_frame(frame)
            except Exception:
                # Contained here, because a frame that breaks its taker must not take the others with it:
                # what is in hand beside it may be somebody's call, and the air does not send it again.
                self._waiting.failed += 1
                log.exception("a frame could not be taken")


def _nobody() -> None:
    """Nobody takes frames yet."""


def _brings(frame: Frame) -> bool:
    """Tell whether a frame may bring something new: all but an advertisement of bare signal strength."""
    return not (isinstance(frame, Advertisement) and frame.brought is not None and not frame.brought)
