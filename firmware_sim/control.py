"""The control socket: JSON lines, one request and one answer each, for `velgate-sim do` and tests.

A request is `{"device", "action", "value"}`; the answer `{"device", "action", "sent", "did"}` (`sent` in
seconds since 1970, when the first frame had gone out) or `{"problem": {…}}`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from firmware_sim.problem import Exit, SimProblem

Answer = dict[str, Any]
Serve = Callable[[str, str, str | None], Awaitable[Answer]]
STATUS: Final = "simulator"  # no device: its one action `status` tells what was sent
LINE_MAX_B: Final = 64 * 1024
ANSWER_WITHIN_S: Final = 15.0
_PREFIX: Final = "unix:path="


@asynccontextmanager
async def control_socket(path: Path, serve: Serve) -> AsyncIterator[str]:
    """Answer requests on a socket at `path` while inside; yields its address."""

    talks: set[asyncio.Task[None] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        talks.add(task)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(line, serve)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client left, or sent a line without end: nobody is left to answer
        finally:
            talks.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(talk, path, limit=LINE_MAX_B)
    try:
        yield f"{_PREFIX}{path}"
    finally:
        server.close()
        for task in list(talks):
            if task is not None:
                task.cancel()


async def _answer(line: bytes, serve: Serve) -> Answer:
    try:
        request = json.loads(line)
        device, action, value = request["device"], request["action"], request.get("value")
        if not all(isinstance(each, str) for each in (device, action, value or "")):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        return {
            "problem": SimProblem(
                "request",
                expected='a JSON line {"device": "…", "action": "…", "value": "…" or null}',
                found="something else",
                do="See  velgate-sim do --help",
                exit_code=Exit.USAGE,
            ).fields()
        }
    try:
        return await serve(device, action, value)
    except SimProblem as problem:
        return {"problem": problem.fields()}


def ask(address: str, device: str, action: str, value: str | None) -> Answer:
    """Send one request and return the answer. Raises SimProblem (also the one that the simulator met)."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_WITHIN_S)
            connection.connect(address.removeprefix(_PREFIX))
            request = {"device": device, "action": action, "value": value}
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(LINE_MAX_B)
    except OSError as error:
        raise nobody_there(address, error.strerror or "no answer") from None
    if not line:
        raise nobody_there(address, "a closed connection")
    answer: Answer = json.loads(line)
    if "problem" in answer:
        raise SimProblem.from_fields(answer["problem"])
    return answer


def nobody_there(address: str, found: str) -> SimProblem:
    """Return the problem of a simulator that cannot be reached."""
    return SimProblem(
        address,
        expected="a running simulator",
        found=found,
        do="Start one:  velgate-sim run   (or give its address with --control)",
        exit_code=Exit.UNREACHABLE,
    )
