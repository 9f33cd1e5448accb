"""The gateway's end of the sending process: started when somebody needs it, asked, and started again.

What one channel does delays no other: each attempt has a thread of its own over there, and is left here when
its channel's time is up. A thread that still hangs then is counted; a channel with too many of them fails at
once, and the process is made anew, for no thread can be ended from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.alerts.channels.base import ChannelDown
from gateway.alerts.channels.sending_process import Answer, InHand, SendingProcess
from gateway.model.framing import LENGTH, NoSense, length_of, packed, parsed
from gateway.model.together import together
from gateway.model.trouble import TellTrouble, Trouble

log = logging.getLogger(__name__)

__all__ = ["Answer", "Courier"]

COMMAND = (sys.executable, "-I", "-m", "gateway.alerts.channels.child")
IN_HAND_MAX = 96  # attempts under way at once: each is a thread, and systemd allows 256 to both processes
LEFT_MAX = 8  # attempts of one channel that hang over there after their time; then it fails at once
LEFT_LONGEST_S = 60.0  # so long, and the process is made anew
GRACE_S = 10.0  # how long other channels' attempts are let end first
PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 5.0  # before it is started again; calls may wait for it
HEALTHY_AFTER_S = 60.0
DEATHS_UNTIL_TOLD = 2
START_S = 30.0  # from the start of the process to its first word, on a machine that is busy
PING_EVERY_S = 10.0
PONG_WITHIN_S = 20.0
NAME = "courier"


class _Ended(Exception):
    """The process is of no use any more; says why."""


class Courier:
    """Sends by the process. Belongs to the event loop; `run` is a room of the house."""

    def __init__(self, tell: TellTrouble, *, command: Sequence[str] = COMMAND) -> None:
        """`tell` hears where the process dies again and again."""
        self._tell = tell
        self._command = tuple(command)
        self._wanted = asyncio.Event()
        self._moved = asyncio.Event()
        self._process: SendingProcess | None = None
        self._number = 0
        self._kinds: frozenset[str] = frozenset()
        self._told = False

    def wanted(self, yes: bool, kinds: Collection[str] = ()) -> None:
        """Say whether any channel needs the process. It is started, or ended when its work is done.

        What `kinds` of channel need is loaded over there ahead, so that no call waits for it.
        """
        self._kinds = frozenset(kinds)
        if self._process is not None:
            self._process.load(self._kinds, self._next)
        if yes:
            self._wanted.set()
        else:
            self._wanted.clear()
        self._moved.set()

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        return self._process.process.pid if self._process else None

    @property
    def in_hand(self) -> int:
        """How many attempts are under way."""
        return len(self._process.in_hand) if self._process else 0

    async def send(
        self,
        channel: str,
        kind: str,
        config: Mapping[str, Any],
        message: Mapping[str, Any],
        timeout_s: float,
    ) -> Answer:
        """Make one attempt. Raises ChannelDown, after `timeout_s` at the latest. May be cancelled.

        `kind` is one of `child.KINDS`; `config` and `message` are JSON.
        """
        try:
            async with asyncio.timeout(timeout_s):
                process = await self._ready()
                return await self._ask(process, channel, kind, config, message, timeout_s)
        except TimeoutError:
            raise ChannelDown(f"no answer within {timeout_s:g} s") from None

    async def _ready(self) -> SendingProcess:
        while self._process is None or not self._process.up.is_set():
            self._moved.clear()
            await self._moved.wait()
        return self._process

    async def _ask(
        self,
        process: SendingProcess,
        channel: str,
        kind: str,
        config: Mapping[str, Any],
        message: Mapping[str, Any],
        timeout_s: float,
    ) -> Answer:
        if process.hanging(channel) >= LEFT_MAX:
            raise ChannelDown(f"{LEFT_MAX} earlier attempts still hang")
        if len(process.in_hand) >= IN_HAND_MAX:
            raise ChannelDown(f"{IN_HAND_MAX} attempts are under way")
        number, loop = self._next(), asyncio.get_running_loop()
        request = {"id": number, "do": "send", "channel": channel, "kind": kind}
        request |= {"config": dict(config), "message": dict(message), "timeout_s": timeout_s}
        try:
            process.writer.write(packed(request))
        except NoSense as error:
            raise ChannelDown(f"it cannot be handed on: {error}", lasting=True) from error
        asked = InHand(channel, loop.create_future())
        process.in_hand[number] = asked
        try:
            return await asked.answer
        except asyncio.CancelledError:
            if process.in_hand.pop(number, None) is not None:
                process.left.setdefault(channel, deque()).append((number, loop.time()))
            raise

    def _next(self) -> int:
        self._number += 1
        return self._number

    # The room.

    async def run(self) -> None:
        """Keep the process at work while somebody needs it, for ever. Ends by cancellation."""
        pause, deaths = PAUSE_FIRST_S, 0
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            began = loop.time()
            try:
                await self._serve()
                pause, deaths = PAUSE_FIRST_S, 0
                continue
            except (OSError, NoSense, _Ended) as error:
                why = str(error) or type(error).__name__
            if loop.time() - began > HEALTHY_AFTER_S:
                pause, deaths = PAUSE_FIRST_S, 0
            deaths += 1
            log.warning("the sending process ended: %s; it is started again", why)
            if deaths >= DEATHS_UNTIL_TOLD:
                self._tell_failing(why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_MAX_S)

    async def _serve(self) -> None:
        """Start one process and serve it until nobody needs it. Raises _Ended, OSError or NoSense."""
        process = self._process = await SendingProcess.start(self._command)
        why = "the gateway ends"
        try:
            await together(self._listen(process), self._watch(process))
        except _NotWanted:
            why = "nobody needs it any more"
        except (OSError, NoSense, _Ended) as error:
            why = str(error) or type(error).__name__
            raise
        finally:
            self._process = None
            process.end(why)

    async def _listen(self, process: SendingProcess) -> None:
        try:
            while True:
                length = length_of(await process.reader.readexactly(LENGTH))
                process.take(parsed(await process.reader.readexactly(length)))
                process.load(self._kinds, self._next)
                self._moved.set()
        except asyncio.IncompleteReadError:
            raise _Ended(await process.how_it_ended()) from None

    async def _watch(self, process: SendingProcess) -> None:
        """Notice a process that does not come up, does not answer, or is full of threads that hang."""
        loop = asyncio.get_running_loop()
        began = asked_at = loop.time()
        full_since: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._until_not_wanted(process)
                    raise _NotWanted
            now = loop.time()
            if not process.up.is_set():
                if now - began > START_S:
                    raise _Ended(f"it did not come up within {START_S:g} s")
                process.heard_at = now
                continue
            if self._told and now - began > HEALTHY_AFTER_S:
                self._told = False
                self._tell(Trouble(kind="room.failing", subject=NAME, present=False))
            if now - asked_at >= PING_EVERY_S:
                asked_at = now
                process.writer.write(packed({"id": self._next(), "do": "ping"}))
            if now - process.heard_at > PONG_WITHIN_S + PING_EVERY_S:
                raise _Ended(f"it said nothing for {now - process.heard_at:.0f} s")
            full_since = self._full_since(process, full_since, now)

    async def _until_not_wanted(self, process: SendingProcess) -> None:
        while self._wanted.is_set() or process.in_hand:
            self._moved.clear()
            await self._moved.wait()

    def _full_since(self, process: SendingProcess, since: float | None, now: float) -> float | None:
        full = [
            name
            for name, left in process.left.items()
            if len(left) >= LEFT_MAX and now - left[0][1] > LEFT_LONGEST_S
        ]
        if not full:
            return None
        since = now if since is None else since
        if not process.in_hand or now - since > GRACE_S:
            raise _Ended(f"attempts of {', '.join(sorted(full))} hang and cannot be ended")
        return since

    def _tell_failing(self, why: str) -> None:
        self._told = True
        detail = f"the sending process stopped: {why}. It is started again by itself; see the log."
        self._tell(
            Trouble(kind="room.failing", subject=NAME, present=True, calls_unheard=True, detail=detail)
        )


class _NotWanted(Exception):
    """Nobody needs the process any more."""
