"""A process of its own that runs the alerts of a home: `python -m support.alarm_child STATE`.

Each line on stdin is an order; what has been committed is answered with one line on stdout. Nothing is closed
when it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

from gateway.alerts.engine import AlertEngine
from gateway.health.clock import SystemClock
from gateway.journal.journal import Journal
from gateway.model.ids import uuid7
from gateway.model.readings import Guard, Kind, Record
from support.rule_house import home_settings, no_driver


async def serve(state: Path) -> None:
    """Run until killed."""
    clock = SystemClock()
    journal = await Journal.open(state, clock, lambda _trouble: None)
    engine = AlertEngine(
        journal=journal,
        settings=home_settings({"person": {"KL": {"roles": ["care"]}, "AB": {"roles": ["care"]}}}),
        clock=clock,
        new_id=uuid7,
        random=Random(1),
        channels=lambda _settings: {},
        driver_of=no_driver,
        heard=dict,
    )
    await engine.start()
    running = asyncio.create_task(engine.run())
    loop = asyncio.get_running_loop()
    while order := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        match order:
            case ["press"]:
                now = clock.now()
                record = Record(
                    id=uuid7(now.wall_ns),
                    device="kald-12",
                    place="room-12",
                    quantity="help_call",
                    kind=Kind.EVENT,
                    value="press",
                    unit=None,
                    channel=None,
                    time_ns=now.wall_ns,
                    at=now,
                    driver="bthome/1.0.0",
                )
                await engine.event([record], [Guard("kald-12", "sequence", "7", now)])
            case [action, by, *_]:
                (shown,) = engine.open()
                fields = {"outcome": "checked", "spoken": True} if action == "resolve" else {}
                await engine.act(shown.alert.id, action, by=by, source="socket", fields=fields)
            case _:
                pass
        every = [f"{each.alert.id} {each.alert.handling.value} {each.alert.count}" for each in engine.open()]
        print("; ".join(every) or "none", flush=True)
    running.cancel()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
