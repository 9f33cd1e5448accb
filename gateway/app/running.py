"""A house in which everything answers, as the process and the demo see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.app.house import House
from gateway.board.serve import Doors
from gateway.journal.ledger import Ledger
from gateway.model.alert import Concern
from gateway.model.clock import Clock
from gateway.model.rows import Basis
from gateway.outlets.mqtt_topics import Topics
from gateway.settings.models import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """A house in which everything answers."""

    house: House
    doors: Doors

    @property
    def settings(self) -> Settings:
        """The effective configuration."""
        return self.house.settings

    @property
    def clock(self) -> Clock:
        """What time it is."""
        return self.house.clock

    @property
    def board(self) -> str:
        """The staff page's address."""
        return self.doors.url

    @property
    def socket(self) -> Path:
        """The Unix socket of local programs."""
        return self.doors.socket

    @property
    def root(self) -> str:
        """The root of this home's topics."""
        return Topics.of(self.settings.site).root

    async def basis(self) -> list[Basis]:
        """Give every legal basis that is recorded."""
        return await self.house.journal.alarms.read(lambda ledger: ledger.basis())

    async def record_basis(self, place: str, concerns: Sequence[Concern], *, until: date, by: str) -> None:
        """Record that residents consent, and take it into account."""
        now = self.clock.now()
        rows = [
            Basis(
                place=place,
                concern=concern.value,
                kind="consent",
                until=until,
                case=None,
                recorded=now,
                by=by,
            )
            for concern in concerns
        ]

        def put(ledger: Ledger) -> None:
            for row in rows:
                ledger.put_basis(row)
                ledger.audit(
                    "basis_recorded", by=by, source="demo", detail={"place": place, "concern": row.concern}
                )

        await self.house.journal.alarms.write(put)
        await self.house.engine.basis_changed()
