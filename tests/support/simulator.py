"""The simulated devices as a child process: `velgate-sim run` with a bus of its own, and a way to act on it.

    with simulator(tmp_path, SCENARIO) as sim:
        sim.do("kald-01", "press")

Inside the block DBUS_SYSTEM_BUS_ADDRESS names the simulator's bus, so that bleak finds it as any other.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.children import end

SYSTEM_BUS = "DBUS_SYSTEM_BUS_ADDRESS"


class Simulator:
    """A running simulator."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        """Take over a started one and its ready line."""
        self.process = process
        self.bus: str = ready["bus"]
        self.control: str = ready["control"]

    def do(self, device: str, action: str, value: str | None = None) -> dict[str, Any]:
        """Act on a device (or on `adapter`); returns when the first frame was sent. Raises RuntimeError."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(15)
            connection.connect(self.control.removeprefix("unix:path="))
            request = {"device": device, "action": action, "value": value}
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer: dict[str, Any] = json.loads(stream.readline())
        if "problem" in answer:
            raise RuntimeError(f"{device} {action}: {answer['problem']}")
        return answer


@contextmanager
def simulator(
    folder: Path, scenario: str | None = None, *, quiet: bool = True, options: Sequence[str] = ()
) -> Iterator[Simulator]:
    """Run the simulator for the length of the block.

    `scenario` is the text of a scenario file; None takes the home that comes along. `options` are further
    arguments of `velgate-sim run`.
    """
    arguments = ["run"]
    if scenario is not None:
        file = folder / "scenario.toml"
        file.write_text(scenario, encoding="utf-8")
        arguments.append(str(file))
    arguments += ["--json", "--die-with-parent", *(["--quiet"] if quiet else []), *options]
    program = Path(sys.executable).parent / "velgate-sim"
    process = subprocess.Popen(
        [str(program), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    before = os.environ.get(SYSTEM_BUS)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"velgate-sim ended with {process.wait()} before it was ready")
        running = Simulator(process, json.loads(line))
        os.environ[SYSTEM_BUS] = running.bus
        yield running
    finally:
        if before is None:
            os.environ.pop(SYSTEM_BUS, None)
        else:
            os.environ[SYSTEM_BUS] = before
        end(process)
        if process.stdout is not None:
            process.stdout.close()
