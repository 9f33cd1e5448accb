"""The outlets of this gateway, wired to the journal: one delivery a lane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from gateway.app.lawful import lawful
from gateway.app.outside import Outside
from gateway.app.retained import Retained
from gateway.journal.alarm_writer import Commit
from gateway.journal.journal import Journal
from gateway.model.alert import Alert, Concern
from gateway.model.clock import Clock
from gateway.model.readings import Record
from gateway.model.trouble import TellTrouble
from gateway.outlets.deliver import ALERT_PAUSE_MAX_S, Delivery
from gateway.outlets.influx import InfluxOutlet
from gateway.outlets.lanes import ReadingLane, alert_lane, event_lane
from gateway.outlets.mqtt import MqttOutlet
from gateway.outlets.mqtt_commands import CommandHandler
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

Work = tuple[str, Callable[[], Awaitable[None]]]

PUBLISHED_MEMO = "mqtt/devices"
"""The devices that may have something retained on the broker, also of an earlier start."""


class Deliveries:
    """MQTT and InfluxDB, as far as they are configured."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        *,
        instance: str,
        version: str,
        clock: Clock,
        random: Random,
        tell: TellTrouble,
        health: Callable[[], dict[str, Any]],
        devices: Callable[[], list[dict[str, Any]]],
        duty: Callable[[], dict[str, Any]],
        open_alerts: Callable[[], list[Alert]],
        command: CommandHandler,
        allows: Callable[[str, Concern], bool],
        outside: Outside,
    ) -> None:
        """Make the outlets; nothing is connected yet. `allows` knows the legal basis by place and concern."""
        self._journal = journal
        self._settings = settings
        self._lanes: dict[str, list[Delivery[Any]]] = {"mqtt": [], "influx": []}
        self._events: dict[tuple[str, str, int | None], Record] = {}
        self._forget = journal.alarms.on_commit(self._note_events)
        self.mqtt: MqttOutlet | None = None
        self.influx: InfluxOutlet | None = None
        alarms, readings = journal.alarms, journal.readings
        if settings.mqtt.host:
            self._retained = Retained(
                latest=self._latest,
                settings=lambda: self._settings,
                allows=allows,
                clear=self._clear,
                recall=self._recall,
                remember=self._remember,
            )
            self.mqtt = mqtt = MqttOutlet(
                settings,
                instance=instance,
                version=version,
                clock=clock,
                random=random,
                tell=tell,
                health=health,
                devices=devices,
                duty=duty,
                open_alerts=open_alerts,
                latest=self._latest,
                command=command,
                connected=self._connected,
                stands=self._retained.stands,
                link=outside.broker,
            )
            self._lanes["mqtt"] = [
                Delivery(
                    alert_lane("mqtt", alarms, readings, clock),
                    mqtt.send_alerts,
                    tell=tell,
                    random=random,
                    pause_max_s=ALERT_PAUSE_MAX_S,
                ),
                Delivery(
                    event_lane("mqtt", alarms, readings, clock),
                    lawful(mqtt.send_events, allows),
                    tell=tell,
                    random=random,
                    pause_max_s=ALERT_PAUSE_MAX_S,
                ),
                Delivery(
                    ReadingLane("mqtt", readings, clock),
                    lawful(mqtt.send_readings, allows),
                    tell=tell,
                    random=random,
                ),
            ]
        if settings.influx.url:
            self.influx = influx = InfluxOutlet(
                settings.influx, settings.site, clock=clock.now, server=outside.influx(settings.influx)
            )
            send = lawful(influx.send, allows)
            self._lanes["influx"] = [
                Delivery(event_lane("influx", alarms, readings, clock), send, tell=tell, random=random),
                Delivery(ReadingLane("influx", readings, clock), send, tell=tell, random=random),
            ]

    def works(self) -> list[Work]:
        """Give what is to be run, each under supervision, by name."""
        works: list[Work] = []
        if self.mqtt is not None:
            works.append(("outlet-mqtt", self.mqtt.run))
            works.append(("outlet-mqtt/retained", self._retained.run))
        works += [
            (f"outlet-{delivery.name}", delivery.run) for lanes in self._lanes.values() for delivery in lanes
        ]
        return works

    async def warm(self) -> None:
        """Load what is heavy before the first reading needs it. What fails here is met again by its lane."""
        if self.influx is not None:
            try:
                await self.influx.warm()
            except Exception:  # contained: that lane is supervised, and an outlet must stop no start
                log.exception("the client of InfluxDB could not be made ready")

    async def tried(self, within_s: float) -> None:
        """Wait until the broker answers or is known not to, at most so long."""
        if self.mqtt is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self.mqtt.tried.wait()

    def close(self) -> None:
        """Let go of threads."""
        self._forget()
        if self.influx is not None:
            self.influx.close()

    def document(self) -> list[dict[str, Any]]:
        """Give the outlets' part of the health document."""
        aside = self._journal.readings.aside_counts()
        documents = []
        for name, lanes in self._lanes.items():
            refused = sum(count for lane, count in aside.items() if lane.partition("/")[0] == name)
            documents.append(
                {
                    "name": name,
                    "state": self._state(name, lanes),
                    "lag": sum(lane.lag for lane in lanes),
                    "aside": refused,
                    "reason": next((lane.reason for lane in lanes if lane.reason), ""),
                }
            )
        return documents

    def _state(self, name: str, lanes: Sequence[Delivery[Any]]) -> str:
        if not lanes:
            return "off"
        if name == "mqtt" and self.mqtt is not None:
            return self.mqtt.state
        return "up" if any(lane.up for lane in lanes) and not any(lane.reason for lane in lanes) else "down"

    def _latest(self) -> list[Record]:
        """Give the newest of each series; of events, those since this start."""
        return [*self._journal.readings.latest(), *self._events.values()]

    def _note_events(self, commit: Commit) -> None:
        if self.mqtt is not None:
            self.mqtt.kept(alert.id for _, alert in commit.alerts)
        for _, record in commit.events:
            self._events[record.device, record.quantity, record.channel] = record

    def tell_unkept(self, alert: Alert) -> None:
        """Tell other systems an alert that the disk holds up."""
        if self.mqtt is not None:
            self.mqtt.tell_unkept(alert)

    def reload(self, settings: Settings) -> None:
        """Take over a new configuration: what is retained of a device that is gone is cleared."""
        self._settings = settings
        if self.mqtt is not None:
            self.mqtt.reload(settings)
            self._retained.changed()

    def basis_changed(self) -> None:
        """Clear what is retained of a concern whose legal basis has ended."""
        if self.mqtt is not None:
            self._retained.changed()

    def _connected(self) -> None:
        for delivery in self._lanes["mqtt"]:
            delivery.retry_now()
        self._retained.connected()

    async def _clear(self, records: Sequence[Record], devices: Sequence[str]) -> None:
        assert self.mqtt is not None
        await self.mqtt.clear(records, devices)

    async def _recall(self) -> frozenset[str]:
        memo = await self._journal.alarms.read(lambda ledger: ledger.memo(PUBLISHED_MEMO))
        return frozenset((memo or {}).get("devices", ()))

    async def _remember(self, devices: frozenset[str]) -> None:
        memo = {"devices": sorted(devices)}
        await self._journal.alarms.write(lambda ledger: ledger.put_memo(PUBLISHED_MEMO, memo))
