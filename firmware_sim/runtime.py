"""Where running simulators are found: one private folder each, below one folder of the user's own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from firmware_sim.problem import Exit, SimProblem

_RECORD: Final = "running.json"
_ELSEWHERE: Final = "sockets"
_SOCKET_PATH_MAX_B: Final = 99  # what dbus-daemon takes (_DBUS_MAX_SUN_PATH_LENGTH); unix(7) has 107
_SOCKET_NAME_B: Final = len("/control")


def base_folder() -> Path:
    """Return the user's folder for running simulators, which nobody else may write to."""
    run = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(run) / "velgate-sim" if run else Path(f"/tmp/velgate-sim-{os.getuid()}")  # noqa: S108
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise SimProblem(
            str(folder),
            expected="a folder of your own that nobody else can write to",
            found="another owner or looser rights",
            do="Remove it, or set XDG_RUNTIME_DIR to a private folder.",
            exit_code=Exit.FAILED,
        )
    return folder


@contextmanager
def running_folder() -> Iterator[Path]:
    """Make the folder of one running simulator; remove it at the end. Left-overs of dead ones go too."""
    base = base_folder()
    for other in base.iterdir():
        if not _alive(other):
            _remove(other)
    folder = base / f"{os.getpid()}-{time.time_ns():x}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder)


def socket_folder(folder: Path) -> Path:
    """Return where the sockets of a simulator lie: in its folder, or elsewhere if that path is too long."""
    if len(os.fsencode(folder)) + _SOCKET_NAME_B <= _SOCKET_PATH_MAX_B:
        return folder
    short = Path(tempfile.mkdtemp(prefix="velgate-sim-"))
    (folder / _ELSEWHERE).symlink_to(short)
    return short


def _remove(folder: Path) -> None:
    elsewhere = folder / _ELSEWHERE
    if elsewhere.is_symlink():
        shutil.rmtree(elsewhere.readlink(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def announce(folder: Path, control: str) -> None:
    """Let `velgate-sim do` find this simulator."""
    record = {"control": control, "pid": os.getpid(), "started": time.time_ns()}
    fresh = folder / f"{_RECORD}.new"
    fresh.write_text(json.dumps(record), encoding="utf-8")
    fresh.replace(folder / _RECORD)


def latest_control() -> str | None:
    """Return the control address of the simulator that this user started last and that still runs."""
    found: list[tuple[int, str]] = []
    for folder in base_folder().iterdir():
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _alive(folder):
            found.append((record["started"], record["control"]))
    return max(found)[1] if found else None


def _alive(folder: Path) -> bool:
    pid = folder.name.partition("-")[0]
    return pid.isdigit() and Path("/proc", pid).exists()
