"""Frames from a file and into one: JSON lines, as `velgate decode` reads them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import orjson

from gateway.model.clock import NS, Clock
from gateway.model.frame_json import FrameMalformed, document_of, frame_of, load, time_of
from gateway.model.frames import Frame
from gateway.model.trouble import TellTrouble, Trouble
from gateway.radio.expects import OnFrame

log = logging.getLogger(__name__)

NAME = "capture"
CHUNK_LINES = 500  # lines read at once, in a thread
REPORTED_MAX = 20  # malformed lines that are remembered; the others are counted

State = Literal["off", "reading", "ended", "down"]


@dataclass(frozen=True, slots=True)
class CaptureLine:
    """One line: a frame, or what is wrong with it; `time_ns` is when it says it was heard."""

    number: int
    frame: Frame | None
    time_ns: int | None = None
    problem: str = ""


def read_lines(lines: Iterable[bytes], *, first: int = 1) -> Iterator[CaptureLine]:
    """Read frames from lines; empty ones are passed over, malformed ones come with their problem."""
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            document = load(line)
            yield CaptureLine(number, frame_of(document), time_of(document))
        except FrameMalformed as error:
            yield CaptureLine(number, None, problem=str(error))


class CaptureFile:
    """A source that plays a file once: at its own pace, or as fast as frames are taken."""

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        on_frame: OnFrame,
        tell: TellTrouble = lambda _: None,
        full_speed: bool = False,
    ) -> None:
        """`path` None: there is nothing to play. Frames carry the present moment, not that of the file."""
        self._path, self._clock, self._on_frame, self._tell = path, clock, on_frame, tell
        self._full_speed = full_speed
        self.state: State = "off"
        self.frames = 0
        self.malformed = 0
        self.problems: list[str] = []
        """The first malformed lines, each with its number."""

    async def run(self) -> None:
        """Play the file and wait. Ends by cancellation only; played anew where it is run again."""
        if self._path is not None:
            self.state, self.frames, self.malformed, self.problems = "reading", 0, 0, []
            try:
                await self.play()
            except OSError as error:
                self.state = "down"
                detail = f"The capture {self._path} cannot be read: {error.strerror or error}."
                self._tell(Trouble(kind="source.down", subject=NAME, present=True, detail=detail))
            else:
                self.state = "ended"
        await asyncio.Event().wait()

    async def play(self) -> None:
        """Play the file once, to its end. Raises OSError."""
        assert self._path is not None
        loop = asyncio.get_running_loop()
        first_ns: int | None = None
        began = loop.time()
        with await asyncio.to_thread(self._path.open, "rb") as file:
            number = 1
            while chunk := await asyncio.to_thread(_chunk, file):
                for line in read_lines(chunk, first=number):
                    if line.frame is None:
                        self._report(line)
                        continue
                    if line.time_ns is not None and not self._full_speed:
                        first_ns = line.time_ns if first_ns is None else first_ns
                        await asyncio.sleep(began + (line.time_ns - first_ns) / NS - loop.time())
                    self.frames += 1
                    await self._on_frame(replace(line.frame, heard=self._clock.now(), source=NAME))
                number += len(chunk)

    def _report(self, line: CaptureLine) -> None:
        self.malformed += 1
        if len(self.problems) < REPORTED_MAX:
            self.problems.append(f"line {line.number}: {line.problem}")
            log.warning("%s:%d: %s", self._path, line.number, line.problem)


def _chunk(file: Iterator[bytes]) -> list[bytes]:
    return [line for _, line in zip(range(CHUNK_LINES), file, strict=False)]


class CaptureWriter:
    """Writes frames to a file as JSON lines. Blocks while it writes: for commands, not for the gateway."""

    def __init__(self, path: Path, change: Callable[[Frame], Frame] = lambda frame: frame) -> None:
        """Open `path` anew; `change` is applied to each frame, e.g. to make it anonymous. Raises OSError."""
        self._file = path.open("wb")
        self._change = change
        self.frames = 0

    def write(self, frame: Frame) -> None:
        """Write one frame."""
        self._file.write(orjson.dumps(document_of(self._change(frame))) + b"\n")
        self.frames += 1

    def __enter__(self) -> Self:
        """Enter."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and raise what writing it raises."""
        self._file.close()
