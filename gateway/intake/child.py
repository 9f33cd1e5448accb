"""One child process with one driver: started, asked, killed when it hangs, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import subprocess
import sys
import time
from typing import Any

from gateway.driver import Driver
from gateway.intake.index import Route
from gateway.intake.outcome import Fault, Outcome
from gateway.intake.wire import driver_of, fact_from_wire
from gateway.model.frame_json import document_of
from gateway.model.frames import Advertisement, Frame, GattValue
from gateway.model.framing import LENGTH, NoSense, length_of, packed, parsed
from gateway.model.views import KeyOf

PATIENCE_S = 0.25  # for one answer; then the child is killed
START_S = 10.0  # from the start of the process to its first word
PAUSE_FIRST_S, PAUSE_MAX_S = 0.0, 60.0  # before it is started again; doubled each time it comes up in vain
DECODE_CODES = frozenset(
    {"truncated", "malformed", "unsupported", "key_missing", "key_wrong", "driver_failed"}
)


class Child:
    """A driver's process. Requests are answered one after the other."""

    def __init__(self, name: str, value: str, paths: list[str]) -> None:
        """Prepare; `come_up` starts it. `value` is the entry point's `module:attribute`."""
        self.name = name
        self._command = [sys.executable, "-I", "-m", "gateway.intake.worker"]
        self._arguments = [name, value, *paths]
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ready = False
        self._started = 0.0
        self._pause_s = PAUSE_FIRST_S
        self._not_before = 0.0
        self._turn: asyncio.Lock | None = None

    def come_up(self) -> tuple[Driver, str]:
        """Start it and wait for its description. Raises OSError, TimeoutError or NoSense."""
        self._spawn()
        try:
            return self._described(self._receive(START_S))
        except (OSError, NoSense):
            self.kill()
            raise

    def ask(self, route: Route, frame: Frame, key_of: KeyOf) -> Outcome:
        """Have one frame decoded, waiting for the child to be up. Blocks; one that hangs is killed."""
        try:
            if not self._ready:
                self.come_up()
            self._send(_request(route, frame, key_of))
            return _outcome(self._receive(PATIENCE_S))
        except (OSError, NoSense) as error:
            return self._fell(error)

    async def ask_in_turn(self, route: Route, frame: Frame, key_of: KeyOf) -> Outcome | None:
        """Have one frame decoded on the event loop. None: it is not up yet, and is not waited for."""
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            try:
                if not self._up():
                    return None
                async with asyncio.timeout(PATIENCE_S):
                    return _outcome(await self._exchange(_request(route, frame, key_of)))
            except (OSError, NoSense) as error:  # a TimeoutError is an OSError
                return self._fell(error)
            except asyncio.CancelledError:
                self._fell("the question was dropped")  # its answer would be taken for the next one's
                raise

    def kill(self) -> None:
        """End the process at once and reap it."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._socket, self._process, self._ready = None, None, False

    def _fell(self, why: object) -> Outcome:
        self.kill()
        self._not_before = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2 or 1.0, PAUSE_MAX_S)
        reason = "it did not answer in time" if isinstance(why, TimeoutError) else f"its process ended: {why}"
        return Outcome([], Fault("driver_failed", f"{reason}; it is started again"))

    def _up(self) -> bool:
        """Tell whether it answers; start it where it is due, and take its first word where that is there."""
        if self._ready:
            return True
        if self._socket is None:
            if time.monotonic() >= self._not_before:
                self._spawn()
            return False
        if select.select([self._socket], [], [], 0)[0]:
            self._described(self._receive(PATIENCE_S))
            return True
        if time.monotonic() - self._started > START_S:
            raise TimeoutError
        return False

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno()), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self._socket, self._ready, self._started = ours, False, time.monotonic()

    def _described(self, answer: dict[str, Any]) -> tuple[Driver, str]:
        if "manifest" not in answer:
            raise NoSense(str(answer.get("error", "nothing that can be understood")))
        described = driver_of(answer["manifest"]), str(answer["manifest"]["file"])
        self._ready, self._pause_s = True, PAUSE_FIRST_S
        return described

    def _send(self, message: dict[str, Any]) -> None:
        assert self._socket is not None
        self._socket.settimeout(PATIENCE_S)
        self._socket.sendall(packed(message))

    def _receive(self, patience_s: float) -> dict[str, Any]:
        assert self._socket is not None
        end = time.monotonic() + patience_s
        return parsed(self._exactly(length_of(self._exactly(LENGTH, end)), end))

    def _exactly(self, count: int, end: float) -> bytes:
        assert self._socket is not None
        data = b""
        while len(data) < count:
            self._socket.settimeout(max(end - time.monotonic(), 0.001))
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("it closed its end")
            data += part
        return data

    async def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        await loop.sock_sendall(self._socket, packed(message))
        length = length_of(await self._exactly_in_turn(LENGTH))
        return parsed(await self._exactly_in_turn(length))

    async def _exactly_in_turn(self, count: int) -> bytes:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        data = b""
        while len(data) < count:
            part = await loop.sock_recv(self._socket, count - len(data))
            if not part:
                raise ConnectionResetError("it closed its end")
            data += part
        return data

    def __del__(self) -> None:
        """Leave no process behind."""
        with contextlib.suppress(OSError):
            self.kill()


def _request(route: Route, frame: Frame, key_of: KeyOf) -> dict[str, Any]:
    keys = {}
    if isinstance(frame, Advertisement | GattValue):
        key = key_of(frame.address)
        keys = {frame.address: key.hex()} if key is not None else {}
    return {
        "match": route.loaded.driver.matches.index(route.match),
        "payload": route.payload.hex(),
        "frame": document_of(frame),
        "keys": keys,
    }


def _outcome(answer: dict[str, Any]) -> Outcome:
    match answer:
        case {"facts": [*rows], "fault": None, "key_owner": None | str() as owner}:
            return Outcome([fact_from_wire(row) for row in rows], None, owner)
        case {"facts": [*rows], "fault": [str(code), str(text)], "key_owner": None | str() as owner} if (
            code in DECODE_CODES
        ):
            return Outcome([fact_from_wire(row) for row in rows], Fault(code, text), owner)
    raise NoSense("an answer of a form that is not known")
