"""Captures: played with their spacing or at once, and what is no frame is named by its line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.health.clock import SystemClock
from gateway.model.frames import Advertisement, GattValue, Message
from gateway.radio.capture import CHUNK_LINES, CaptureFile, CaptureWriter, read_lines
from support.radio import Heard, radio_of, settings

LINES = b"""\
{"kind": "advertisement", "address": "A4:C1:38:00:00:01", "service_data": {"fcd2": "4000013a01"}, "time": "2026-11-24T14:00:00.000Z"}
{"kind": "gatt", "address": "00:11:22:33:44:55", "service": "1809", "characteristic": "2a1c", "value": "06"}

{"kind": "advertisement", "address": "A4:C1:38:00:00:01", "service_data": {"fcd2": "zz"}}
no frame at all
{"kind": "mqtt", "topic": "zigbee2mqtt/toilet-12", "payload": "{}", "time": "2026-11-24T14:00:30.000Z"}
"""  # noqa: E501  (one frame a line)


def capture(path: Path, heard: Heard, *, full_speed: bool) -> CaptureFile:
    return CaptureFile(
        path, clock=SystemClock(), on_frame=heard.frame, tell=heard.tell, full_speed=full_speed
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(LINES)
    return path


@pytest.mark.parametrize("full_speed", [True, False])
async def test_played_in_order_and_malformed_lines_named(file: Path, full_speed: bool) -> None:
    """All frames come, with the present time; the two wrong lines are told with their numbers."""
    heard = Heard()
    source = capture(file, heard, full_speed=full_speed)
    if not full_speed:
        file.write_bytes(LINES.replace(b"14:00:30.000Z", b"14:00:00.300Z"))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await source.play()
    took_s = loop.time() - began
    kinds = [type(frame) for frame in heard.frames]
    assert kinds == [Advertisement, GattValue, Message]
    assert all(frame.heard is not None and frame.source == "capture" for frame in heard.frames)
    assert (source.frames, source.malformed) == (3, 2)
    assert [problem.partition(":")[0] for problem in source.problems] == ["line 4", "line 5"]
    assert "hex" in source.problems[0]
    assert took_s < 30
    if not full_speed:
        assert took_s >= 0.3


async def test_as_a_source_of_the_gateway(file: Path) -> None:
    """Named in the settings, it is played beside the radio, and the run goes on after its end."""
    file.write_bytes(LINES.replace(b"14:00:30", b"14:00:00"))
    heard = Heard()
    home = settings(radio={"capture": str(file), "enabled": False})
    async with radio_of(home, heard) as radio:
        for _ in range(200):
            await asyncio.sleep(0.01)
            if radio.sources()[1]["state"] == "ended":
                break
        state = radio.sources()[1]
        assert state["state"] == "ended"
        assert "line 4" in str(state["reason"])
        assert len(heard.frames) == 3
        assert radio.health() == []


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The path is named, and nothing else stops."""
    heard = Heard()
    run = asyncio.create_task(capture(tmp_path / "none.jsonl", heard, full_speed=True).run())
    while not heard.troubles:
        await asyncio.sleep(0.01)
    assert "none.jsonl" in heard.troubles[0].detail
    assert not run.done()
    run.cancel()
    await asyncio.wait((run,))


async def test_line_numbers_hold_over_chunks(tmp_path: Path) -> None:
    """A long file is read in parts; the number is that of the file."""
    path = tmp_path / "long.jsonl"
    good = b'{"kind": "mqtt", "topic": "a", "payload": ""}\n'
    path.write_bytes(good * (CHUNK_LINES + 3) + b"bad\n" + good)
    heard = Heard()
    source = capture(path, heard, full_speed=True)
    await source.play()
    assert len(heard.frames) == CHUNK_LINES + 4
    assert source.problems[0].startswith(f"line {CHUNK_LINES + 4}:")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """The writer's lines are frames; it can change them on the way."""
    path = tmp_path / "written.jsonl"
    frames = [line.frame for line in read_lines(LINES.splitlines()) if line.frame]
    with CaptureWriter(path) as writer:
        for frame in frames:
            writer.write(frame)
    assert writer.frames == 3
    assert [line.frame for line in read_lines(path.read_bytes().splitlines())] == frames
    with CaptureWriter(path, lambda _: Message(topic="x", payload=b"\xff")) as writer:
        writer.write(frames[0])
    (line,) = read_lines(path.read_bytes().splitlines())
    assert line.frame == Message(topic="x", payload=b"\xff")
