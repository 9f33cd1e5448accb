"""The system's clock: wall and monotonic time, the boot, and whether anybody keeps the clock right."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from uuid import uuid4

from gateway.model.clock import NS, ClockQuality, Instant

TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
ASK_EVERY_NS = 5 * NS  # the kernel is asked about its clock at most this often
_STA_UNSYNC = 0x40
_TIMEX_STATUS = 40  # offset of `status` in struct timex on 64-bit Linux
_TIMEX_SIZE = 256


class SystemClock:
    """Tells the machine's time. Quality comes from the kernel's `adjtimex` and from systemd-timesyncd."""

    def __init__(self) -> None:
        """Read the boot id; a machine that has none gets one for this process."""
        self._boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else str(uuid4())
        self._libc = ctypes.CDLL(None)
        self._was_synced = False
        self._quality = ClockQuality.UNSYNCED
        self._asked_ns: int | None = None

    def now(self) -> Instant:
        """Give the present moment."""
        mono = time.monotonic_ns()
        if self._asked_ns is None or mono - self._asked_ns > ASK_EVERY_NS:
            self._asked_ns = mono
            self._quality = self._ask()
        return Instant(time.time_ns(), mono, self._boot, self._quality)

    def _ask(self) -> ClockQuality:
        if self._synced():
            self._was_synced = True
            return ClockQuality.SYNCED
        return ClockQuality.HOLDOVER if self._was_synced else ClockQuality.UNSYNCED

    def _synced(self) -> bool:
        buffer = ctypes.create_string_buffer(_TIMEX_SIZE)
        answer: int = self._libc.adjtimex(buffer)
        if answer >= 0:
            status = int.from_bytes(buffer.raw[_TIMEX_STATUS : _TIMEX_STATUS + 4], "little")
            if not status & _STA_UNSYNC:
                return True
        return TIMESYNCD_MARK.exists()
