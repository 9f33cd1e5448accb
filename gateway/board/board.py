"""What all requests share: the house, who is known, the PIN desk, the hub, the words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from gateway.alerts.reach import Reach
from gateway.board.callers import Caller, Register, find_person
from gateway.board.house import House
from gateway.board.hub import Hub
from gateway.board.leavers import Leavers
from gateway.board.load import LoadDesk
from gateway.board.metrics import Metrics
from gateway.board.pins import PinDesk, SlowDown
from gateway.board.screens import ScreenWatch
from gateway.board.trials import Trials
from gateway.board.words import Words
from gateway.model.catalogue import LANGUAGES, Catalogue, shipped
from gateway.model.clock import NS
from gateway.model.refusal import Refused
from gateway.settings.models import Person

log = logging.getLogger(__name__)

AGAIN_S = 5.0


class Board:
    """The staff page and the API, apart from how requests reach them."""

    def __init__(self, house: House) -> None:
        """Take what the house gives; nothing runs yet."""
        self.house = house
        self.register = Register(house)
        self.pins = PinDesk()
        self.hub = Hub(house)
        self.screens = ScreenWatch(house, self.register)
        self.leavers = Leavers(house)
        self.load = LoadDesk(house)
        self.trials = Trials(self)
        self._worded: tuple[object, Catalogue] | None = None
        self.reach = house.reach or Reach(
            engine=lambda: house.engine,
            settings=house.settings,
            clock=house.clock,
            words=lambda: self.words(LANGUAGES[0]).texts,
            push=house.push,
        )
        self.reach.show = self.hub.show_trial
        self.metrics = Metrics(house, self.hub.viewers, self.pins.lockout)

    async def run(self) -> None:
        """Run the board's own loops, for ever; ends by cancellation only."""
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self.hub.run(), name="board hub")
                loops.create_task(self._beside("screens", self.screens.run), name="board screens")
                loops.create_task(self._beside("sessions", self.leavers.run), name="board leavers")
                if self.house.reach is None:
                    loops.create_task(self._beside("reach", self.reach.run), name="board reach")
                loops.create_task(self._beside("alarm load", self.load.run), name="board load")
                loops.create_task(self._beside("scheduled tests", self.trials.run), name="board trials")
        finally:
            self.pins.close()

    async def _beside(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run what is no stream, for ever: a read that a slow disk breaks off must cut nobody's page."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("the page's look at %s failed; again in %.0f s", name, AGAIN_S)
            await asyncio.sleep(AGAIN_S)

    def words(self, language: str) -> Words:
        """Give the words of a language, in the home's time zone."""
        settings = self.house.settings()
        if self._worded is None or self._worded[0] is not settings.wording:
            self._worded = (settings.wording, shipped().overlaid(settings.wording))
        return Words(language, ZoneInfo(settings.site.zone), self._worded[1])

    async def check_pin(self, name: str, pin: str, caller: Caller) -> tuple[str, Person]:
        """Give the person whose initials and PIN these are. Raises Refused or SlowDown; both are audited."""
        known = find_person(self.house.settings(), name)
        kept = known[1].pin.get_secret_value() if known and known[1].pin else None
        now_s = self.house.clock.now().mono_ns / NS
        person = known[0] if known else None
        try:
            right = await self.pins.check(name.casefold(), pin, kept, caller.client, now_s)
        except SlowDown as slow:
            if slow.first:
                await self.note("sign_in_slowed", person, caller, wait_s=round(slow.retry_after_s))
            raise
        if known is None or not right:
            await self.note("sign_in_wrong", person, caller)
            raise Refused("not_signed_in", "initials or PIN do not fit", reason="wrong_pin")
        return known

    async def note(
        self, what: str, by: str | None, caller: Caller, alert: str | None = None, **detail: object
    ) -> None:
        """Add an entry to the audit log. Returns after the commit."""
        source, more = caller.source, {"client": caller.client, **detail}
        await self.house.journal.alarms.write(
            lambda ledger: ledger.audit(what, by=by, source=source, alert=alert, detail=more)
        )
