"""A D-Bus of the simulator's own: a `dbus-daemon` as a child, listening on a private path.

The system's bus is never touched. The child ends with its parent, also when that is killed: the kernel
signals it (PR_SET_PDEATHSIG, prctl(2)).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from firmware_sim.problem import Exit, SimProblem

_CONFIG: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""
START_WITHIN_S: Final = 5.0
STOP_WITHIN_S: Final = 1.0  # then it is killed; it keeps nothing
_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, with_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `with_signal` to this process when `parent`, its parent, ends.

    Runs in the child between fork and exec; nothing here may allocate much or take a lock.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the request was made
        os._exit(1)


class PrivateBus:
    """A running `dbus-daemon`: its `address`, and a way to notice that it ended."""

    def __init__(self, address: str, process: asyncio.subprocess.Process) -> None:
        """Take over a started daemon."""
        self.address = address
        self.pid = process.pid
        self._process = process

    async def watch(self) -> None:
        """Wait until the daemon ends. Raises SimProblem then: without a bus nothing works."""
        code = await self._process.wait()
        raise SimProblem(
            self.address,
            expected="a running dbus-daemon",
            found=f"it ended with status {code}",
            do="Start the simulator again.",
            exit_code=Exit.FAILED,
        )


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[PrivateBus]:
    """Start a bus whose socket and configuration lie in `folder`; stop it on leaving.

    Raises SimProblem where `dbus-daemon` is missing or does not come up.
    """
    socket = folder / "bus"
    config = folder / "bus.conf"
    config.write_text(_CONFIG.format(socket=escape(str(socket))), encoding="utf-8")
    parent = os.getpid()
    log = folder / "bus.log"
    try:
        with log.open("wb") as log_file:
            process = await asyncio.create_subprocess_exec(
                "dbus-daemon",
                f"--config-file={config}",
                "--nofork",
                "--nopidfile",
                "--print-address=1",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,  # it complains where it may not raise its own limit of open files
                preexec_fn=lambda: die_with_parent(parent),
                start_new_session=True,  # Ctrl-C on the terminal is for us; we then stop the bus ourselves
            )
    except FileNotFoundError:
        raise SimProblem(
            "dbus-daemon",
            expected="the program on the PATH",
            found="none",
            do="Install it: apt install dbus-daemon (Debian) or dbus (others).",
            exit_code=Exit.FAILED,
        ) from None
    try:
        await _ready(process, log)
        yield PrivateBus(f"unix:path={socket}", process)
    finally:
        await asyncio.shield(_stop(process))


async def _ready(process: asyncio.subprocess.Process, log: Path) -> None:
    line = b""
    if process.stdout is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_WITHIN_S):
                line = await process.stdout.readline()
    if not line:
        raise SimProblem(
            "dbus-daemon",
            expected=f"its address within {START_WITHIN_S:.0f} s",
            found=await asyncio.to_thread(log.read_text, "utf-8", "replace") or "nothing",
            do="Mend what it complains of, or give the address of another bus with --bus.",
            exit_code=Exit.FAILED,
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
