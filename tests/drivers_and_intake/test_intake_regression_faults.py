"""What fails around one frame: the call in it is told, or told with its next repeat; never swallowed."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.readings import Guard, Record
from support.intake_room import Room, press
from support.records import instant

CALL = ("help_call", "press")


async def test_a_number_that_cannot_be_kept_takes_no_call_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A press and a battery in one frame; the battery meets a mistake of ours."""
    room = Room()
    kept = room.routine

    def fail(records: list[Record], guards: list[Guard]) -> None:
        raise ValueError("no column can hold it")

    monkeypatch.setattr(room, "routine", fail)
    await room.hear(press(8))
    await room.hear(press(8), 0.1)
    assert room.said() == [CALL]
    assert room.intake.health()["errors"] == {"not_kept": 1}
    monkeypatch.setattr(room, "routine", kept)
    await room.hear(press(9), 60)
    assert room.stored() == [("battery", 100)], "what was not kept is no old news"


async def test_a_frame_that_fails_after_it_was_judged_counts_with_its_next_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A button sends one press for seconds; the first copy meets a mistake of ours."""
    room = Room()
    make = room.intake._maker.make

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(room.intake._maker, "make", fail)
    with pytest.raises(ZeroDivisionError):
        await room.hear(press(8))
    monkeypatch.setattr(room.intake._maker, "make", make)
    await room.hear(press(8), 0.1)
    await room.hear(press(8), 0.1)
    assert room.said() == [CALL]


async def test_a_guard_that_cannot_be_read_stops_no_gateway() -> None:
    """One of another version of Velgate, for instance: that device may be told twice."""
    room = Room()
    await room.hear(press(8))
    for name, value in (("counter", "x nonsense"), ("state/battery_low", "{"), ("sequence", "")):
        room.kept["kald-01", name] = Guard("kald-01", name, value, instant(0))
    room.restart()
    await room.hear(press(9), 5)
    assert room.said() == [CALL, CALL]
