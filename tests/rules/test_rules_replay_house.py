"""Hours that a whole home lived through, and the same hours replayed from its journal: the same alerts."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.alerts.basis import BasisBook
from gateway.alerts.watched import watched
from gateway.journal.offline_history import OfflineHistory
from gateway.model.alert import Alert
from gateway.replay.trial import Trial
from support.alarm_house import START_NS, AlarmHouse, open_house
from support.journal import HandClock
from support.rule_house import no_driver

pytestmark = pytest.mark.looptime

DAY_NS = 86_400 * 1_000_000_000
ALL_ON = {
    "alerts": {
        "rules": {
            "door-unattended": {"enabled": True},
            "no-motion-day": {"enabled": True, "when": {"missing": "30m"}},
            "no-motion": {"when": {"missing": "1h"}},
            "room-changing": {"enabled": True, "when": {"falls_by": 3.0, "rises_by": 3.0, "hysteresis": 1.0}},
        }
    }
}
SAID: tuple[tuple[str, str, Any], ...] = (
    ("seng-12", "bed_occupancy", True),
    ("seng-12", "bed_occupancy", False),
    ("doer-12", "opening", True),
    ("doer-12", "opening", False),
    ("uro-12", "motion", True),
    ("uro-12", "motion", False),
    ("klima-12", "temperature", 16.5),
    ("klima-12", "temperature", 20.0),
    ("klima-12", "temperature", 29.0),
)


@pytest.mark.parametrize("seed", [1])
async def test_the_replay_of_hours_is_the_hours(tmp_path: Path, seed: int) -> None:
    """Each occurrence that rules told, and each alert at its moment, held back by its schedule or not."""
    random = Random(seed)
    async with open_house(tmp_path, ALL_ON) as house:
        for place in ("room-12", "room-13"):
            await house.allow(place, "presence")
        for _ in range(60):
            await asyncio.sleep(random.choice((20, 90, 400, 900)))
            if random.random() < 0.05:
                await _press(house)
            else:
                await _says(house, *random.choice(SAID))
        bases = await house.journal.alarms.read(lambda ledger: ledger.basis())
        alerts = await house.journal.alarms.read(_alerts)
        settings, state = house.settings, house.state
    trial = Trial(settings, watched(settings, no_driver), BasisBook(settings, bases).allows)
    history = OfflineHistory(state, HandClock())
    try:
        for record in history.records(START_NS - DAY_NS, START_NS + 3 * DAY_NS):
            trial.take(record)
    finally:
        history.close()
    lived = [each for each in alerts if each.rule in settings.alerts.rules]
    told: Counter[str] = Counter()
    for alert in lived:
        told[alert.key] += alert.count
    assert len(told) >= 4
    assert Counter(ring.key for ring in trial.rings) == told
    moments = {(ring.key, ring.began.wall_ns) for ring in trial.rings}
    assert {(alert.key, alert.raised.wall_ns) for alert in lived} <= moments
    assert {(alert.key, alert.last.wall_ns) for alert in lived} <= moments


async def _press(house: AlarmHouse) -> None:
    """Press as intake hands it on: the alerts keep the event."""
    await house.engine.event([house.record("kald-12", "help_call", "press")], [])
    await house.settle()


async def _says(house: AlarmHouse, device: str, quantity: str, value: Any) -> None:
    record = house.record(device, quantity, value)
    house.journal.readings.append([record])
    await house.journal.readings.flush()
    house.engine.observe([record])
    await house.settle()


def _alerts(ledger: Any) -> list[Alert]:
    found: list[Alert] = ledger.alerts(open=None, since_ns=0, after=None, limit=1000)
    return found
