"""What the canary may meet on its way, and that the watchdog is fed all the same."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from gateway.health.canary import Canary
from gateway.health.heartbeat import beat
from gateway.health.supervise import Rooms
from gateway.journal.errors import NotDurable
from gateway.model.trouble import Trouble
from gateway.settings.models import Heartbeat
from support.eventually import eventually


@pytest.mark.looptime
@pytest.mark.parametrize("met", [NotDurable("the disk is full"), ValueError("a note of another version")])
async def test_a_full_disk_does_not_starve_the_watchdog(
    met: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killing the gateway every 30 s would cure nothing and take the alarms along that only memory has."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    told: list[Trouble] = []

    async def through() -> None:
        raise met

    canary = Canary(through, lambda: True, told.append)
    rooms = Rooms(told.append)
    task = asyncio.create_task(rooms.supervise("canary", canary.run))
    for _ in range(20):
        await asyncio.sleep(29)
        assert listener.recv(100) == b"WATCHDOG=1"
        while True:
            try:
                listener.recv(100)
            except BlockingIOError:
                break
    assert [(each.kind, each.subject, each.calls_unheard) for each in told] == [
        ("journal.slow", "journal", True)
    ]
    assert canary.last_ms is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    listener.close()


async def test_a_receiver_of_the_heartbeat_that_hangs_holds_up_no_stop() -> None:
    """The loop goes on turning while the call hangs, also when the room is ended."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    settings = Heartbeat.model_validate({"url": f"http://127.0.0.1:{port}/", "every": "10s"})
    task = asyncio.create_task(beat(settings, healthy=lambda: True))
    await eventually(lambda: any(t.name.startswith("heartbeat") for t in threading.enumerate()))
    await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    held_s = loop.time() - began
    server.close()
    assert held_s < 8, "the call itself would have hung for ten seconds"


@pytest.mark.looptime
async def test_a_room_that_crashes_puts_nothing_of_what_it_had_in_hand_into_an_alert() -> None:
    """An alert leaves the house by MQTT; the text of an error may hold an address, a value or a key."""
    told: list[Trouble] = []

    async def work() -> None:
        raise KeyError("A4:C1:38:00:00:01 231d39c1d7cc1ab1aee224cd096db932")

    task = asyncio.create_task(Rooms(told.append).supervise("intake", work))
    await asyncio.sleep(1)
    (trouble,) = told
    assert "KeyError" in trouble.detail
    assert "A4" not in trouble.detail
    assert "231d" not in trouble.detail
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.looptime
async def test_what_is_no_exception_ends_no_house() -> None:
    """An interrupted driver raises what nobody else may catch; escaped, it would take every room along."""

    class Interrupted(BaseException):
        pass

    async def fail() -> None:
        raise Interrupted

    async def work() -> None:
        async with asyncio.TaskGroup() as hands:
            hands.create_task(fail())

    rooms = Rooms(lambda _: None)
    task = asyncio.create_task(rooms.supervise("radio-hand-over", work))
    await asyncio.sleep(1)
    assert not task.done()
    assert rooms.document()[0]["restarts"] > 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
