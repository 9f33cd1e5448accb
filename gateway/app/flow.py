"""From intake to journal and alerts: events on the way of an alarm, everything else with the next group."""

from __future__ import annotations

from gateway.alerts.engine import AlertEngine
from gateway.journal.errors import NotDurable
from gateway.journal.reading_store import ReadingStore
from gateway.model.readings import Guard, Record


class Flow:
    """Intake's sink."""

    def __init__(self, engine: AlertEngine, readings: ReadingStore) -> None:
        """Both must be open."""
        self._engine = engine
        self._readings = readings

    async def event(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep events with the alerts they raise; returns after the commit.

        Where the disk refuses the alarm has gone out from memory and is kept later: the event is taken.
        """
        try:
            await self._engine.event(records, guards)
        except NotDurable:
            return

    def routine(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep measurements and states, and let the rules look at them."""
        try:
            self._readings.append(records, guards)
        finally:  # what cannot be stored may be smoke all the same
            self._engine.observe(records)
