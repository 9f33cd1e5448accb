"""Random nights on a real journal: faults first, then none, and what must hold whatever happened.

A seed draws which faults there are at all, and then what happens when. A failing night fails by the name of
its seed and is run alone with `SEED=7 pytest tests/alerts/test_alert_engine_night.py`; `SEEDS=200` runs more.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.alerts.mirror import Mirror
from gateway.alerts.transition import timers
from gateway.journal.errors import NotDurable
from gateway.model.alert import Alert, Handling
from gateway.model.clock import ClockQuality
from gateway.model.refusal import Refused
from support.alarm_house import AlarmHouse, FakeChannel, open_house

pytestmark = pytest.mark.looptime

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "4")))
DEEDS = 60
FAULTS = ("slow", "hang", "full", "channel", "kill", "cut", "unsynced", "jump", "crash")
BUTTONS = ("kald-12", "kald-12-bad")


@dataclass
class Night:
    """One seed's night, and what it has seen."""

    house: AlarmHouse
    random: Random
    faults: frozenset[str]
    pressed: list[str] = field(default_factory=list)
    """Presses that were answered as kept."""
    taken: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Alerts that somebody was told to have, since when, and how many attempts there had been."""

    async def pass_(self) -> None:
        """Let something happen, and time go by."""
        chosen = self.random.choice(
            ["press", "press", "take", "take", "close", "back", "fault", "fault", "wait"]
        )
        await getattr(self, f"_{chosen}")()
        await asyncio.sleep(self.random.choice([0.01, 0.3, 2, 20, 90, 130]))
        self.check()

    def check(self) -> None:
        """Nothing was told while somebody had it."""
        for alert, (since, before) in list(self.taken.items()):
            now = next((each.alert for each in self.house.engine.open() if each.alert.id == alert), None)
            if now is None or now.handling is not Handling.ACKNOWLEDGED:
                del self.taken[alert]
                continue
            attempts = [each for each in self.tries() if each[1].startswith(alert) and each[0] > since]
            assert len(attempts) <= before, f"told after it was taken: {attempts}"

    def tries(self) -> list[tuple[float, str]]:
        """Every attempt to tell somebody of an alert."""
        every = [each for channel in self.house.channels.values() for each in channel.attempts]
        return [(time, message.key) for time, message in every if message.about == "alert"]

    async def _press(self) -> None:
        word = self.random.choice(["press", "press", "long_press"])
        record = self.house.record(self.random.choice(BUTTONS), "help_call", word)
        with suppress(NotDurable, TimeoutError):
            async with asyncio.timeout(8):
                await self.house.engine.event([record], [])
                self.pressed.append(record.id)

    async def _do(self, action: str, **fields: Any) -> Alert | None:
        every = self.house.engine.open()
        if not every:
            return None
        shown = self.random.choice(every)
        by = self.random.choice(["KL", "AB"])
        rev = self.random.choice([None, shown.alert.rev])
        with suppress(Refused, TimeoutError):
            async with asyncio.timeout(8):
                return await self.house.engine.act(
                    shown.alert.id, action, by=by, source="page", fields=fields, rev=rev
                )
        return None

    async def _take(self) -> None:
        alert = await self._do("acknowledge", take_over=self.random.random() < 0.3)
        if alert is not None:
            self.taken[alert.id] = (asyncio.get_running_loop().time(), 0)

    async def _close(self) -> None:
        await self._do("resolve", outcome="checked", spoken=True)

    async def _back(self) -> None:
        action = self.random.choice(["release", "extend", "presence", "join", "shelve", "reopen", "assist"])
        fields = {"until": "10m", "reason": "sover", "spoken": True} if action == "shelve" else {}
        await self._do(action, **fields)

    async def _wait(self) -> None:
        await asyncio.sleep(self.random.choice([150, 400, 700]))

    async def _fault(self) -> None:
        house, disk = self.house, self.house.disk
        fault = self.random.choice(FAULTS)
        if fault not in self.faults:
            return
        match fault:
            case "slow":
                disk.commit_s = self.random.choice([0.0, 0.01, 0.4])
            case "hang":
                disk.hang() if self.random.random() < 0.5 else disk.go_on()
            case "full":
                disk.full = self.random.random() < 0.5
            case "channel":
                for channel in house.channels.values():
                    channel.does = self.random.choice(["take", "refuse", "hang", "raise"])
            case "kill":
                await house.power_cut(same_boot=True, dark_s=self.random.choice([0, 1, 30]))
            case "cut":
                quality = ClockQuality.UNSYNCED if "unsynced" in self.faults else ClockQuality.SYNCED
                await house.power_cut(dark_s=self.random.choice([1, 100, 900]), quality=quality)
            case "jump":
                house.clock.ahead_s = self.random.choice([-1e6, 0, 1e7])
            case "crash":
                await house.crash()
            case _:
                pass

    async def dawn(self) -> None:
        """End every fault, and let an hour pass in which nobody does anything."""
        self.house.disk.go_on()
        self.house.disk.full, self.house.disk.commit_s = False, 0.0
        for channel in self.house.channels.values():
            channel.does = "take"
        await asyncio.sleep(3600)
        await self.house.settle()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
async def test_a_night(tmp_path: Path, seed: int) -> None:
    """No press that was kept is without its alert, nothing is told that was taken, all is on the disk."""
    random = Random(seed)
    faults = frozenset(fault for fault in FAULTS if random.random() < 0.5)
    people = {"person": {"KL": {"channels": ["sms"]}, "AB": {"channels": ["push"]}}}
    channels = {"sms": FakeChannel("sms"), "push": FakeChannel("push")}
    async with open_house(tmp_path, people, channels=channels) as house:
        night = Night(house, random, faults)
        for _ in range(DEEDS):
            await night.pass_()
        await night.dawn()
        alarms = house.journal.alarms
        kept = await alarms.read(Mirror.load)
        shown = {each.alert.id: each.alert for each in house.engine.open()}
        assert shown == {alert.id: alert for alert in kept.open_alerts()}, "the page shows what is kept"
        assert all(each.durable for each in house.engine.open())
        assert house.engine.waiting() == 0
        keys = [alert.key for alert in shown.values()]
        assert len(keys) == len(set(keys)), "one open alert a key"
        every = await alarms.read(
            lambda ledger: ledger.alerts(open=None, since_ns=None, after=None, limit=1000)
        )
        named = {reading for alert in every for reading in alert.readings}
        assert set(night.pressed) <= named, "no press that was kept is without its alert"
        table = {(timer.subject, timer.kind): timer for timer in kept.due}
        for alert in shown.values():
            wanted = timers(alert)
            assert {kind for subject, kind in table if subject == f"alert:{alert.id}"} == set(wanted)
            assert all(table[f"alert:{alert.id}", kind].rev == alert.rev for kind in wanted)
            if alert.lasting:
                assert alert.handling is Handling.UNACKNOWLEDGED, "whoever had it has had their time"
                last = max(time for time, key in night.tries() if key.startswith(alert.id))
                assert asyncio.get_running_loop().time() - last <= 125, "and it is told on and on"
        assert await alarms.read(lambda ledger: ledger.verify_audit()) is None
        rows = [row for alert in shown for row in await house.rows(alert)]
        assert all(row.state in ("sent", "delivered", "dropped") for row in rows)


async def test_one_seed_makes_one_night(tmp_path: Path) -> None:
    """The same seed twice tells the same people the same at the same times."""
    traces = []
    for turn in ("first", "second"):
        channels = {"sms": FakeChannel("sms")}
        people = {"person": {"KL": {"channels": ["sms"]}}}
        async with open_house(tmp_path / turn, people, channels=channels) as house:
            began = asyncio.get_running_loop().time()
            night = Night(house, Random(5), frozenset(FAULTS) - {"kill", "cut"})
            for _ in range(30):
                await night.pass_()
            traces.append([round(time - began, 3) for time, _ in night.tries()])
    assert traces[0] == traces[1]
    assert len(traces[0]) > 10
