"""The house: rooms built, wired to each other, and kept running each by itself.

The radio listens first: a burst lasts a second or four, and a start takes longer on a small machine. What it
hears is kept until intake takes it. Then the journal, the alerts, the page, and last what leaves the house.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from gateway import __version__
from gateway.alerts.channels.base import Channel
from gateway.alerts.channels.courier import Courier
from gateway.alerts.channels.push import Push, push_channels
from gateway.alerts.channels.push_taken import TakenBack
from gateway.alerts.digests import Digests
from gateway.alerts.engine import AlertEngine
from gateway.alerts.reach import Reach
from gateway.alerts.watched import watched
from gateway.app.commands import Commands
from gateway.app.deliveries import Deliveries
from gateway.app.devices import device_rows, published
from gateway.app.doors import board_house
from gateway.app.flow import Flow
from gateway.app.outside import Outside
from gateway.board.serve import Doors
from gateway.driver import Driver
from gateway.health.canary import Canary
from gateway.health.document import Parts, health_document
from gateway.health.heartbeat import beat
from gateway.health.supervise import Rooms
from gateway.intake.intake import Intake
from gateway.intake.memory import Heard
from gateway.journal.journal import Journal
from gateway.model.alert import Alert
from gateway.model.catalogue import LANGUAGES, Catalogue, shipped
from gateway.model.clock import Clock
from gateway.model.ids import NewId
from gateway.model.problem import Finding
from gateway.model.rows import Keeping
from gateway.model.trouble import Trouble
from gateway.radio.expects import Expects
from gateway.radio.radio import Radio
from gateway.settings.loader import Loaded, load
from gateway.settings.models import Device, Settings

log = logging.getLogger(__name__)

BROKER_WITHIN_S = 3.0  # how long "everything answers" waits for the broker, which may be away for days
HANDS = "hands"  # the subject of the trouble that frames are heard and not taken
HANDS_WITHIN_S = 6.0  # longer than a press waits for a disk that hangs, shorter than a canary may take
LET_GO_S = 0.5  # how long an end waits for the radio to let go before the other rooms end beside it
EARLY_TROUBLES_MAX = 200  # troubles told before the alerts can take them; the oldest gives way


class House:
    """One gateway. `run` is its life; `reload` may be called while it runs."""

    def __init__(
        self,
        *,
        config: Path,
        state: Path,
        loaded: Loaded,
        clock: Clock,
        new_id: NewId,
        random: Random,
        outside: Outside | None = None,
    ) -> None:
        """Nothing is opened yet. `outside` is the real world, unless another is handed in."""
        self._config, self.state, self.loaded = config, state, loaded
        self._outside = outside or Outside()
        self.clock, self._new_id, self._random = clock, new_id, random
        self._started = clock.now()
        self._early: deque[Trouble] = deque(maxlen=EARLY_TROUBLES_MAX)
        self.rooms = Rooms(self.tell)
        self.courier = Courier(self.tell)
        self.push = Push(
            store=lambda: self.journal.alarms,
            state=state,
            clock=clock,
            settings=lambda: self.settings,
            courier=self.courier,
        )
        self.reach = Reach(
            engine=lambda: self.engine,
            settings=lambda: self.settings,
            clock=clock,
            words=self.words,
            push=self.push,
            channels=lambda: self.channels,
        )
        self.channels: Mapping[str, Channel] = {}
        """The channels of the configuration in force."""
        self.journal: Journal
        self.engine: AlertEngine
        self.intake: Intake
        self.deliveries: Deliveries
        self.radio: Radio
        self._open = False
        self._answers = False
        self._deaf = False
        self._standing = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._last_seen_ns: dict[str, int] = {}

    @property
    def settings(self) -> Settings:
        """The effective configuration."""
        return self.loaded.settings

    # Its life

    async def run(
        self, ready: Callable[[Doors], Awaitable[None]], *, standing: Callable[[], object] = lambda: None
    ) -> None:
        """Open the rooms and keep them running; for ever. `ready` is called once everything answers.

        `standing` is called before that, when the way of an alarm is open: it waits for no page whose address
        somebody else has (that is told, and tried again). Ends by cancellation: nothing more is taken in
        hand, streams closed, readings flushed, journal closed. Raises Problem (in an ExceptionGroup) where
        the state folder cannot be had.
        """
        self.radio = self._outside.radio(
            self.settings,
            clock=self.clock,
            tell=self.tell,
            supervise=self.rooms.supervise,
            instance=lambda: self.journal.instance,
            expects=self._expects,
            plans=lambda: self.intake.gatt_plans() if self._open else [],
            random=self._random,
        )
        async with asyncio.TaskGroup() as house:
            listening = house.create_task(self.radio.run(), name="radio")
            self.journal = await self._outside.journal(
                self.state, self.clock, self.tell, keeping=self._keeping()
            )
            try:
                await self._live(house, listening, ready, standing)
            finally:
                listening.cancel()
                await self.journal.close()

    async def _live(
        self,
        house: asyncio.TaskGroup,
        listening: asyncio.Task[None],
        ready: Callable[[Doors], Awaitable[None]],
        standing: Callable[[], object],
    ) -> None:
        self._furnish()
        await self.push.open()
        await self.engine.start()
        self._open = True
        for trouble in self._early:
            self.engine.trouble(trouble)
        self._early.clear()
        self.radio.reload(self.settings)
        doors: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()

        def opened(answers: Doors) -> None:
            self._answers = True
            if not doors.done():
                doors.set_result(answers)

        canary = Canary(self._through, lambda: all(w.alive for w in self.journal.writers()), self.tell)
        works: list[tuple[str, Callable[[], Awaitable[None]], bool]] = [
            ("journal", self.journal.run, True),
            ("alerts", self.engine.run, True),
            ("board", lambda: self._outside.page(board_house(self), opened), True),
            ("canary", canary.run, False),
            (
                "heartbeat",
                lambda: beat(
                    self.settings.heartbeat,
                    healthy=lambda: canary.proved and not self._deaf,
                    tell=self.tell,
                ),
                False,
            ),
        ]
        digests = Digests(
            store=self.journal.alarms,
            settings=lambda: self.settings,
            channels=lambda: self.channels,
            clock=self.clock,
            words=self.words,
            tell=self.tell,
        )
        taken_back = TakenBack(
            self.push,
            engine=self.engine,
            store=lambda: self.journal.alarms,
            clock=self.clock,
            words=self.words,
            language=self._language_of,
        )
        works += [
            ("courier", self.courier.run, True),
            ("digest", digests.run, False),
            ("push", partial(self.push.run, self.reach.left), False),
            ("push-taken", taken_back.run, False),
            ("reach", self.reach.run, False),
        ]
        works += [(name, work, False) for name, work in self.deliveries.works()]
        self.rooms.room("alerts", queue=self.engine.waiting)
        self.rooms.room("intake", queue=lambda: self.radio.queue).state = "running"
        tasks = [
            house.create_task(self.rooms.supervise(name, work, calls=calls), name=name)
            for name, work, calls in works
        ]
        try:
            self.radio.deliver_to(self.intake.take)
            self._standing.set()
            standing()
            await self.deliveries.warm()
            answers = await doors
            await self.deliveries.tried(BROKER_WITHIN_S)
            self._outside.settle()
            await ready(answers)
            await asyncio.Event().wait()
        finally:
            self._open = False
            listening.cancel()  # first: what is in hand by then is kept by those who still work
            await asyncio.wait((listening,), timeout=LET_GO_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.intake.close()
            self.deliveries.close()

    def _furnish(self) -> None:
        """Build the rooms that need the journal."""
        settings, journal = self.settings, self.journal
        self.engine = AlertEngine(
            journal=journal,
            settings=settings,
            clock=self.clock,
            new_id=self._new_id,
            random=self._random,
            channels=self._make_channels,
            driver_of=self._driver_of,
            heard=self._heard,
            unkept=self._tell_unkept,
            phones=self.push.ways,
        )
        self.flow = Flow(self.engine, journal.readings)
        self.intake = Intake(
            settings,
            journal.guards(),
            self.clock,
            self._new_id,
            self.flow,
            lambda place, concern: self.engine.basis.keeps(place, concern, self.clock.now()),
            self.tell,
        )
        self.engine.reload(settings)
        self.commands = Commands(self.engine, self.clock, self.loaded)
        self.deliveries = Deliveries(
            settings,
            journal,
            instance=journal.instance,
            version=__version__,
            clock=self.clock,
            random=self._random,
            tell=self.tell,
            health=self.health,
            devices=lambda: [published(row) for row in self.devices()],
            duty=self.engine.duty_document,
            open_alerts=self.open_alerts,
            command=self.commands,
            allows=lambda place, concern: self.engine.basis.allows(place, concern, self.clock.now()),
            outside=self._outside,
        )
        self.engine.on_basis(self.deliveries.basis_changed)
        for record in journal.readings.latest():
            seen = self._last_seen_ns.get(record.device, 0)
            self._last_seen_ns[record.device] = max(seen, record.time_ns)

    def _make_channels(self, settings: Settings) -> Mapping[str, Channel]:
        publish = self._publish if settings.mqtt.host else None
        made = self._outside.channels(settings, self.clock, publish, self.courier)
        self.channels = {**made, **push_channels(settings, self.push, self.clock)}
        return self.channels

    def _language_of(self, person: str) -> str:
        known = self.settings.person.get(person)
        return known.language if known else LANGUAGES[0]

    def _keeping(self) -> Keeping:
        kept = self.settings.retention
        return Keeping(
            personal=kept.personal,
            other=kept.other,
            alerts=kept.alerts,
            audit=kept.audit,
            readings_bytes=kept.readings_bytes,
        )

    async def _through(self) -> None:
        """Carry one canary along the way of an alarm. Hands that do not move are told by themselves."""
        deaf = False
        try:
            async with asyncio.timeout(HANDS_WITHIN_S):
                await self.radio.through()
        except TimeoutError:
            deaf = True
        if deaf != self._deaf:
            self._deaf = deaf
            detail = f"nothing that the radio hears has been taken in hand for {HANDS_WITHIN_S:g} s"
            self.tell(
                Trouble(kind="room.failing", subject=HANDS, present=deaf, calls_unheard=deaf, detail=detail)
            )
        await self.engine.canary()

    # What rooms ask of each other

    def tell(self, trouble: Trouble) -> None:
        """Hand a trouble to the alerts; kept until they can take it."""
        log.log(
            logging.WARNING if trouble.present else logging.INFO,
            "%s %s %s: %s",
            trouble.kind,
            trouble.subject,
            "is" if trouble.present else "is over",
            trouble.detail,
        )
        if self._open:
            self.engine.trouble(trouble)
        else:
            self._early.append(trouble)

    def open_alerts(self) -> list[Alert]:
        """Give the alerts that are kept and not resolved."""
        return [shown.alert for shown in self.engine.open() if shown.durable]

    def _heard(self) -> dict[str, Heard]:
        return self.intake.heard()

    def _driver_of(self, name: str, device: Device) -> Driver | None:
        del device  # the directory of intake has bound it already
        return self.intake.driver_of(name) if hasattr(self, "intake") else None

    def _tell_unkept(self, alert: Alert) -> None:
        self.deliveries.tell_unkept(alert)  # made after the alerts

    async def _publish(self, topic: str, body: bytes) -> None:
        mqtt = self.deliveries.mqtt
        if mqtt is None:
            raise OSError("no broker is configured")
        await mqtt.publish(topic, body)

    def _expects(self) -> Expects:
        if not self._open:
            return Expects()
        every = watched(self.settings, self._driver_of).values()
        return Expects(
            speaking=sum(
                d.source == "radio"
                and d.heard_every is not None
                and d.heard_every <= self.settings.radio.silence
                for d in every
            ),
            radio_calls=any(d.calls and d.source == "radio" for d in every),
            message_calls=any(d.calls and d.source == "messages" for d in every),
        )

    def devices(self) -> list[dict[str, Any]]:
        """Give the devices' rows."""
        return device_rows(
            self.settings,
            watched(self.settings, self._driver_of),
            self.intake.heard(),
            self._last_seen_ns,
            [shown.alert for shown in self.engine.open()],
            self.clock.now(),
        )

    def health(self) -> dict[str, Any]:
        """Give the health document."""
        parts = Parts(
            gateway=self.settings.site.gateway,
            version=__version__,
            started=self._started,
            adapters=self.radio.health(),
            rooms=self.rooms.document(),
            outlets=self.deliveries.document(),
            journal=self.journal.health(),
            devices=self.devices(),
            alerts=[shown.alert for shown in self.engine.open()],
            quarantined=self.intake.health()["quarantined"],
        )
        return health_document(parts, self.clock.now())

    @property
    def ready(self) -> bool:
        """Whether everything answers and no room is stopped."""
        return self._answers and not any(r["state"] == "stopped" for r in self.rooms.document())

    def words(self) -> Catalogue:
        """Give the catalogue with the municipality's own words over it."""
        return shipped().overlaid(self.settings.wording)

    # Reloading

    async def reload(self) -> Sequence[Finding]:
        """Read the configuration anew. Gives its errors; with any the old one stays in force, told.

        Waits until the rooms stand. One that fails by a mistake of ours is such an error, too: whoever asked,
        a signal or a person, must be able to ask again.
        """
        await self._standing.wait()
        async with self._reloading:
            try:
                errors = await self._reload()
            except Exception as failed:  # contained: see above
                log.exception("the configuration could not be taken over")
                errors = (
                    Finding(
                        where=str(self._config),
                        expected="a configuration that can be taken over",
                        found=type(failed).__name__,
                        do="see  velgate check  and the log, then restart the gateway",
                    ),
                )
            detail = f"{errors[0].where}: expected {errors[0].expected}. See: velgate check" if errors else ""
            self.tell(
                Trouble(kind="config.invalid", subject="configuration", present=bool(errors), detail=detail)
            )
        return errors

    async def _reload(self) -> Sequence[Finding]:
        loaded = await asyncio.to_thread(load, self._config, running=True)
        if loaded.errors:
            return loaded.errors
        before = self.loaded
        try:
            self._take_over(loaded)
        except Exception:
            self._take_over(before)  # or one room would go by the new one and another by the old
            raise
        if _fixed(before.settings) != _fixed(loaded.settings):
            log.warning("broker, database, site or the page's address changed: restart to take that over")
        return ()

    def _take_over(self, loaded: Loaded) -> None:
        self.loaded = self.commands.loaded = loaded
        self.intake.reload(loaded.settings)
        self.engine.reload(loaded.settings)
        self.radio.reload(loaded.settings)
        self.deliveries.reload(loaded.settings)
        self.journal.keep(self._keeping())


def _fixed(settings: Settings) -> tuple[object, ...]:
    """Give what a gateway takes over only when it starts."""
    site = settings.site
    return settings.mqtt, settings.influx, settings.board, (site.municipality, site.home, site.gateway)
