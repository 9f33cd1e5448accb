"""A time limit that can interrupt a driver: a timer signal around `decode`, in the main thread only.

The timer is left running from one call to the next and looks at the clock when it fires, so that a call
costs no system call. It interrupts Python between two instructions (an endless loop, a catastrophic regular
expression); one long call into C it cannot, which is why drivers that did not come with Velgate run in a
child process.
"""

from __future__ import annotations

import atexit
import signal
import threading
import time
from types import FrameType

LIMIT_S = 0.05  # a call may take this long
GRACE_S = 0.01  # and this much of the processor after it: a busy machine is not the driver's fault
HARD_S = 0.5  # but no longer than this, even asleep


class OverBudget(BaseException):
    """A driver did not come to an end. No `Exception`, so that a driver cannot catch it by accident."""


class Budget:
    """The timer. One a process: the signal SIGALRM is its own."""

    __slots__ = ("_armed", "_began", "_main", "_mark", "_previous")

    def __init__(self) -> None:
        """Prepare; the signal is taken at the first call."""
        self._armed = False
        self._began = 0.0
        self._mark = (0.0, 0.0)
        self._main = threading.main_thread().ident
        self._previous: object = None

    def begin(self) -> None:
        """Start watching a call. Outside the main thread nothing can interrupt, and nothing is done."""
        if threading.get_ident() != self._main:
            return
        self._began = time.perf_counter()
        if not self._armed:
            if self._previous is None:
                self._previous = signal.signal(signal.SIGALRM, self._fired) or signal.SIG_DFL
                atexit.register(self.close)  # the interpreter's end restores the signal, which would kill
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)

    def end(self) -> None:
        """Stop watching."""
        self._began = 0.0

    def close(self) -> None:
        """Give the signal back."""
        self.end()
        if self._previous is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous)  # type: ignore[arg-type]
            self._previous, self._armed = None, False

    def _fired(self, _signal: int, _frame: FrameType | None) -> None:
        began = self._began
        if not began:
            self._armed = False
            return
        age = time.perf_counter() - began
        if age < LIMIT_S:
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S - age)
            return
        spent = time.thread_time()
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        if self._mark[0] != began:
            self._mark = (began, spent)
        elif spent - self._mark[1] >= GRACE_S / 2 or age >= HARD_S:
            raise OverBudget
