"""The state folder: one gateway at a time, its instance, the room on its disk, and the reserve."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from gateway.model.problem import Exit, Problem

log = logging.getLogger(__name__)

RESERVE_BYTES = 8 << 20  # a hundred alarms at once; checkpoints make room for the next
LOW_BYTES = 64 << 20  # with less room than this routine readings stop, so that alarms still find some

START_BYTES = 1 << 20  # room that opening both files takes


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the disk is kept for alarms."""

    reserve_bytes: int = RESERVE_BYTES
    low_bytes: int = LOW_BYTES


class StateFolder:
    """A state folder that this process owns. Its methods may be called from any thread."""

    def __init__(self, path: Path, room: Room | None = None) -> None:
        """Make the folder where it is missing, and lock it. Raises Problem, `Exit.REFUSED` where it is taken.

        Blocks: call it in a thread.
        """
        self.path = path
        self._room = room or Room()
        self.swap = threading.Lock()
        """Held by whoever replaces a file, or opens a connection to one beside its writer and readers."""
        try:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)  # health values: for nobody else
            self._lock = os.open(path / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise Problem(
                str(path),
                expected="a state folder that this user may write",
                found=error.strerror or str(error),
                do="give the folder to the user that runs velgate, or name another with --state",
            ) from error
        self._take()
        self.instance = self._instance()

    @property
    def alarms(self) -> Path:
        """Where the alarms are."""
        return self.path / "alarms.db"

    @property
    def alarms_copy(self) -> Path:
        """The hourly copy of the alarms."""
        return self.path / "alarms.copy.db"

    @property
    def readings(self) -> Path:
        """Where the readings are."""
        return self.path / "readings.db"

    def free_bytes(self) -> int:
        """Give the room on the disk that this user may still take."""
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def free_share(self) -> float | None:
        """Give the free share of the disk, from 0 to 1; None where it cannot be told."""
        try:
            disk = os.statvfs(self.path)
        except OSError:
            return None
        return disk.f_bavail / disk.f_blocks if disk.f_blocks else None

    @property
    def spare_bytes(self) -> int:
        """The room on the disk that readings leave alone."""
        return self._room.low_bytes + self._room.reserve_bytes

    def is_low(self) -> bool:
        """Tell whether what is left is for alarms only."""
        return not self._reserve.exists() or self.free_bytes() < self._room.low_bytes

    def give_up_reserve(self) -> bool:
        """Free the reserve, so that alarms find room; False where there is none left to free."""
        freed = False
        for path in [*self.path.glob("*.damaged.db*"), *self.path.glob("*.new"), self._reserve]:
            try:
                path.unlink()
                freed = True
            except OSError:
                continue
        return freed

    def make_way(self) -> None:
        """Give up the reserve where a start would find no room: SQLite needs a little to open a file."""
        if self.free_bytes() < START_BYTES:
            self.give_up_reserve()

    def make_reserve(self) -> bool:
        """Make the reserve where it is missing and there is room for it again; gives whether it is there."""
        if self._reserve.exists():
            return True
        if self.free_bytes() < self.spare_bytes:
            return False
        fresh = self._reserve.with_name("reserve.new")
        try:
            with fresh.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._room.reserve_bytes)
                os.fdatasync(file.fileno())
            fresh.replace(self._reserve)
        except OSError as error:
            log.warning("no reserve could be made: %s", error.strerror)
            fresh.unlink(missing_ok=True)
            return False
        return True

    def close(self) -> None:
        """Let another gateway have the folder."""
        os.close(self._lock)

    @property
    def _reserve(self) -> Path:
        return self.path / "reserve"

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            raise Problem(
                str(self.path),
                expected="a state folder of its own for each gateway",
                found=f"one that process {holder or '?'} is using",
                do="stop the other gateway, or name another folder with --state",
                exit=Exit.REFUSED,
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _instance(self) -> str:
        """Give the UUID of the folder, made with its first use."""
        path = self.path / "instance"
        with contextlib.suppress(OSError, ValueError):
            return str(UUID(path.read_text(encoding="ascii").strip()))
        made = str(uuid4())
        fresh = path.with_name("instance.new")
        with fresh.open("w", encoding="ascii") as file:
            file.write(f"{made}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(self.path)
        return made


def sync_folder(path: Path) -> None:
    """Have the names in a folder outlive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
