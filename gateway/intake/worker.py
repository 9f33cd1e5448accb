"""The child process in which a driver runs that did not come with Velgate. Started by `child.py` only.

    python -I -m gateway.intake.worker SOCKET_FD NAME MODULE:ATTRIBUTE [PATH]

Before the driver is imported the process takes away from itself what a pure function does not need: memory,
processor time, files, new processes. It answers requests one after the other and ends when the gateway does.
"""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal
import socket
import sys
from importlib import import_module
from itertools import islice
from typing import Any

from gateway.driver import DecodeError, Driver, Match
from gateway.intake.host import view_of
from gateway.intake.index import Loaded, Route
from gateway.intake.outcome import FACTS_MAX
from gateway.intake.wire import fact_to_wire, manifest_of
from gateway.model.ccm import prepare
from gateway.model.frame_json import frame_of
from gateway.model.framing import packed, received

MEMORY_MAX = 256 * 1024 * 1024  # bytes of address space; one more is a MemoryError in the driver
CALL_CPU_S = 2  # processor seconds a call; then the kernel ends the process
OPEN_FILES_MAX = 32
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Serve one driver until the socket closes."""
    descriptor, name, value, *paths = arguments
    _give_up_rights()
    sys.path.extend(paths)
    prepare()
    with socket.socket(fileno=int(descriptor)) as connection:
        try:
            driver, file = _import(value)
        except Exception as error:  # noqa: BLE001  (an import may raise anything: the gateway is told)
            _send(connection, {"error": f"{type(error).__name__}: {error}"})
            return 1
        _send(connection, {"manifest": manifest_of(driver, file)})
        loaded = Loaded(driver=driver, file=file, distribution=name, shipped=False)
        while (request := received(connection)) is not None:
            _more_cpu()
            _send(connection, _answer(loaded, request))
    return 0


def _answer(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    keys = {address: bytes.fromhex(key) for address, key in request["keys"].items()}
    match: Match = loaded.driver.matches[request["match"]]
    frame = frame_of(request["frame"])
    view = view_of(Route(loaded, match, bytes.fromhex(request["payload"])), frame, keys.get)
    rows: list[Any] = []
    fault = None
    try:
        facts = islice(loaded.driver.decode(view), FACTS_MAX)  # type: ignore[arg-type]
        rows.extend(map(fact_to_wire, facts))  # keeps what came before the driver raised
    except DecodeError as error:
        fault = [error.code, str(error)]
    except Exception as error:  # noqa: BLE001  (containment is the job: a driver may raise anything)
        rows, fault = [], ["driver_failed", f"it raised {type(error).__name__}"]
    return {"facts": rows, "fault": fault, "key_owner": view.key_owner}


def _import(value: str) -> tuple[Driver, str]:
    module_name, _, attribute = value.partition(":")
    module = import_module(module_name)
    return getattr(module, attribute or "driver"), getattr(module, "__file__", None) or value


def _give_up_rights() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway decides when this ends
    with contextlib.suppress(OSError, AttributeError):  # another kernel: the closed socket ends it too
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        resource.setrlimit(limit, (most, most))
    _more_cpu()


def _more_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CALL_CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(packed(message))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
