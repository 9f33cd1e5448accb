"""Where running simulators are found: one private folder each, below one folder of the user's own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from firmware_sim.problem import Exit, SimProblem

_RECORD: Final = "running.json"


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
            shutil.rmtree(other, ignore_errors=True)
    folder = base / f"{os.getpid()}-{time.time_ns():x}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
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
