"""A state folder in memory, for a start at which the disk takes nothing: alarms go out all the same.

What can still be read of the real folder is copied, so that open alerts, legal bases, screens and what was
last accepted of each device are known. Nothing in it is durable, and nothing is confirmed that is not kept:
writing alarms is refused, so they are told from memory, loudly, and cannot be taken.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from gateway.journal.folder import Room, StateFolder
from gateway.model.problem import Exit, Problem

log = logging.getLogger(__name__)

MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it, for nobody else)
PREFIX = "velgate-"
MADE_WITHIN_S = 60.0  # one that is younger may be another gateway's that is just being made
COPIED = ("alarms.db", "alarms.db-wal", "alarms.copy.db", "alarms.mended.db", "instance")
COPY_MAX_BYTES = 128 << 20
"""A file larger than this is left behind: memory is for calls."""
READINGS_MAX_BYTES = 16 << 20
"""As much as readings may take there, on their way to those who are sent them."""
ROOM = Room(reserve_bytes=1 << 16, low_bytes=4 << 20)


def may_run_from_memory(state: Path, problem: Problem) -> bool:
    """Tell whether a gateway whose state folder cannot be had should run all the same.

    Not where another gateway has it, and not where there never was such a folder: that is a mistyped path,
    and whoever typed it must know at once.
    """
    return problem.exit is not Exit.REFUSED and state.is_dir()


def shelter(state: Path) -> StateFolder:
    """Make a state folder in memory with what the real one still gives. Blocks. Raises Problem or OSError."""
    inside = MEMORY if os.access(MEMORY, os.W_OK) else None
    if inside is not None:
        _sweep(inside)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=inside))
    for name in COPIED:
        try:
            if (state / name).stat().st_size <= COPY_MAX_BYTES:
                shutil.copyfile(state / name, path / name)
        except FileNotFoundError:
            continue
        except OSError as error:  # a card that is worn gives some files and some not
            log.warning("%s cannot be read and is left out: %s", name, error.strerror or error)
            (path / name).unlink(missing_ok=True)
    return StateFolder(path, ROOM)


def _sweep(inside: Path) -> None:
    """Remove what gateways that were killed left behind. One that lives holds its lock."""
    for path in inside.glob(f"{PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime < MADE_WITHIN_S:
                continue
            with (path / "journal.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def leave(folder: StateFolder) -> None:
    """Remove a shelter: nothing of it outlives the process."""
    shutil.rmtree(folder.path, ignore_errors=True)
