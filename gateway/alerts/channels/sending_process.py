"""One sending process as the gateway holds it: started, asked, ended; and what it has in hand.

Nothing that libraries say on their outputs is kept, and nothing of a message stands in its arguments or its
environment: there others on the machine could read it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.alerts.channels.base import ChannelDown, Taken
from gateway.model.framing import NoSense, packed

HANDED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
"""What of the gateway's environment the process gets: how this network is to be left."""

REAPED_WITHIN_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an attempt that did not fail."""

    taken: Taken
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class InHand:
    """An attempt that somebody waits for."""

    channel: str
    answer: asyncio.Future[Answer]


class SendingProcess:
    """One process, from its start to its end."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Made by `start`."""
        self.process = process
        self.reader = reader
        self.writer = writer
        self.up = asyncio.Event()
        self.loaded: set[str] = set()
        self.in_hand: dict[int, InHand] = {}
        self.left: dict[str, deque[tuple[int, float]]] = {}
        """Attempts that nobody waits for and that have not ended, by channel: number, and since when."""
        self.heard_at = asyncio.get_running_loop().time()

    @classmethod
    async def start(cls, command: Sequence[str]) -> SendingProcess:
        """Start it; it is `up` with its first word. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                started = subprocess.Popen(  # noqa: ASYNC220  (a few ms; nothing waits for its end)
                    [*command, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # what libraries say there holds addresses and keys
                    pass_fds=(theirs.fileno(),),
                    env={"LANG": "C.UTF-8"} | {n: os.environ[n] for n in HANDED_ON if n in os.environ},
                    start_new_session=True,
                )
            return cls(started, *await asyncio.open_connection(sock=ours))
        except BaseException:
            ours.close()
            raise

    def hanging(self, channel: str) -> int:
        """Give how many attempts of a channel have not ended although nobody waits for them."""
        return len(self.left.get(channel, ()))

    def load(self, kinds: Collection[str], numbers: Callable[[], int]) -> None:
        """Have what kinds of channel need loaded ahead, each once."""
        for kind in sorted(set(kinds) - self.loaded if self.up.is_set() else ()):
            self.loaded.add(kind)
            self.writer.write(packed({"id": numbers(), "do": "load", "kind": kind}))

    def take(self, answer: dict[str, Any]) -> None:
        """Take one answer. Raises NoSense."""
        self.heard_at = asyncio.get_running_loop().time()
        if answer.get("ready") is True:
            self.up.set()
            return
        number = answer.get("id")
        if not isinstance(number, int):
            raise NoSense("an answer without its number")
        asked = self.in_hand.pop(number, None)
        if asked is None:
            for name, left in list(self.left.items()):
                self.left[name] = deque(each for each in left if each[0] != number)
                if not self.left[name]:
                    del self.left[name]
        elif not asked.answer.done():
            _settle(asked.answer, answer)

    def end(self, why: str) -> None:
        """End it, and fail what is in hand; it is tried again."""
        self.writer.transport.abort()
        self.process.kill()
        # Reaping waits for the kernel, and the loop waits for nobody.
        threading.Thread(target=self.process.wait, name="courier-reaper", daemon=True).start()
        for asked in self.in_hand.values():
            if not asked.answer.done():
                asked.answer.set_exception(ChannelDown(f"the sending process ended: {why}"))
        self.in_hand.clear()
        self.left.clear()

    async def how_it_ended(self) -> str:
        """Say how, once its end of the pair has closed."""
        await asyncio.sleep(
            REAPED_WITHIN_S
        )  # its end of the pair closes a moment before its exit code is there
        code = self.process.poll()
        if code is None:
            return "it closed its end"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _settle(future: asyncio.Future[Answer], answer: dict[str, Any]) -> None:
    data = answer.get("data") if isinstance(answer.get("data"), dict) else {}
    match answer:
        case {"taken": "sent" | "delivered" as taken}:
            future.set_result(Answer(taken=taken, data=data or {}))
        case {"reason": str(reason), "lasting": bool(lasting)}:
            future.set_exception(ChannelDown(reason, lasting=lasting, data=data))
        case _:
            future.set_exception(ChannelDown("an answer of a form that is not known"))
