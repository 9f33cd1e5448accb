"""The MQTT outlet: readings, events, alerts, status and health of this gateway on one broker.

Two gateways with one name would overwrite each other. So before anything is published the outlet looks
who holds the name: while a foreign instance is alive there it stays shut, says so, and looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any

import aiomqtt
import orjson
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.model.alert import Alert
from gateway.model.clock import Clock, iso
from gateway.model.readings import Kind, Record
from gateway.model.together import together
from gateway.model.trouble import TellTrouble, Trouble
from gateway.outlets.deliver import Rows
from gateway.outlets.discovery import discovery, discovery_topic
from gateway.outlets.mqtt_commands import CommandHandler, answer_command
from gateway.outlets.mqtt_link import Link, LinkTo, PublishRefused, link_to, properties_of, will_of
from gateway.outlets.mqtt_topics import Topics
from gateway.outlets.outcome import OutletDown, Refused
from gateway.settings.models import Settings

log = logging.getLogger(__name__)

STATUS_SCHEMA = "velgate/status/1"
MEASUREMENT_EXPIRY_S = 86_400
READING_SLOTS = 10  # of the broker's window of 20; the other ten belong to alerts and events
ALERT_SLOTS = 10
HEALTH_EVERY_S = 60.0
DEVICES_EVERY_S = 5.0
UNKEPT_MAX = (
    500  # alerts that are not kept and wait for the broker; of more the oldest are left to their lane
)
DEVICE_AGAIN_S = 60.0  # "last seen" and signal alone are told at most this often
ANNOUNCE_EVERY_S = 30.0
TOLD_MAX = 1000  # alerts of which the newest revision that was told is remembered; with more the oldest goes
AGAIN_WITHIN_S = 10.0  # a broker that confirms an open alert no sooner is connected to anew
RECONNECT_FIRST_S = 0.1
RECONNECT_MAX_S = 30.0
LOOK_S = 0.5  # how long a retained status may take to arrive after the subscription
DEAD_AFTER_S = 150.0  # a foreign instance whose health is not heard for this long is dead


class MqttOutlet:
    """One broker. `run` keeps the connection; the `send_…` functions are given to deliveries."""

    def __init__(
        self,
        settings: Settings,
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
        latest: Callable[[], list[Record]],
        command: CommandHandler,
        connected: Callable[[], None] = lambda: None,
        stands: Callable[[Record], bool] = lambda _record: True,
        link: LinkTo = link_to,
    ) -> None:
        """`latest` gives each topic's newest record; `connected` hears of each connection.

        `stands` tells whether a record may be retained: its device is there, and so is its legal basis.
        """
        self._settings = settings
        self._topics = Topics.of(settings.site)
        self._instance = instance
        self._version = version
        self._clock = clock
        self._random = random
        self._tell = tell
        self._health = health
        self._devices = devices
        self._duty = duty
        self._open_alerts = open_alerts
        self._latest = latest
        self._announced: dict[str, bytes] = {}
        self._command = command
        self._connected = connected
        self._stands = stands
        self._link_to = link
        self._link: Link | None = None
        self._reading_slots = asyncio.Semaphore(READING_SLOTS)
        self._alert_slots = asyncio.Semaphore(ALERT_SLOTS)
        self._alerts_in_turn = asyncio.Lock()
        """Held for each state of an alert that is told, so that none overtakes another."""
        self._shown_devices: dict[str, tuple[dict[str, Any], float]] = {}
        self._unkept: dict[str, Alert] = {}
        self._told: dict[str, int] = {}
        """The newest revision of each alert that its lane has told."""
        self._unkept_news = asyncio.Event()
        self._since = ""
        self.tried = asyncio.Event()
        """Whether the broker has been tried once: it is connected, holds a foreign gateway, or is away."""
        self.foreign: str | None = None
        self.reason = "not connected yet"

    @property
    def state(self) -> str:
        """`up`, `down`, or `off` where no broker is configured or another gateway holds the name."""
        if not self._settings.mqtt.host or self.foreign:
            return "off"
        return "up" if self._link else "down"

    def reload(self, settings: Settings) -> None:
        """Take over a new configuration; broker and site stay what they were at the start."""
        fixed = {"mqtt": self._settings.mqtt, "site": self._settings.site}
        self._settings = settings.model_copy(update=fixed)

    # The connection

    async def run(self) -> None:
        """Connect, keep the connection, connect again; for ever. Ends by cancellation, saying offline."""
        pause = RECONNECT_FIRST_S
        while True:
            try:
                await self._look_for_another()
                pause = RECONNECT_FIRST_S
                await self._hold()
            except (aiomqtt.MqttError, OutletDown, OSError, TimeoutError) as down:
                self.reason = f"{self._settings.mqtt.host}:{self._settings.mqtt.port}: {down}"
                self.tried.set()
                log.info("MQTT outlet: %s", self.reason)
            await asyncio.sleep(pause * (0.5 + self._random.random()))
            pause = min(pause * 2, RECONNECT_MAX_S)

    def _identifier(self, role: str) -> str:
        return f"velgate-{self._topics.gateway}-{self._instance[:8]}-{role}"

    def _status(self, state: str) -> bytes:
        return orjson.dumps(
            {
                "state": state,
                "instance": self._instance,
                "since": self._since,
                "version": self._version,
            }
        )

    async def _look_for_another(self) -> None:
        """Return once no living foreign instance holds this gateway's name."""
        async with self._link_to(self._settings.mqtt, identifier=self._identifier("look")) as link:
            await link.subscribe(self._topics.status, qos=1)
            await link.subscribe(self._topics.health, qos=1)
            wait_s, foreign = LOOK_S, None
            while True:
                try:
                    async with asyncio.timeout(wait_s):
                        message = await anext(link.messages)
                except TimeoutError:
                    break
                if str(message.topic) == self._topics.status:
                    foreign = self._foreign(message.payload)
                    wait_s = DEAD_AFTER_S if foreign else LOOK_S
                    self._say_foreign(foreign and foreign[1])
            self._say_foreign(None)

    def _foreign(self, payload: object) -> tuple[str, str] | None:
        """Give since when and as what another instance is online, or None."""
        try:
            status = orjson.loads(payload if isinstance(payload, bytes) else b"")
            state, since, instance = status["state"], str(status["since"]), str(status["instance"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        return (since, instance) if state == "online" and instance != self._instance else None

    def _say_foreign(self, foreign: str | None) -> None:
        if foreign == self.foreign:
            return
        self.foreign = foreign
        self.tried.set()
        self._tell(
            Trouble(
                kind="outlet.foreign",
                subject="mqtt",
                present=foreign is not None,
                detail=f"another gateway is online as {self._topics.gateway!r}; this one keeps its MQTT"
                " outlet shut. Give one of them another name (site.gateway), or stop it."
                if foreign
                else "",
            )
        )

    async def _hold(self) -> None:
        self._since = iso(self._clock.now().wall_ns)
        will = will_of(self._topics.status, self._status("offline"), STATUS_SCHEMA)
        async with self._link_to(self._settings.mqtt, identifier=self._identifier("out"), will=will) as link:
            await self._tell_status(link)
            # As published: else a broker hides from who is connected that a command was sent as retained.
            as_published = SubscribeOptions(qos=1, retainAsPublished=True)
            await link.subscribe(self._topics.commands, options=as_published)
            await link.subscribe(self._topics.status, qos=1)
            self._link, self.reason = link, ""
            self._shown_devices.clear()
            self._connected()
            self.tried.set()
            try:
                await together(
                    self._listen(link),
                    self._tell_unkept(link),
                    self._again(link),
                    self._beside("health", self._tell_health(link)),
                    self._beside("devices", self._tell_devices(link)),
                    self._beside("discovery", self._announce(link)),
                    self._until_lost(link),
                )
            finally:
                self._link = None
                if not link.is_lost:
                    await self._farewell(link)

    async def _farewell(self, link: Link) -> None:
        """Say offline: a graceful disconnection sends no will."""
        try:
            async with asyncio.timeout(1):
                if self.foreign is None:
                    await link.send(
                        self._topics.status,
                        self._status("offline"),
                        retain=True,
                        properties=properties_of(STATUS_SCHEMA),
                    )
        except (TimeoutError, OutletDown, PublishRefused) as failed:
            log.info("could not say offline on MQTT: %s", failed)

    async def _beside(self, what: str, work: Awaitable[None]) -> None:
        """Do what is no alert. Where it fails by a mistake of ours it rests until the next connection."""
        try:
            await work
        except (aiomqtt.MqttError, OutletDown, OSError):
            raise
        except Exception:  # contained: it must not cost alerts their connection
            log.exception("MQTT outlet: %s cannot be told", what)

    async def _until_lost(self, link: Link) -> None:
        await link.lost()
        raise OutletDown("the connection to the broker broke")

    async def _listen(self, link: Link) -> None:
        async for message in link.messages:
            topic = str(message.topic)
            if topic == self._topics.status:
                await self._meet(link, self._foreign(message.payload))
                continue
            alert = self._topics.command_alert(topic)
            if alert is not None:
                await answer_command(link, message, alert, self._command)

    async def _meet(self, link: Link, foreign: tuple[str, str] | None) -> None:
        """Settle who keeps the name when both came at once: who was first; both see it alike."""
        if foreign is None:
            return
        if foreign < (self._since, self._instance):
            self._say_foreign(foreign[1])
            raise OutletDown("another gateway is online under the same name")
        await self._tell_status(link)

    async def _tell_status(self, link: Link) -> None:
        online = self._status("online")
        await self._publish(link, self._topics.status, online, retain=True, schema=STATUS_SCHEMA)

    async def _tell_health(self, link: Link) -> None:
        while True:
            health = orjson.dumps(self._health())
            await self._publish(link, self._topics.health, health, retain=True, schema="velgate/health/1")
            duty = orjson.dumps(self._duty())
            await self._publish(link, self._topics.duty, duty, retain=True, schema="velgate/duty/1")
            await asyncio.sleep(HEALTH_EVERY_S)

    async def _tell_devices(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = {device["device"]: device for device in self._devices()}
            for name, device in now.items():
                shown, since = self._shown_devices.get(name, ({}, -DEVICE_AGAIN_S))
                due = loop.time() - since >= DEVICE_AGAIN_S
                if device != shown and (due or _but_moving(device) != _but_moving(shown)):
                    body = orjson.dumps(device)
                    topic = self._topics.device(name)
                    await self._publish(link, topic, body, retain=True, schema="velgate/device/1")
                    self._shown_devices[name] = (device, loop.time())
            for gone in self._shown_devices.keys() - now.keys():
                del self._shown_devices[gone]
                await link.send(self._topics.device(gone), b"", retain=True)
            await asyncio.sleep(DEVICES_EVERY_S)

    async def _again(self, link: Link) -> None:
        """Publish every open alert: the broker may have lost what it retained."""
        for known in self._open_alerts():
            try:
                async with self._alerts_in_turn:
                    # As it is by now: its lane may have told its end meanwhile, after which nobody clears it.
                    # It hears of that with the commit; what is open is noted a little later.
                    alert = next((each for each in self._open_alerts() if each.id == known.id), None)
                    if alert is not None and alert.rev >= self._told.get(alert.id, 0):
                        # The lane of new alerts waits for its turn meanwhile.
                        async with asyncio.timeout(AGAIN_WITHIN_S):
                            await self._send_alert(link, alert)
            except TimeoutError:
                late = f"the broker confirmed no open alert within {AGAIN_WITHIN_S:g} s"
                raise OutletDown(late) from None
            except PublishRefused as refused:
                log.warning("the broker refused an alert: %s", refused.reason)

    async def _tell_unkept(self, link: Link) -> None:
        """Tell what the disk holds up. Not retained: should it never be kept, nobody would clear it."""
        while True:
            while self._unkept:
                name, alert = next(iter(self._unkept.items()))
                body = orjson.dumps(alert.document(durable=False))
                async with self._alert_slots:
                    await self._publish(
                        link, self._topics.alert(name), body, retain=False, schema="velgate/alert/1"
                    )
                if self._unkept.get(name) is alert:
                    del self._unkept[name]
            self._unkept_news.clear()
            await self._unkept_news.wait()

    async def _announce(self, link: Link) -> None:
        """Tell Home Assistant what there is, where that is wanted, and again when there is more."""
        self._announced.clear()
        while self._settings.mqtt.discovery:
            series: dict[str, list[Record]] = {}
            for record in self._latest():
                if record.device in self._settings.device and self._stands(record):
                    series.setdefault(record.device, []).append(record)
            for device, records in series.items():
                body = orjson.dumps(discovery(self._settings, self._topics, device, records))
                if self._announced.get(device) != body:
                    self._announced[device] = body
                    await self._publish(link, discovery_topic(self._settings, device), body, retain=True)
            await asyncio.sleep(ANNOUNCE_EVERY_S)
        await asyncio.Event().wait()

    async def _publish(
        self, link: Link, topic: str, body: bytes, *, retain: bool, schema: str | None = None
    ) -> None:
        try:
            await link.send(topic, body, retain=retain, properties=properties_of(schema))
        except PublishRefused as refused:
            log.warning("the broker refused %s: %s", topic, refused.reason)

    # What the deliveries send

    def _up(self) -> Link:
        if self._link is None:
            raise OutletDown(self.reason or "not connected")
        return self._link

    async def send_readings(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Send measurements and states, in order within each topic."""
        link = self._up()
        newest = {record.id for record in self._latest()} if rows.end < rows.head else None
        last = {self._topics.reading(record): record.id for _, record in rows.rows}
        refused: list[Refused] = []

        async def send(topic: str, of_topic: list[tuple[int, Record]]) -> None:
            for seq, record in of_topic:
                retain = record.id in newest if newest is not None else last[topic] == record.id
                async with self._reading_slots:
                    await self._send_reading(link, topic, seq, record, retain=retain, refused=refused)

        by_topic: dict[str, list[tuple[int, Record]]] = {}
        for seq, record in rows.rows:
            by_topic.setdefault(self._topics.reading(record), []).append((seq, record))
        waiting = iter(by_topic.items())

        async def work() -> None:
            for topic, of_topic in waiting:
                await send(topic, of_topic)

        # As many tasks as slots: one for each of hundreds of topics would hold up the loop when they start.
        await together(*(work() for _ in range(min(READING_SLOTS, len(by_topic)))))
        return refused

    async def send_events(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Send events, one after the other, never retained."""
        link = self._up()
        refused: list[Refused] = []
        for seq, record in rows.rows:
            async with self._alert_slots:
                await self._send_reading(
                    link, self._topics.reading(record), seq, record, retain=False, refused=refused
                )
        return refused

    async def _send_reading(
        self, link: Link, topic: str, seq: int, record: Record, *, retain: bool, refused: list[Refused]
    ) -> None:
        expiry = MEASUREMENT_EXPIRY_S if record.kind is Kind.MEASUREMENT else None
        try:
            await link.send(
                topic,
                orjson.dumps(record.document()),
                retain=retain and self._stands(record),
                properties=properties_of("velgate/reading/1", expiry_s=expiry),
            )
        except PublishRefused as answer:
            refused.append(Refused(seq, record.id, answer.reason, record.device, record.quantity))

    async def send_alerts(self, rows: Rows[Alert]) -> Sequence[Refused]:
        """Send each state of each alert in order; of a backlog's equal alerts the newest state only."""
        link = self._up()
        newest = {alert.id: seq for seq, alert in rows.rows}
        refused: list[Refused] = []
        for seq, alert in rows.rows:
            if rows.end < rows.head and newest[alert.id] != seq:
                continue
            try:
                async with self._alert_slots:
                    await self._publish_alert(link, alert)
            except PublishRefused as answer:
                refused.append(Refused(seq, alert.id, answer.reason, alert.device))
        return refused

    async def _publish_alert(self, link: Link, alert: Alert) -> None:
        async with self._alerts_in_turn:
            self._told[alert.id] = max(alert.rev, self._told.pop(alert.id, 0))
            if len(self._told) > TOLD_MAX:
                del self._told[next(iter(self._told))]
            await self._send_alert(link, alert)

    async def _send_alert(self, link: Link, alert: Alert) -> None:
        topic = self._topics.alert(alert.id)
        over = alert.open and all(each.id != alert.id for each in self._open_alerts())
        nameless = alert.nameless(self._clock.now(), over=over)  # after days without a broker
        body = orjson.dumps(alert.document(anonymous=nameless))
        await link.send(topic, body, retain=alert.open, properties=properties_of("velgate/alert/1"))
        if not alert.open:
            await link.send(topic, b"", retain=True)

    def tell_unkept(self, alert: Alert) -> None:
        """Tell an alert that the disk has not taken in time, as soon as the broker is there."""
        self._unkept.pop(alert.id, None)
        self._unkept[alert.id] = alert
        if len(self._unkept) > UNKEPT_MAX:
            del self._unkept[next(iter(self._unkept))]
        self._unkept_news.set()

    def kept(self, alerts: Iterable[str]) -> None:
        """Note that these are kept by now: their lane tells them, and nothing older may follow."""
        for name in alerts:
            self._unkept.pop(name, None)

    async def publish(self, topic: str, body: bytes) -> None:
        """Publish for a channel, at QoS 1, not retained. Raises OSError where the broker does not take it."""
        try:
            await self._up().send(topic, body, properties=properties_of(None))
        except (OutletDown, PublishRefused) as failed:
            raise OSError(str(failed)) from None

    async def clear(self, records: Sequence[Record], devices: Sequence[str] = ()) -> None:
        """Clear what is retained of these readings and devices: renamed, removed, or without basis now."""
        link = self._up()
        for record in records:
            await link.send(self._topics.reading(record), b"", retain=True)
        for device in devices:
            self._shown_devices.pop(device, None)
            if self._settings.mqtt.discovery:
                self._announced.pop(device, None)
                await link.send(discovery_topic(self._settings, device), b"", retain=True)
            await link.send(self._topics.device(device), b"", retain=True)


def _but_moving(device: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in device.items() if key not in {"last_seen", "signal"}}
