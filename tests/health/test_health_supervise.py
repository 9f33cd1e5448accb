"""Rooms that crash, hang, end, recover: each alone, and somebody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from gateway.health.supervise import HEALTHY_AFTER_S, PAUSE_MAX_S, Rooms
from gateway.model.problem import Problem
from gateway.model.trouble import Trouble


class Watch:
    """Rooms under supervision, and what was told."""

    def __init__(self) -> None:
        self.told: list[Trouble] = []
        self.rooms = Rooms(self.told.append)

    def start(
        self, name: str, work: Callable[[], Awaitable[None]], *, calls: bool = False
    ) -> asyncio.Task[None]:
        return asyncio.create_task(self.rooms.supervise(name, work, calls=calls))


@pytest.mark.looptime
async def test_a_room_that_crashes_once_begins_again_and_nobody_is_bothered() -> None:
    """It is in the health document, not on the board."""
    watch, lives = Watch(), 0

    async def work() -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise RuntimeError("boom")
        await asyncio.Event().wait()

    task = watch.start("outlet", work)
    await asyncio.sleep(10)
    assert lives == 2
    assert watch.told == []
    (document,) = watch.rooms.document()
    assert document == {"name": "outlet", "state": "running", "restarts": 1, "queue": 0}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert watch.rooms.document()[0]["state"] == "stopped"


@pytest.mark.looptime
async def test_a_room_that_crashes_again_and_again_is_told_once_and_its_recovery_too() -> None:
    """With the mark that calls hang on it, and only after a healthy minute is it over."""
    watch, broken = Watch(), True

    async def work() -> None:
        if broken:
            raise RuntimeError("boom")
        await asyncio.Event().wait()

    task = watch.start("intake", work, calls=True)
    await asyncio.sleep(600)
    assert [(t.kind, t.subject, t.present, t.calls_unheard) for t in watch.told] == [
        ("room.failing", "intake", True, True)
    ]
    assert watch.rooms.document()[0]["state"] == "restarting"
    broken = False
    await asyncio.sleep(PAUSE_MAX_S + HEALTHY_AFTER_S + 1)
    assert [t.present for t in watch.told] == [True, False]
    task.cancel()


@pytest.mark.looptime
async def test_pauses_grow_and_are_bounded() -> None:
    """A room that dies at once is not begun a thousand times a second, nor given up."""
    watch, times = Watch(), list[float]()
    loop = asyncio.get_running_loop()

    async def work() -> None:
        times.append(loop.time())
        raise RuntimeError("boom")

    task = watch.start("radio", work)
    await asyncio.sleep(1_000)
    task.cancel()
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert all(later > sooner - 1e-6 for sooner, later in pairwise(gaps))
    assert gaps[-1] == pytest.approx(PAUSE_MAX_S)


@pytest.mark.looptime
async def test_a_crash_cancels_no_sibling_and_an_end_is_a_crash() -> None:
    """One outlet's bug must not reach the alarms."""
    watch, alive = Watch(), 0

    async def dies() -> None:
        return

    async def lives() -> None:
        nonlocal alive
        while True:
            alive += 1
            await asyncio.sleep(1)

    tasks = [watch.start("dies", dies), watch.start("lives", lives)]
    await asyncio.sleep(100)
    assert alive == 100
    assert watch.told[0].subject == "dies"
    assert "runs for ever" in watch.told[0].detail
    for task in tasks:
        task.cancel()


@pytest.mark.looptime
async def test_a_room_may_time_out_after_its_children_have_failed() -> None:
    """The trap of Python 3.11.2: what a failed task group left behind must not end the room's next life."""
    watch, timeouts = Watch(), 0

    async def work() -> None:
        nonlocal timeouts
        try:
            async with asyncio.timeout(1):
                await asyncio.Event().wait()
        except TimeoutError:
            timeouts += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(_fail())

    async def _fail() -> None:
        raise KeyError("broken")

    task = watch.start("gatt", work)
    await asyncio.sleep(500)
    assert timeouts > 5
    assert not task.done()
    task.cancel()


@pytest.mark.looptime
async def test_a_problem_is_written_for_people_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """A port that is taken is nobody's bug."""
    watch = Watch()

    async def work() -> None:
        raise Problem(
            "board 127.0.0.1:80", expected="a free port", found="taken", do="Set another board.port."
        )

    task = watch.start("board", work)
    await asyncio.sleep(0.05)
    task.cancel()
    assert "Set another board.port." in caplog.text
    assert "Traceback" not in caplog.text
