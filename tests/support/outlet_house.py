"""An MQTT outlet with memory lanes, wired as the application wires it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

from gateway.model.alert import Alert, Concern, Handling, Priority
from gateway.model.clock import Instant
from gateway.model.readings import Record
from gateway.model.trouble import Trouble
from gateway.outlets.deliver import Delivery
from gateway.outlets.mqtt import MqttOutlet
from gateway.outlets.mqtt_commands import Answer, Command
from gateway.settings.models import Settings
from support.memory_lane import MemoryLane
from support.records import instant


class FixedClock:
    """Always the same moment, unless a test moves it."""

    def __init__(self) -> None:
        self.moment = instant()

    def now(self) -> Instant:
        return self.moment


def alert(id_: str = "01999999-0000-7000-8000-00000000a1e7", **changes: Any) -> Alert:
    """Give an unacknowledged call from room 12."""
    now = instant()
    one = Alert(
        id=id_,
        key="help-call/kald-12",
        rule="help-call",
        kind="help_call.press",
        concern=Concern.SELF,
        priority=Priority.HIGH,
        policy="call",
        device="kald-12",
        place="room-12",
        label="Bolig 12",
        title={"da": "Kald – Bolig 12", "en": "Call – Bolig 12"},
        do={"da": "Gå til boligen", "en": "Go to the room"},
        raised=now,
        last=now,
        changed=now,
    )
    return replace(one, **changes)


def closed(one: Alert) -> Alert:
    """Give the alert as it is once closed."""
    return replace(one, handling=Handling.RESOLVED, rev=one.rev + 1, closed=instant(60))


def lone_outlet(open_alerts: Callable[[], list[Alert]]) -> MqttOutlet:
    """Make an outlet without lanes, for tests that hand it a link of their own."""

    def command(*_: Any) -> Any:
        raise AssertionError("nobody sends a command here")

    site = {"municipality": "kommune-a", "home": "solhjem", "gateway": "gw-1"}
    return MqttOutlet(
        Settings.model_validate({"site": site}),
        instance="one",
        version="1",
        clock=FixedClock(),
        random=Random(1),
        tell=lambda _trouble: None,
        health=dict,
        devices=list,
        duty=dict,
        open_alerts=open_alerts,
        latest=list,
        command=command,
    )


class OutletHouse:
    """The outlet, its lanes, and what it told."""

    def __init__(
        self, broker: dict[str, Any], *, instance: str, gateway: str = "gw-1", discovery: bool = False
    ) -> None:
        self.settings = Settings.model_validate(
            {
                "site": {"municipality": "kommune-a", "home": "solhjem", "gateway": gateway},
                "place": {"room-01": {"label": "Bolig 1"}},
                "device": {"klima-01": {"address": "A4:C1:38:00:00:11", "place": "room-01"}},
                "mqtt": {
                    "discovery": discovery,
                    "host": broker["hostname"],
                    "port": broker["port"],
                    "username": broker.get("username"),
                    "password": broker.get("password"),
                },
            }
        )
        self.readings: MemoryLane[Record] = MemoryLane("mqtt/readings")
        self.events: MemoryLane[Record] = MemoryLane("mqtt/events")
        self.alerts: MemoryLane[Alert] = MemoryLane("mqtt/alerts")
        self.troubles: list[Trouble] = []
        self.devices: list[dict[str, Any]] = []
        self.open: list[Alert] = []
        self.commands: list[Command] = []
        self.answer: Answer = (200, {"schema": "velgate/alert/1"})
        self.clock = FixedClock()
        random = Random(instance)
        self.deliveries: list[Delivery[Any]] = []
        self.outlet = MqttOutlet(
            self.settings,
            instance=instance,
            version="0.1.0",
            clock=self.clock,
            random=random,
            tell=self.troubles.append,
            health=lambda: {"schema": "velgate/health/1", "level": "ok"},
            devices=lambda: self.devices,
            duty=lambda: {"groups": [], "centre": None},
            open_alerts=lambda: self.open,
            latest=self._latest,
            command=self._command,
            connected=lambda: [delivery.retry_now() for delivery in self.deliveries] and None,
        )
        for lane, send in (
            (self.readings, self.outlet.send_readings),
            (self.events, self.outlet.send_events),
            (self.alerts, self.outlet.send_alerts),
        ):
            self.deliveries.append(
                Delivery(lane, send, tell=self.troubles.append, random=random, pause_max_s=1.0)  # type: ignore[arg-type]
            )

    def _latest(self) -> list[Record]:
        last = {(r.device, r.quantity, r.channel): r for _, r in self.readings.rows}
        return list(last.values())

    async def _command(self, alert_id: str, command: Command) -> Answer:
        self.commands.append(command)
        return self.answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[OutletHouse]:
        """Run outlet and deliveries for the length of the block."""
        async with asyncio.TaskGroup() as house:
            tasks = [house.create_task(self.outlet.run())]
            tasks += [house.create_task(delivery.run()) for delivery in self.deliveries]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
