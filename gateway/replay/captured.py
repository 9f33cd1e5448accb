"""Records out of a capture: JSON lines or btsnoop, as `velgate decode` reads them, through a real intake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.intake.host import DriverHost
from gateway.intake.intake import Intake
from gateway.intake.records import Basis
from gateway.model.btsnoop import MAGIC, BtsnoopBroken, BtsnoopReader
from gateway.model.clock import Instant
from gateway.model.frame_json import FrameMalformed, frame_of, load, time_of
from gateway.model.frames import Frame
from gateway.model.ids import uuid7
from gateway.model.problem import Exit, Problem
from gateway.model.readings import Guard, Record
from gateway.settings.models import Settings

CHUNK = 1 << 16  # bytes read at once
BOOT = "capture"
NOT_YET = Instant(0, 0, BOOT)


@dataclass(slots=True)
class Facts:
    """What a capture did not say, or said and nobody could use."""

    frames: int = 0
    unknown: int = 0
    """Frames of devices that the configuration does not have."""
    refused: int = 0
    """Frames that no driver could read."""
    malformed: int = 0
    """Lines that are no frame."""
    timeless: int = 0
    """Frames without a time, taken at the time of the one before."""
    backwards: int = 0
    """Frames whose time is before that of the one before them, taken at that time."""
    first_wrong: str = ""


@dataclass
class _Hands:
    """Pass on what intake makes of frames, and show the time of the frame in hand."""

    take: Callable[[Record], None]
    at: Instant = NOT_YET

    def now(self) -> Instant:
        """Give the time of the frame in hand."""
        return self.at

    async def event(self, records: list[Record], guards: list[Guard]) -> None:
        """Take events."""
        self.routine(records, guards)

    def routine(self, records: list[Record], guards: list[Guard]) -> None:
        """Take measurements and states."""
        del guards
        for record in records:
            self.take(record)


async def play(
    file: Path,
    settings: Settings,
    host: DriverHost,
    keeps: Basis,
    facts: Facts,
    take: Callable[[Record], None],
) -> None:
    """Hand on what the devices of a configuration say in a capture. Raises Problem for what is none."""
    hands = _Hands(take)
    intake = Intake(settings, [], hands, uuid7, hands, keeps, lambda _trouble: None, host=host)
    for time_ns, frame in _frames(file, facts):
        facts.frames += 1
        if time_ns is None:
            facts.timeless += 1
            if hands.at.wall_ns == 0:
                do = 'add a time to each line, such as  "time": "2026-11-24T14:00:00Z"'
                found = "a first frame without one"
                raise Problem(str(file), expected="frames with a time", found=found, do=do, exit=Exit.USAGE)
        elif time_ns < hands.at.wall_ns:
            facts.backwards += 1
        else:
            hands.at = Instant(time_ns, time_ns, BOOT)
        await intake.take(replace(frame, heard=hands.at))
    health = intake.health()
    facts.unknown = health["unknown"]
    facts.refused = sum(health["errors"].values())


def _frames(file: Path, facts: Facts) -> Iterator[tuple[int | None, Frame]]:
    try:
        with file.open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC:
                stream.seek(0)
                reader = BtsnoopReader()
                try:
                    while piece := stream.read(CHUNK):
                        yield from reader.feed(piece)
                    reader.end()
                except BtsnoopBroken as broken:
                    _wrong(facts, str(broken))
                return
            stream.seek(0)
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                try:
                    document = load(line)
                    yield time_of(document), frame_of(document)
                except FrameMalformed as error:
                    _wrong(facts, f"line {number}: {error}")
    except OSError as error:
        found, do = (error.strerror or "an error").lower(), "give a capture: JSON lines or btsnoop"
        raise Problem(
            str(file), expected="a file that can be read", found=found, do=do, exit=Exit.USAGE
        ) from None


def _wrong(facts: Facts, what: str) -> None:
    facts.malformed += 1
    facts.first_wrong = facts.first_wrong or what
