"""The sending process: carries out what the gateway asks, each attempt in a thread of its own.

    python -I -m gateway.alerts.channels.child SOCKET_FD

Started by `courier.py` only. It exists because what speaks to many services brings much memory, long imports
and code of many hands, none of which belongs where alarms are kept. It holds nothing: each task brings all
that it needs, so that a process that dies takes nothing with it. It ends when the gateway does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.alerts.channels.task import NotSent, Sent, Task
from gateway.model.framing import NoSense, packed, received

KINDS = {
    "apprise": "gateway.alerts.channels.apprise_send:send",
    "web_push": "gateway.alerts.channels.push_send:send",
}
"""Kinds of channel: the function that carries out a task, loaded when the first one comes."""

OPEN_FILES_MAX = 512
STACK_BYTES = 1 << 20  # of each thread
OOM_SCORE = "800"  # where memory runs out, this process goes before the gateway does

Send = Callable[[Task], Sent]


def main(arguments: list[str]) -> int:
    """Serve until the gateway closes its end."""
    give_up_rights()
    with socket.socket(fileno=int(arguments[0])) as connection:
        desk = Desk(connection)
        desk.answer({"ready": True})
        with contextlib.suppress(OSError, NoSense):
            while (request := received(connection)) is not None:
                desk.take(request)
        os._exit(0)  # attempts that still wait for somebody are not waited for


class Desk:
    """Takes tasks and answers them, in whichever order they end."""

    def __init__(self, connection: socket.socket) -> None:
        """Begin with nothing in hand."""
        self._connection = connection
        self._writing = threading.Lock()

    def take(self, request: dict[str, Any]) -> None:
        """Begin one task; returns at once. The gateway bounds how many are in hand."""
        number = request.get("id")
        if request.get("do") == "ping":
            self.answer({"id": number})
            return
        if request.get("do") == "load":
            threading.Thread(target=self._load, args=(number, str(request["kind"])), daemon=True).start()
            return
        task = Task(
            channel=str(request["channel"]),
            config=dict(request["config"]),
            message=dict(request["message"]),
            timeout_s=float(request["timeout_s"]),
        )
        kind, name = str(request["kind"]), f"send-{task.channel}"
        thread = threading.Thread(target=self._carry_out, args=(number, kind, task), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine gives no more of them: the others' attempts go on
            self.answer({"id": number, "reason": "no thread is left to send it", "lasting": False})

    def _load(self, number: object, kind: str) -> None:
        with contextlib.suppress(NotSent):  # said again, to whoever sends by it
            sender(kind)
        self.answer({"id": number})

    def _carry_out(self, number: object, kind: str, task: Task) -> None:
        try:
            done = sender(kind)(task)
            self.answer({"id": number, "taken": done.taken, "data": dict(done.data)})
        except NotSent as failed:
            self.answer(
                {"id": number, "reason": failed.reason, "lasting": failed.lasting, "data": failed.data}
            )
        except Exception as error:  # noqa: BLE001  (containment is the job: a library may raise anything)
            # Its text may hold an address or a key; its type does not.
            self.answer({"id": number, "reason": f"it raised {type(error).__name__}", "lasting": False})

    def answer(self, document: dict[str, Any]) -> None:
        """Answer; a gateway that is gone hears nothing."""
        with self._writing, contextlib.suppress(OSError):
            self._connection.sendall(packed(document))


def sender(kind: str) -> Send:
    """Give the function of a kind of channel. Raises NotSent where there is none, or it does not load."""
    where = KINDS.get(kind)
    if where is None:
        raise NotSent(f"no kind of channel is called {kind}", lasting=True)
    module, _, name = where.partition(":")
    try:
        found: Send = getattr(import_module(module), name)
    except ImportError as error:
        raise NotSent(f"what it needs is not installed: {error.name}", lasting=True) from error
    return found


def give_up_rights() -> None:
    """Take away what sending does not need: writing files, dumping core, going on after the gateway."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway decides when this ends
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        hard = resource.getrlimit(limit)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (least, least))
    with contextlib.suppress(OSError):  # not on every kernel
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    threading.stack_size(STACK_BYTES)
    logging.disable(logging.CRITICAL)  # what libraries log holds addresses and keys


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
