"""Tests that the gateway makes by itself, and devices that nobody has proved for too long."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.alerts.chain import Rests
from gateway.alerts.tests_due import FAILING, Record, due, overdue
from gateway.board.chain import prove
from gateway.journal.errors import NotDurable
from gateway.model.alert import Concern, Handling, Priority
from gateway.model.problem import Problem
from gateway.model.trouble import Trouble

if TYPE_CHECKING:
    from gateway.board.board import Board

log = logging.getLogger(__name__)

FIRST_S = 60.0  # a start has other things to do
EVERY_S = 60.0
BETWEEN_S = 5.0  # so that tests of one weekday do not stand on the board all at once
BY = "velgate"
"""Who asks for them, in the log; it is no person."""


class Trials:
    """Makes the tests that are due, one after the other, never while somebody waits for help."""

    def __init__(self, board: Board) -> None:
        """Nothing is told yet."""
        self._board = board
        self._overdue: dict[str, int] = {}
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Look every minute, for ever; ends by cancellation only."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Make what is due, and tell who is overdue."""
        house = self._board.house
        self._end_what_was_left()
        records = await self._board.hub.proofs.records()
        self._tell_failing(records)
        settings, now = house.settings(), house.clock.now()
        devices = house.engine.devices()
        zone = ZoneInfo(settings.site.zone)
        for device in due(devices, records, settings.alerts.tests, zone, now):
            if self._somebody_waits():
                log.info("scheduled tests wait: somebody waits for help, or the disk takes nothing")
                break
            await self._make(device)
            await asyncio.sleep(BETWEEN_S)
        self._tell_overdue(records)

    async def _make(self, device: str) -> None:
        try:
            result = await prove(self._board, device, by=BY, how="schedule")
        except Rests:  # a resident who has said no: nothing has failed, and nobody is called for it
            log.info("%s is not tested: its rules rest for lack of a legal basis", device)
            self._works(device)
            return
        except Problem as problem:  # a device of which no rule raises an alert: its profile must say more
            log.warning("%s", problem)
            await self._board.hub.proofs.by_test(device, None, ok=False, how="schedule")
            self._fails(device, f"it cannot be tested: {problem.findings[0].found}")
            return
        except NotDurable as refusal:
            self._fails(device, f"it was not kept: {refusal.reason}")
            return
        if result["ok"]:
            self._works(device)
        else:
            done = ", ".join(dict.fromkeys(str(hop["hop"]) for hop in result["hops"]))
            self._fails(device, f"it came as far as: {done}")

    def _tell_failing(self, records: dict[str, Record]) -> None:
        """Say again after a restart what failed before it; take it back where something got through since."""
        for device, record in records.items():
            if record.failing and device not in self._failing:
                self._fails(device, "that was found before the gateway started")
            elif device in self._failing and record.proved_ns and not record.failing:
                self._works(device)

    def _fails(self, device: str, why: str) -> None:
        known = self._board.house.engine.devices().get(device)
        self._failing.add(device)
        self._board.house.engine.trouble(
            Trouble(
                kind=FAILING,
                subject=device,
                present=True,
                device=device,
                place=known.place if known else None,
                calls_unheard=True,
                detail=f"the scheduled test of {device} did not get through; {why}",
            )
        )

    def _works(self, device: str) -> None:
        # Also where it failed in an earlier run, whose trouble may still stand.
        self._failing.discard(device)
        self._board.house.engine.trouble(Trouble(kind=FAILING, subject=device, present=False))

    def _tell_overdue(self, records: dict[str, Record]) -> None:
        engine, house = self._board.house.engine, self._board.house
        found = overdue(engine.devices(), records, house.settings().alerts.tests, house.clock.now())
        for device, degree in list(self._overdue.items()):
            if device not in found or found[device][0] != degree:
                del self._overdue[device]
                engine.trouble(Trouble(kind="chain.overdue", subject=device, present=False))
        for device, (degree, trouble) in found.items():
            if device not in self._overdue:
                self._overdue[device] = degree
                engine.trouble(trouble)

    def _somebody_waits(self) -> bool:
        return any(
            not shown.durable
            or (
                shown.alert.handling is Handling.UNACKNOWLEDGED
                and shown.alert.priority in (Priority.EMERGENCY, Priority.HIGH)
                and shown.alert.concern is not Concern.TECHNICAL  # such as that a test has failed
                and not shown.alert.test
            )
            for shown in self._board.house.engine.open()
        )

    def _end_what_was_left(self) -> None:
        """End a quiet test that stands: the gateway stopped, or the disk hung, in the middle of it."""
        for shown in self._board.house.engine.open():
            if shown.alert.quiet:
                self._board.house.engine.end_test(shown.alert.id)
