"""Delivering for days of virtual time: nothing lost, nothing out of order, nobody delayed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from gateway.model.trouble import Trouble
from gateway.outlets.deliver import BEHIND_AFTER_S, PAUSE_MAX_S, Delivery, Rows
from gateway.outlets.outcome import OutletDown, Refused
from support.memory_lane import MemoryLane

DAY_S = 86_400


class Server:
    """What stands at the other end: taken while it is up; asked too often is a failure of the test."""

    def __init__(self) -> None:
        self.up = True
        self.hang = False
        self.taken: list[int] = []
        self.attempts = 0
        self.poison: set[int] = set()
        self.retry_after_s: float | None = None

    async def send(self, rows: Rows[int]) -> Sequence[Refused]:
        self.attempts += 1
        if self.hang:
            await asyncio.Event().wait()
        if not self.up:
            raise OutletDown("no connection", retry_after_s=self.retry_after_s)
        self.taken += [value for _, value in rows.rows if value not in self.poison]
        return [Refused(seq, str(value), "never") for seq, value in rows.rows if value in self.poison]


@pytest.mark.looptime
async def test_broker_away_for_three_days_loses_nothing_and_keeps_the_order() -> None:
    """Rows of three days arrive afterwards, each once, in order; the alert lane never waited."""
    server, troubles = Server(), list[Trouble]()
    lane, alerts = MemoryLane[int](), MemoryLane[int]("test/alerts")
    alert_server = Server()
    async with asyncio.TaskGroup() as house:
        readings = Delivery(lane, server.send, tell=troubles.append, random=Random(1))
        tasks = [
            house.create_task(readings.run()),
            house.create_task(
                Delivery(alerts, alert_server.send, tell=troubles.append, random=Random(2)).run()
            ),
        ]
        lane.append(0)
        await asyncio.sleep(1)
        assert (server.taken, readings.up) == ([0], True)
        server.up = False
        for hour in range(1, 73):
            lane.append(*range(hour * 1000, hour * 1000 + 700))
            alerts.append(hour)
            await asyncio.sleep(3600)
            assert alert_server.taken[-1] == hour
        assert readings.lag == 72 * 700
        assert server.attempts < 3 * DAY_S / PAUSE_MAX_S * 2.5
        assert [t.present for t in troubles if t.subject == lane.name] == [True]
        server.up = True
        await asyncio.sleep(PAUSE_MAX_S * 2)
        assert server.taken == [0, *(n for h in range(1, 73) for n in range(h * 1000, h * 1000 + 700))]
        assert lane.cursor == len(lane.rows)
        assert [t.present for t in troubles if t.subject == lane.name] == [True, False]
        for task in tasks:
            task.cancel()


@pytest.mark.looptime
async def test_a_crash_between_sending_and_moving_the_cursor_repeats_and_skips_nothing() -> None:
    """What was sent before the cut is sent again; what was not sent follows."""
    server, lane = Server(), MemoryLane[int]()
    lane.append(*range(10))

    async def cut(to: int, aside: Sequence[Refused]) -> None:
        raise SystemError("power cut")

    lane_advance, lane.advance = lane.advance, cut  # type: ignore[method-assign]
    with pytest.raises(SystemError):
        await Delivery(lane, server.send, tell=lambda _: None, random=Random(1)).run()
    lane.advance = lane_advance  # type: ignore[method-assign]
    again = asyncio.create_task(Delivery(lane, server.send, tell=lambda _: None, random=Random(1)).run())
    await asyncio.sleep(1)
    again.cancel()
    assert server.taken == [*range(10), *range(10)]
    assert lane.cursor == 10


@pytest.mark.looptime
async def test_a_hanging_server_counts_as_down_and_is_tried_again() -> None:
    """A server that never answers is given up after the time limit, and asked anew."""
    server, lane = Server(), MemoryLane[int]()
    server.hang = True
    lane.append(7)
    delivery = Delivery(lane, server.send, tell=lambda _: None, random=Random(1))
    task = asyncio.create_task(delivery.run())
    await asyncio.sleep(40)
    assert not delivery.up
    assert "no answer" in delivery.reason
    server.hang = False
    await asyncio.sleep(40)
    task.cancel()
    assert server.taken == [7]


@pytest.mark.looptime
async def test_retry_after_is_obeyed_to_the_second() -> None:
    """A server that asks for 120 s is not asked again before."""
    server, lane = Server(), MemoryLane[int]()
    server.up, server.retry_after_s = False, 120
    lane.append(1)
    task = asyncio.create_task(Delivery(lane, server.send, tell=lambda _: None, random=Random(1)).run())
    await asyncio.sleep(119)
    assert server.attempts == 1
    await asyncio.sleep(2)
    task.cancel()
    assert server.attempts == 2


@pytest.mark.looptime
async def test_what_is_refused_for_good_is_set_aside_with_its_reason_and_the_rest_goes_on() -> None:
    """A poisoned row is neither retried nor dropped in silence."""
    server, lane = Server(), MemoryLane[int]()
    server.poison = {3}
    lane.append(1, 2, 3, 4)
    task = asyncio.create_task(Delivery(lane, server.send, tell=lambda _: None, random=Random(1)).run())
    await asyncio.sleep(1)
    task.cancel()
    assert server.taken == [1, 2, 4]
    assert lane.aside == [Refused(3, "3", "never")]
    assert server.attempts == 1


@pytest.mark.looptime
async def test_down_for_a_minute_is_told_once_and_its_end_too() -> None:
    """A short absence is no trouble; a long one is told once."""
    server, lane, troubles = Server(), MemoryLane[int](), list[Trouble]()
    server.up = False
    lane.append(1)
    task = asyncio.create_task(Delivery(lane, server.send, tell=troubles.append, random=Random(1)).run())
    await asyncio.sleep(BEHIND_AFTER_S - 10)
    assert not troubles
    await asyncio.sleep(200)
    server.up = True
    await asyncio.sleep(100)
    task.cancel()
    assert [t.present for t in troubles] == [True, False]
    assert troubles[0].kind == "outlet.behind"
