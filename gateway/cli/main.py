"""`velgate`: the one place where commands meet, and where a problem becomes text and exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.model.problem import Exit, Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Ends without a traceback unless VELGATE_DEBUG is set."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["decode"]:  # as fast as can be: it neither needs nor loads the other commands
            from gateway.cli.decoding import decode

            return decode(given[1:])
        return _run(given)
    except Problem as problem:
        from gateway.cli.say import explain_problem

        return explain_problem(problem)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return Exit.FAILED
    except BrokenPipeError:
        # Whoever read our output has read enough. Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as fault:  # noqa: BLE001  (the last place: a technician reads sentences, no traceback)
        return _own_fault(fault)


def _run(given: list[str]) -> int:
    from gateway.cli.commands import app

    try:
        app(given, prog_name="velgate")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.DONE if end.code is None else Exit.FAILED
    return Exit.DONE


def _own_fault(fault: Exception) -> int:
    if os.environ.get("VELGATE_DEBUG"):
        raise fault
    from gateway.cli.say import explain
    from gateway.model.problem import Finding

    frame = fault.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    do = "run it again with VELGATE_DEBUG=1, and report what it prints, without names and keys"
    found = f"a fault of Velgate's own: {type(fault).__name__} at {place}"
    explain([Finding(where="velgate", expected="an answer", found=found, do=do)])
    return Exit.FAILED
