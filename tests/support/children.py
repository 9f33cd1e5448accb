"""What every child process of the tests needs: to die with the test run, and a free port."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> Callable[[], None]:
    """Give a `preexec_fn` after which the kernel kills the child when the test run ends, however it ends."""
    parent = os.getpid()

    def ask() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def free_port() -> int:
    """Ask the kernel for a TCP port on the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end(process: subprocess.Popen[bytes], *, within_s: float = 5.0) -> int:
    """Ask a child to end, kill it if it does not, and return its status."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a stopped process would not see the next one
        process.terminate()
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
