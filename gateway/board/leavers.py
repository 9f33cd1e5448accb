"""A session that ends with alerts taken gives them back: nobody who has gone home holds a call."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from gateway.board.house import House
from gateway.journal.errors import NotDurable
from gateway.model.alert import Alert, Handling
from gateway.model.rows import Session

log = logging.getLogger(__name__)

EVERY_S = 15.0


def taken_by(house: House, person: str) -> list[Alert]:
    """Give the open alerts that a person has."""
    return [
        shown.alert
        for shown in house.engine.open()
        if shown.alert.handling is Handling.ACKNOWLEDGED
        and shown.alert.taken is not None
        and shown.alert.taken.by.casefold() == person.casefold()
    ]


class Leavers:
    """Knows who is signed in, and sees sessions run out."""

    def __init__(self, house: House) -> None:
        """Begin with nobody signed in; `run` reads who is."""
        self._house = house
        self._sessions: dict[str, Session] = {}

    def came(self, session: Session) -> None:
        """Note a new session."""
        self._sessions[session.token_hash] = session

    def left(self, session: Session) -> None:
        """Note that a session was ended."""
        self._sessions.pop(session.token_hash, None)

    async def run(self) -> None:
        """See sessions run out, for ever; those that ran out while the gateway was down come first."""
        for session in await self._house.journal.alarms.read(lambda ledger: ledger.sessions()):
            self._sessions.setdefault(session.token_hash, session)
        while True:
            await self._sweep()
            await asyncio.sleep(EVERY_S)

    async def _sweep(self) -> None:
        now = self._house.clock.now()
        over = [s for s in self._sessions.values() if now.since(s.expires) >= timedelta(0)]
        for session in over:
            stays = any(s.person == session.person for s in self._sessions.values() if s not in over)
            try:
                if not stays:
                    await self._house.engine.holder_left(session.person, source="session")
            except NotDurable as failed:
                log.warning("what %s had taken was not given back yet: %s", session.person, failed.reason)
                return
            self._sessions.pop(session.token_hash, None)
