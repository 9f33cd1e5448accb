"""A disk that a test makes full, broken or slow, or records for a power cut (`journal_disk_cut.py`).

For the journal alone, at the level of its writes and syncs.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from support.children import die_with_parent
from support.eventually import eventually

HERE = Path(__file__).parent
CHILD = HERE / "journal_child.py"


@cache
def shim() -> Path:
    """Compile the shim, once a run; needs `cc`."""
    target = Path(mkdtemp(prefix="journal-disk-")) / "journal_disk_shim.so"
    source = HERE / "journal_disk_shim.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", target, source, "-ldl", "-lpthread"], check=True)
    return target


class Disk:
    """The disk below one folder. Orders hold from the next call on."""

    def __init__(self, folder: Path, orders: Path) -> None:
        """Nothing is ordered."""
        self.folder = folder.resolve()
        self._orders = orders
        folder.mkdir(parents=True, exist_ok=True)
        orders.mkdir(parents=True, exist_ok=True)
        self.log = orders.with_name("disk.log")

    def environment(self, *, record: bool = False) -> dict[str, str]:
        """Give the environment of a process that is to have this disk."""
        return os.environ | {
            "LD_PRELOAD": str(shim()),
            "DISK_FOLDER": str(self.folder),
            "DISK_ORDERS": str(self._orders),
            **({"DISK_LOG": str(self.log)} if record else {}),
        }

    def order(self, name: str, value: int = 1) -> None:
        """Give an order: `quota`, `fail_write`, `fail_sync`, `sync_ms`."""
        fresh = self._orders / f"{name}.new"
        fresh.write_text(str(value))
        fresh.rename(self._orders / name)

    def end(self, name: str) -> None:
        """Take an order back."""
        (self._orders / name).unlink(missing_ok=True)

    def used(self) -> int:
        """Give what the files take."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


class Child:
    """A running `journal_child.py` with the lines it has said."""

    def __init__(self, process: Process) -> None:
        """Begin with none."""
        self.process = process
        self.lines: list[str] = []

    async def listen(self) -> None:
        """Take its lines, until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().strip())

    def said(self, word: str) -> list[str]:
        """Give what followed a word."""
        return [line.partition(" ")[2] for line in self.lines if line.split()[0] == word]

    async def says(self, word: str, more: int = 1) -> None:
        """Wait until it has said a word so many times more."""
        wanted = len(self.said(word)) + more
        await eventually(lambda: len(self.said(word)) >= wanted)

    async def kill(self) -> None:
        """Kill it and take its last lines."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def child(
    disk: Disk, *, record: bool = False, program: Path = CHILD, **environment: str
) -> AsyncIterator[Child]:
    """Run a journal under load on a disk."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        str(disk.folder),
        stdout=asyncio.subprocess.PIPE,
        env=disk.environment(record=record) | environment,
        preexec_fn=die_with_parent(),
    )
    running = Child(process)
    listening = asyncio.create_task(running.listen())
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.kill()
        await listening
