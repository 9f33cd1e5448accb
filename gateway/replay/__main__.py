"""The child process of `velgate alert rules test`: as nice as can be, so that no alarm waits for it.

One JSON document comes on stdin; lines of JSON go out: `{"taken": n}` now and then, at the end
`{"result": …}` or `{"problem": {"exit", "findings"}}`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from dataclasses import asdict
from typing import Any

import orjson

from gateway.model.problem import Problem

NICE = 19
IDLE = 3 << 13  # the I/O class of whoever waits for everybody else
THIS_PROCESS = 1
IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "armv6l": 314}
"""The number of the system call ioprio_set(2), which has no name in the C library, by machine."""


def main() -> int:
    """Do what stdin asks for."""
    os.nice(NICE)
    _idle_io()
    from gateway.replay.work import Job, run

    try:
        job = Job.read(orjson.loads(sys.stdin.buffer.read()))
        _say({"result": run(job, lambda taken: _say({"taken": taken}))})
    except Problem as problem:
        findings = [asdict(each) for each in problem.findings]
        _say({"problem": {"exit": int(problem.exit), "findings": findings}})
    except KeyboardInterrupt:
        return 1  # whoever asked has stopped asking, and says so
    return 0


def _idle_io() -> None:
    """Let everybody else have the disk first; where the kernel knows no such thing, nothing is lost."""
    number = IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, THIS_PROCESS, 0, IDLE)


def _say(document: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
