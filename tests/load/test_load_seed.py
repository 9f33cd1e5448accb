"""What rang before a start is counted once the clock can say how long ago that was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.alerts.book import Moved
from gateway.alerts.flood import AlarmLoad
from gateway.alerts.load_watch import LoadWatch
from gateway.model.clock import Instant
from gateway.model.trouble import Trouble
from gateway.settings.load import Load
from support.load_alerts import START, an_alert


class Lately:
    """A journal with five alerts of the moments before a restart."""

    async def read(self, work: Callable[[Any], Any]) -> Any:
        """Run a work on it."""
        return work(self)

    def alerts(self, *, since_ns: int, limit: int) -> list[Any]:
        """Give those that changed since."""
        rows = [an_alert(n, device=f"doer-{n}") for n in range(5)]
        return [row for row in rows if row.changed.wall_ns >= since_ns][:limit]


class Stands:
    """A clock that stands."""

    def __init__(self, at: Instant) -> None:
        """Show this."""
        self._at = at

    def now(self) -> Instant:
        """Give the moment."""
        return self._at


async def told_at(now: Instant) -> list[Trouble]:
    """Start at this moment, and give what is told at once."""
    told: list[Trouble] = []
    watch = LoadWatch(Load(), Stands(now), told.append, lambda: 1)
    await watch.seed(Lately())
    watch.look()
    return told


async def test_a_clock_that_stands_before_what_rang_makes_no_flood_of_it() -> None:
    """A machine without a battery for its clock starts days ago: that is no flood, and would not end."""
    assert [each.kind for each in await told_at(START.plus(timedelta(minutes=1)))] == ["alarm.flood"]
    assert await told_at(START.plus(timedelta(days=-3))) == []


async def test_a_mistake_in_counting_ends_no_run_of_the_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands between a commit and those who are told of it."""

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(AlarmLoad, "note", fail)
    monkeypatch.setattr(AlarmLoad, "look", fail)
    watch = LoadWatch(Load(), Stands(START), lambda _trouble: None, lambda: 1)
    await watch.seed(Lately())
    watch.moved(Moved(alerts=[(1, an_alert(1))]))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await watch.run()
