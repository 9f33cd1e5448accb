"""Replace a file so that a power cut leaves the old one or the new one, never a half."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.model.problem import Problem


def write(file: Path, text: str, mode: int, *, exact: bool = False) -> None:
    """Replace a file in one step. It keeps its owner, and its mode unless `exact`; a new one gets `mode`.

    Raises `Problem` where it cannot be written; the old file is then untouched.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    like = file.stat() if file.exists() else file.parent.stat()
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    if file.exists() and not exact:
        mode = like.st_mode & 0o777
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
            os.fchmod(opened.fileno(), mode)
            if os.geteuid() == 0:
                os.fchown(opened.fileno(), like.st_uid, like.st_gid)
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        what = error.strerror or type(error).__name__
        do = "run it as root, or as the owner of the file; the old file is untouched"
        raise Problem(str(file), expected="a file that can be written", found=what, do=do) from error
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two commands from writing at once."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
