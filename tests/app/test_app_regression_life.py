"""The house as a whole: an address that is taken, a reload that fails, a press while it stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.app import house as house_module
from gateway.app.house import House
from gateway.board.serve import Doors
from gateway.health.clock import SystemClock
from gateway.journal.journal import Journal
from gateway.model.frames import Frame, Message
from gateway.model.ids import uuid7
from gateway.model.problem import Problem
from gateway.radio.in_hand import IN_HAND_MAX
from gateway.settings.loader import load
from support.eventually import eventually
from support.homes import write_home

HOME = """\
site = {municipality = "kommune-a", home = "solhjem", gateway = "gw-1", phone = "0000"}
radio = {enabled = false}
board = {host = "127.0.0.1", port = PORT}
place.room-12 = {label = "Bolig 12", kind = "home"}
device.kald-12 = {topic = "zigbee2mqtt/kald-12", place = "room-12", driver = "zigbee2mqtt", profile = "knap"}
profiles.knap = {means = {button = "help_call"}, meets = "call-button/1", heard_every = "0s"}
person.KL = {roles = ["care"]}
"""
PRESS = b'{"action": "single"}'


class Life:
    """One house, running in this process without a radio."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.config = write_home(folder / "config", gateway=HOME.replace("PORT", str(port)))
        self.state = folder / "state"
        self.house = House(
            config=self.config,
            state=self.state,
            loaded=load(self.config, running=True),
            clock=SystemClock(),
            new_id=uuid7,
            random=Random(1),
        )
        self.ready = asyncio.Event()
        self.standing = asyncio.Event()
        self.task: asyncio.Task[None]

    async def _ready(self, _: Doors) -> None:
        self.ready.set()

    def start(self) -> None:
        self.task = asyncio.create_task(self.house.run(self._ready, standing=self.standing.set))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,), timeout=60)
        assert self.task.done()

    def frame(self, payload: bytes) -> Message:
        return Message(topic="zigbee2mqtt/kald-12", payload=payload, heard=self.house.clock.now())

    async def press(self) -> None:
        await self.house.intake.take(self.frame(PRESS))

    def open_keys(self) -> list[str]:
        return sorted(shown.alert.key for shown in self.house.engine.open())


@asynccontextmanager
async def living(folder: Path, port: int = 0) -> AsyncIterator[Life]:
    """Run a house for the length of the block."""
    life = Life(folder, port)
    life.start()
    try:
        yield life
    finally:
        await life.stop()


async def until_standing(life: Life) -> None:
    await eventually(lambda: life.standing.is_set() or life.task.done())
    assert not life.task.done(), life.task


async def test_a_page_without_its_address_takes_no_alarm_along(tmp_path: Path) -> None:
    """The gateway stands, hears, tells the technician, and opens the page when the address is free."""
    holder = socket.create_server(("127.0.0.1", 0))
    async with living(tmp_path, holder.getsockname()[1]) as life:
        await until_standing(life)
        await life.press()
        await eventually(lambda: {"help-call/kald-12", "room-failing/board"} <= set(life.open_keys()))
        assert not life.ready.is_set()
        holder.close()
        await eventually(life.ready.is_set)


async def test_a_reload_that_fails_is_told_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for it must live on; so must what asks next."""
    async with living(tmp_path) as life:
        await until_standing(life)

        def fail(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as broken:
            broken.setattr(house_module, "load", fail)
            (error,) = await life.house.reload()
            assert "velgate check" in error.do
        more = life.config / "gateway.toml"
        more.write_text(more.read_text() + 'person.AB = {roles = ["care"]}\n')
        with monkeypatch.context() as broken:
            configure = life.house.engine.basis.configure

            def fail_once(settings: Any) -> None:
                broken.setattr(life.house.engine.basis, "configure", configure)
                raise ZeroDivisionError

            broken.setattr(life.house.engine.basis, "configure", fail_once)
            assert await life.house.reload()
            assert set(life.house.settings.person) == {"KL"}, "every room goes by the one before"
            assert set(life.house.engine._settings.person) == {"KL"}
        await eventually(lambda: "config-invalid/configuration" in life.open_keys())
        assert await life.house.reload() == ()
        assert set(life.house.settings.person) == {"KL", "AB"}
        await eventually(lambda: "config-invalid/configuration" not in life.open_keys())


async def test_a_reload_before_the_rooms_stand_waits_for_them(tmp_path: Path) -> None:
    """The signal may come while the journal is being opened."""
    async with living(tmp_path) as life:
        assert await asyncio.wait_for(life.house.reload(), 20) == ()
        assert life.standing.is_set()


async def test_a_press_in_the_moment_of_stopping_is_kept(tmp_path: Path) -> None:
    """What is taken in hand while everything ends is on the disk; the next start has it."""
    life = Life(tmp_path)
    life.start()
    await until_standing(life)
    await eventually(life.ready.is_set)
    life.task.cancel()
    life.house.radio._waiting.put(life.frame(PRESS))
    await life.stop()
    async with living(tmp_path) as again:
        await until_standing(again)
        assert "help-call/kald-12" in again.open_keys()


async def test_a_state_folder_in_use_is_a_problem_and_leaves_nothing_running(tmp_path: Path) -> None:
    """The radio listened already; it is let go."""
    journal = await Journal.open(tmp_path / "state", SystemClock(), lambda _: None)
    life = Life(tmp_path)
    life.start()
    await asyncio.wait((life.task,), timeout=60)
    failure = life.task.exception()
    assert isinstance(failure, BaseExceptionGroup)
    assert failure.subgroup(Problem)
    await journal.close()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, left


async def test_hands_that_do_not_move_are_told_although_the_journal_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A radio that hears is not enough: somebody has to take it."""
    monkeypatch.setattr(house_module, "HANDS_WITHIN_S", 0.2)
    free = asyncio.Event()

    async def hang(_: Frame) -> None:
        await free.wait()

    async with living(tmp_path) as life:
        await until_standing(life)
        life.house.radio.deliver_to(hang)
        for _ in range(IN_HAND_MAX):
            life.house.radio._waiting.put(life.frame(PRESS))
        await life.house._through()
        await eventually(lambda: "room-failing/hands" in life.open_keys())
        free.set()
        await life.house._through()
        await eventually(lambda: "room-failing/hands" not in life.open_keys())
