"""`kill -9` of a real process, between press and acknowledgement and between acknowledgement and closing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.children import die_with_parent

TESTS = Path(__file__).parents[1]


class Child:
    """The process, its orders and its answers."""

    def __init__(self, state: Path) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.alarm_child", str(state)],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509
        )

    def does(self, order: str) -> str:
        """Give an order; the answer comes when it is committed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def living(state: Path) -> Iterator[Child]:
    """Run a process, and kill it without warning."""
    child = Child(state)
    try:
        yield child
    finally:
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.communicate()


def test_nothing_that_was_answered_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    """Four lives of one alert."""
    with living(tmp_path) as child:
        pressed = child.does("press")
        alert, handling, count = pressed.split()
        assert (handling, count) == ("unacknowledged", "1")
    with living(tmp_path) as child:
        assert child.does("look") == pressed
        assert child.does("press") == f"{alert} unacknowledged 2"
        assert child.does("acknowledge KL") == f"{alert} acknowledged 2"
    with living(tmp_path) as child:
        assert child.does("look") == f"{alert} acknowledged 2"
        assert child.does("acknowledge KL") == f"{alert} acknowledged 2", "a retry after the answer was lost"
        assert child.does("resolve KL") == "none"
    with living(tmp_path) as child:
        assert child.does("look") == "none"
        assert child.does("press").split()[0] != alert
