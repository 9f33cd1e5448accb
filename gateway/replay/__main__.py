"""The child process of `velgate alert rules test`: as nice as can be, so that no alarm waits for it.

One JSON document comes on stdin; lines of JSON go out: `{"taken": n}` now and then, at the end
`{"result": …}` or `{"problem": {"exit", "findings"}}`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Any

import orjson

from gateway.model.problem import Problem

NICE = 19


def main() -> int:
    """Do what stdin asks for."""
    os.nice(NICE)
    from gateway.replay.work import Job, run

    try:
        job = Job.read(orjson.loads(sys.stdin.buffer.read()))
        _say({"result": run(job, lambda taken: _say({"taken": taken}))})
    except Problem as problem:
        findings = [asdict(each) for each in problem.findings]
        _say({"problem": {"exit": int(problem.exit), "findings": findings}})
    return 0


def _say(document: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
