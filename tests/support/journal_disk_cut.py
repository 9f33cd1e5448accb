"""What a power cut leaves of a disk that was recorded (`journal_disk_shim.c`).

The model of the disk is a harsh one. What a file's sync has returned for is there. What was written since
is there or not, each write by itself, in any order, whole or in part by sectors of 512 bytes. Names (a file
made, renamed, removed) become durable in order: with a sync of their folder, a new or renamed file's also
with its own; of those since, the cut keeps the first few. Cutting a file short holds at once.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECTOR: Final = 512


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that reached the disk: W(rite), S(ync), T(runcate), U(nlink) or R(ename)."""

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


@dataclass(frozen=True, slots=True)
class _Renaming:
    """A change of names: a file made (no `before`), renamed, or removed (no `after`)."""

    before: str | None
    after: str | None
    file: int


@dataclass
class Replay:
    """A disk while steps are replayed: what is on it for certain, and what only may be."""

    contents: list[bytearray] = field(default_factory=list)
    unsynced: list[list[Step]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    certain: dict[str, int] = field(default_factory=dict)
    """The names that a cut leaves in any case."""
    renamings: list[_Renaming] = field(default_factory=list)

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Replay:
        """Begin with files that are there."""
        made = cls()
        for path, content in files.items():
            made.contents[made._file(path)][:] = content
        made.certain = dict(made.names)
        made.renamings.clear()
        return made

    def step(self, step: Step) -> None:
        """Let one step happen."""
        match step.what:
            case "W":
                self.unsynced[self._file(step.path)].append(step)
            case "S" if step.path in self.names:
                self._sync(self.names[step.path])
                self._settle(lambda each: each.after == step.path)
            case "S":
                self._settle(lambda each: _folder(each.after or each.before) == step.path)
            case "T":
                file = self._file(step.path)
                self._sync(file)
                content = self.contents[file]
                del content[step.offset :]
                content.extend(bytes(step.offset - len(content)))
            case "U" if step.path in self.names:
                self._rename(_Renaming(step.path, None, self.names[step.path]))
            case "R" if step.path in self.names:
                self._rename(_Renaming(step.path, step.other, self.names[step.path]))
            case _:
                pass  # of a file in which nothing was ever written

    def lose_power(self, rng: random.Random) -> dict[str, bytes]:
        """Give the files that a cut now may leave; the replay itself stays as it is."""
        names = dict(self.certain)
        for each in self.renamings[: rng.randint(0, len(self.renamings))]:
            _apply_renaming(names, each)
        left: dict[str, bytes] = {}
        for path, file in names.items():
            content = bytearray(self.contents[file])
            writes = self.unsynced[file]
            for write in rng.sample(writes, rng.randint(0, len(writes))):
                torn = rng.random() < 0.5
                for start in range(0, len(write.data), SECTOR):
                    if not torn or rng.random() < 0.5:
                        _write(content, write.offset + start, write.data[start : start + SECTOR])
            left[path] = bytes(content)
        return left

    def _file(self, path: str) -> int:
        if path not in self.names:
            self.contents.append(bytearray())
            self.unsynced.append([])
            self._rename(_Renaming(None, path, len(self.contents) - 1))
        return self.names[path]

    def _rename(self, renaming: _Renaming) -> None:
        _apply_renaming(self.names, renaming)
        self.renamings.append(renaming)

    def _settle(self, concerns: Callable[[_Renaming], bool]) -> None:
        through = max((n for n, each in enumerate(self.renamings, 1) if concerns(each)), default=0)
        for each in self.renamings[:through]:
            _apply_renaming(self.certain, each)
        del self.renamings[:through]

    def _sync(self, file: int) -> None:
        for write in self.unsynced[file]:
            _write(self.contents[file], write.offset, write.data)
        self.unsynced[file].clear()


def _folder(path: str | None) -> str:
    return str(Path(path or "").parent)


def _apply_renaming(names: dict[str, int], renaming: _Renaming) -> None:
    if renaming.before is not None:
        names.pop(renaming.before, None)
    if renaming.after is not None:
        names[renaming.after] = renaming.file


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    content[offset : offset + len(data)] = data


def cuts(
    steps: Sequence[Step], rng: random.Random, count: int, files: Mapping[str, bytes] | None = None
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Cut the power at random steps, in their order: gives how many steps were done, and what is left."""
    replay = Replay.of(files or {})
    done = 0
    for upto in sorted(rng.randint(0, len(steps)) for _ in range(count)):
        for step in steps[done:upto]:
            replay.step(step)
        done = upto
        yield done, replay.lose_power(rng)


def put(files: Mapping[str, bytes], folder: Path, target: Path) -> None:
    """Write what a cut has left of `folder` to `target`; what is in shared memory never outlives one."""
    target.mkdir(parents=True)
    for path, content in files.items():
        if not path.endswith("-shm"):
            (target / Path(path).relative_to(folder)).write_bytes(content)
