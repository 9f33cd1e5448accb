"""A disk that a test makes full, broken or slow, or records for a power cut (`journal_disk_shim.c`).

For the journal alone, at the level of its writes and syncs.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from support.children import die_with_parent
from support.eventually import eventually

HERE = Path(__file__).parent
CHILD = HERE / "journal_child.py"
SECTOR = 512


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
        await eventually(lambda: len(self.said(word)) >= wanted, within_s=20)

    async def kill(self) -> None:
        """Kill it and take its last lines."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def child(disk: Disk, *, record: bool = False, **environment: str) -> AsyncIterator[Child]:
    """Run a journal under load on a disk."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
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


# Power cuts.


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that reached the disk."""

    what: str
    path: str
    other: str = ""
    offset: int = 0
    data: bytes = b""


def read_log(path: Path) -> list[Step]:
    """Read what the shim has recorded."""
    return list(_steps(path.read_bytes()))


def _steps(log: bytes) -> Iterator[Step]:
    at = 0

    def take(length: int) -> bytes:
        nonlocal at
        at += length
        return log[at - length : at]

    def path() -> str:
        return take(struct.unpack("<I", take(4))[0]).decode()

    while at < len(log):
        what = take(1).decode()
        name = path()
        match what:
            case "W":
                offset, length = struct.unpack("<qq", take(16))
                yield Step(what, name, offset=offset, data=take(length))
            case "T":
                yield Step(what, name, offset=struct.unpack("<q", take(8))[0])
            case "R":
                yield Step(what, name, other=path())
            case _:
                yield Step(what, name)


class _Replay:
    """The files of a disk while steps are replayed: what is on it, and what it has not synced."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.unsynced: dict[str, list[Step]] = {}

    def step(self, step: Step) -> None:
        match step.what:
            case "W":
                self.unsynced.setdefault(step.path, []).append(step)
                self.files.setdefault(step.path, bytearray())
            case "S":
                self._sync(step.path)
            case "T":
                self._sync(step.path)
                content = self.files.setdefault(step.path, bytearray())
                del content[step.offset :]
                content.extend(bytes(step.offset - len(content)))
            case "U":
                self.files.pop(step.path, None)
                self.unsynced.pop(step.path, None)
            case "R":
                self.files[step.other] = self.files.pop(step.path, bytearray())
                self.unsynced[step.other] = self.unsynced.pop(step.path, [])

    def lose_power(self, rng: random.Random) -> None:
        """Let any part of what was not synced reach the disk: in any order, torn at sectors or not."""
        for path, writes in self.unsynced.items():
            for write in rng.sample(writes, rng.randint(0, len(writes))):
                torn = rng.random() < 0.5
                for start in range(0, len(write.data), SECTOR):
                    if not torn or rng.random() < 0.5:
                        data = write.data[start : start + SECTOR]
                        _apply(self.files[path], write.offset + start, data)

    def _sync(self, path: str) -> None:
        for write in self.unsynced.pop(path, ()):
            _apply(self.files[path], write.offset, write.data)


def cut(steps: list[Step], folder: Path, target: Path, rng: random.Random) -> None:
    """Write the files of `folder` to `target` as a power cut after these steps may leave them."""
    replay = _Replay()
    for step in steps:
        replay.step(step)
    replay.lose_power(rng)
    target.mkdir(parents=True)
    for path, content in replay.files.items():
        if not path.endswith("-shm"):
            (target / Path(path).relative_to(folder)).write_bytes(content)


def _apply(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    content[offset : offset + len(data)] = data
