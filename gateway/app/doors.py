"""What the staff page is given of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.alerts.roster import Duty
from gateway.board.house import ChainTest as BoardTest
from gateway.board.house import House as BoardHouse
from gateway.board.house import OnDuty
from gateway.model.clock import Instant
from gateway.model.readings import Record
from gateway.model.refusal import Refused

if TYPE_CHECKING:
    from gateway.app.house import House

FOLLOW_MAX = 500  # readings told to the page at once


def board_house(house: House) -> BoardHouse:
    """Give the page its view of the house."""

    async def test(device: str, by: str) -> BoardTest:
        if device not in house.settings.device:
            raise Refused("not_found", f"no device is called {device}")
        done = await house.engine.test(device, by=by)
        return BoardTest(alert=done.alert, begun=done.begun, hops=done.hops, ok=done.ok)

    async def accept(device: str, by: str) -> None:
        if device not in house.settings.device:
            raise Refused("not_found", f"no device is called {device}")
        house.intake.accept_counter(device)
        await house.journal.alarms.write(
            lambda ledger: ledger.audit("counter_accepted", by=by, source="board", detail={"device": device})
        )

    return BoardHouse(
        settings=lambda: house.settings,
        clock=house.clock,
        version=__version__,
        state=house.state,
        engine=house.engine,
        alarms=house.journal.alarms,
        readings=house.journal.readings,
        health=house.health,
        devices=house.devices,
        ready=lambda: house.ready,
        on_duty=lambda: [on_duty(duty, house.clock.now()) for duty in house.engine.duty()],
        tell=house.tell,
        on_readings=lambda call: follow_readings(house, call),
        test=test,
        accept=accept,
        reload=house.reload,
        on_air=lambda: [vars_of(seen) for seen in house.intake.on_air()],
        words=house.words,
    )


def on_duty(duty: Duty, now: Instant) -> OnDuty:
    """Give a group's duty in the page's form."""

    def moment(wall_ns: int | None) -> Instant | None:
        return None if wall_ns is None else Instant(wall_ns, now.mono_ns, now.boot, now.quality)

    return OnDuty(
        group=duty.group,
        label=duty.label,
        persons=duty.persons,
        since=moment(duty.since_ns),
        until=moment(duty.until_ns),
    )


def follow_readings(house: House, call: Callable[[Sequence[Record]], None]) -> Callable[[], None]:
    """Have each committed group of readings told; gives the function that ends it."""
    readings = house.journal.readings

    async def follow() -> None:
        seq = readings.head
        while True:
            batch = await readings.after(seq, FOLLOW_MAX)
            seq = batch.end
            call([record for _, record in batch.rows])

    def events(commit: Any) -> None:
        if commit.events:
            call([record for _, record in commit.events])

    task = asyncio.get_running_loop().create_task(follow(), name="board-readings")
    unsubscribe = house.journal.alarms.on_commit(events)

    def end() -> None:
        task.cancel()
        unsubscribe()

    return end


def vars_of(seen: Any) -> dict[str, Any]:
    """Give a row of what is on the air."""
    return {name: getattr(seen, name) for name in seen.__dataclass_fields__}
