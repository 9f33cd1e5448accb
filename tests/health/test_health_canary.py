"""The canary, systemd's notifications, the heartbeat to the outside, and the system's clock."""

from __future__ import annotations

import asyncio
import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gateway.health.canary import Canary
from gateway.health.clock import SystemClock
from gateway.health.heartbeat import beat
from gateway.health.notify import notify
from gateway.model.clock import ClockQuality
from gateway.model.trouble import Trouble
from gateway.settings.models import Heartbeat
from support.eventually import eventually
from support.influx_servers import serving


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """Stand where systemd listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return listener


def received(listener: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(listener.recv(100))
        except BlockingIOError:
            return found


@pytest.mark.looptime
async def test_the_watchdog_is_fed_while_a_disk_hangs_and_not_when_a_writer_is_dead(
    systemd: socket.socket,
) -> None:
    """A hang is told, not killed; what a restart cures is left to systemd."""
    told: list[Trouble] = []
    hangs, alive = False, True

    async def through() -> None:
        if hangs:
            await asyncio.Event().wait()

    canary = Canary(through, lambda: alive, told.append)
    task = asyncio.create_task(canary.run())
    await asyncio.sleep(35)
    assert received(systemd) == [b"WATCHDOG=1"] * 4
    assert canary.last_ms is not None
    hangs = True
    await asyncio.sleep(60)
    assert received(systemd)
    assert [(t.kind, t.present, t.calls_unheard) for t in told] == [("journal.slow", True, True)]
    assert canary.last_ms is None
    hangs = False
    await asyncio.sleep(30)
    assert [t.present for t in told] == [True, False]
    received(systemd)
    alive = False
    await asyncio.sleep(30)
    assert received(systemd) == []
    task.cancel()


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway in the foreground has no watchdog."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False


async def test_the_heartbeat_is_sent_only_while_the_way_is_open() -> None:
    """The dead man's switch calls when it stays away, so a blocked way must keep it away."""
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the base class's name
            calls.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    healthy = True
    with serving(Handler) as url:
        settings = Heartbeat.model_validate({"url": f"{url}/home", "every": "20ms"})
        task = asyncio.create_task(beat(settings, healthy=lambda: healthy))
        await eventually(lambda: len(calls) > 2)
        healthy = False
        await asyncio.sleep(0.1)
        before = len(calls)
        await asyncio.sleep(0.1)
        assert len(calls) <= before + 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_heartbeat_that_fails_is_tried_again() -> None:
    """Neither a refused connection nor a wrong scheme ends it."""
    for url in ("http://127.0.0.1:9/", "file:///etc/hostname"):
        settings = Heartbeat.model_validate({"url": url, "every": "10ms"})
        task = asyncio.create_task(beat(settings, healthy=lambda: True))
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_system_clock_tells_boot_and_never_goes_back() -> None:
    """Whatever this machine's quality is, it is one of the three words."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert second.mono_ns >= first.mono_ns
    assert first.boot == second.boot != ""
    assert first.quality in set(ClockQuality)


def test_holdover_follows_synced_and_never_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was right since boot is better than one that nobody ever set."""
    clock = SystemClock()
    answers = iter([False, True, False])
    monkeypatch.setattr(clock, "_synced", lambda: next(answers))
    assert [clock._ask() for _ in range(3)] == [
        ClockQuality.UNSYNCED,
        ClockQuality.SYNCED,
        ClockQuality.HOLDOVER,
    ]
