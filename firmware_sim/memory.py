"""What devices keep on the disk (`--state DIR`): counters that go on, and whether a bed was empty."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Final

from firmware_sim.devices.base import PACKET, Memory
from firmware_sim.problem import Exit, SimProblem

SAVE_EVERY_S: Final = 5.0
_LEAP: Final = 32  # packet ids that may have been used after the last save, before a crash


class MemoryFile:
    """Reads the counters when entered and writes them when left; `run` writes them now and then."""

    def __init__(self, folder: Path | None) -> None:
        """Keep nothing on the disk where `folder` is None."""
        self._path = None if folder is None else folder / "velgate-sim.json"
        self.memory = Memory({})

    def __enter__(self) -> MemoryFile:
        """Read. Raises SimProblem if the file cannot be used."""
        if self._path is None:
            return self
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else "{}"
            values = {str(name): int(value) for name, value in json.loads(text).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise SimProblem(
                str(self._path),
                expected="the counters of an earlier run, or no file",
                found=getattr(error, "strerror", None) or "something else",
                do="Remove it, or choose another folder with --state.",
                exit_code=Exit.FAILED,
            ) from None
        for name, value in values.items():
            self.memory.values[name] = (value + _LEAP) % 256 if name.startswith(PACKET) else value
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write."""
        self._write(dict(self.memory.values))

    async def run(self) -> None:
        """Write every `SAVE_EVERY_S`, for ever."""
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await asyncio.to_thread(self._write, dict(self.memory.values))

    def _write(self, values: dict[str, int]) -> None:
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(values, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(self._path)
