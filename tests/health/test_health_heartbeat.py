"""The heartbeat stops when the way of a call is not proved, and the home is told when it does not get out."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from gateway.health.canary import PROVED_FOR_S, Canary
from gateway.health.heartbeat import TELL_AFTER, beat
from gateway.model.trouble import Trouble
from gateway.settings.models import Heartbeat
from support.eventually import eventually
from support.influx_servers import serving


@pytest.mark.looptime
async def test_the_way_is_proved_for_half_a_minute_only() -> None:
    """Not before the first canary, not while one hangs, and not because nobody looks any more."""

    async def through() -> None:
        await asyncio.sleep(0.01)

    alive = True
    canary = Canary(through, lambda: alive, lambda _: None)
    assert not canary.proved
    task = asyncio.create_task(canary.run())
    await asyncio.sleep(25)
    assert canary.proved
    alive = False
    assert not canary.proved, "a writer has died"
    alive = True
    assert canary.proved
    task.cancel()  # the room has stopped, or hangs before it can say so
    await asyncio.sleep(PROVED_FOR_S + 10)
    assert canary.last_ms is not None
    assert not canary.proved


@pytest.mark.looptime
async def test_a_canary_that_hangs_ends_the_proof_within_seconds() -> None:
    """A disk that hangs: told after ten seconds, and no heartbeat from then on."""
    hangs = asyncio.Event()

    async def through() -> None:
        if hangs.is_set():
            await asyncio.Event().wait()

    canary = Canary(through, lambda: True, lambda _: None)
    task = asyncio.create_task(canary.run())
    await asyncio.sleep(1)
    hangs.set()
    await asyncio.sleep(20.5)
    assert not canary.proved
    hangs.clear()
    await asyncio.sleep(11)
    assert canary.proved
    task.cancel()


async def test_a_heartbeat_that_does_not_get_out_is_told_once_and_taken_back() -> None:
    """Three in a row; whoever runs the switch rings then, and the home knows why."""
    refuses, calls = threading.Event(), list[str]()
    refuses.set()

    class Switch(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(500 if refuses.is_set() else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
            return

    told: list[Trouble] = []
    with serving(Switch) as url:
        settings = Heartbeat.model_validate({"url": f"{url}/secret", "every": "20ms"})
        task = asyncio.create_task(beat(settings, healthy=lambda: True, tell=told.append))
        await eventually(lambda: len(calls) > TELL_AFTER + 2)
        assert [(t.kind, t.present) for t in told] == [("heartbeat.failing", True)]
        assert "secret" not in told[0].detail
        refuses.clear()
        await eventually(lambda: len(told) == 2)
        assert (told[1].kind, told[1].present) == ("heartbeat.failing", False)
        task.cancel()
