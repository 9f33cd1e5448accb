"""A disk under a gateway's state folder that hangs or fills up when the test says so (`disk_shim.c`).

It is a library laid under the program, not a file system: so it needs no root, and what is on the real disk
beside it does not matter.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("disk_shim.c")
WARNINGS = ("-Wall", "-Wextra", "-Werror")


class Disk:
    """One disk, of the files in one folder."""

    def __init__(self, folder: Path, state: Path) -> None:
        """Build the library in `folder`; the disk holds the files of `state`."""
        self._state = state
        self._control = folder / "disk"
        self._control.mkdir()
        self._library = folder / "disk_shim.so"
        command = ["cc", "-shared", "-fPIC", "-O1", *WARNINGS, str(SOURCE), "-o", str(self._library)]
        subprocess.run(command, check=True)

    @property
    def env(self) -> dict[str, str]:
        """What lays it under a program."""
        return {
            "LD_PRELOAD": str(self._library),
            "VELGATE_DISK_FOLDER": str(self._state.resolve()),
            "VELGATE_DISK_CONTROL": str(self._control),
        }

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let no fsync return for the length of the block."""
        mark = self._control / "hang"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    @property
    def used(self) -> int:
        """How many bytes its files have together."""
        return sum(file.stat().st_size for file in self._state.iterdir() if file.is_file())

    def leave(self, bytes_free: int) -> None:
        """Make the disk so large that this much is left."""
        self.resize(self.used + bytes_free)

    def resize(self, size_bytes: int) -> None:
        """Make the disk this large."""
        fresh = self._control / "bytes.new"
        fresh.write_text(str(size_bytes))
        fresh.replace(self._control / "bytes")
