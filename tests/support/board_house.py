"""A staff page for tests: real journal, real alerts, real HTTP server, in this process and in real time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from gateway.alerts.channels.base import Channel
from gateway.alerts.engine import AlertEngine
from gateway.board.house import House
from gateway.board.serve import Doors, serve
from gateway.journal.journal import Journal
from gateway.model import quantities
from gateway.model.alert import Alert
from gateway.model.clock import NS, ClockQuality, Instant, iso
from gateway.model.ids import uuid7
from gateway.model.problem import Finding
from gateway.model.readings import Guard, Kind, Record, Value
from gateway.model.rows import Basis
from gateway.model.trouble import Trouble
from gateway.settings.models import Settings
from support.eventually import eventually
from support.rule_house import home_settings, no_driver

PIN = "4071"
TOKEN = "a-bearer-token-of-the-tests"
ROOMS = tuple(range(1, 41))


@cache
def pin_hash(pin: str = PIN) -> str:
    """Hash a PIN with little work (n = 2^4), for tests of what is not the hash itself."""
    salt = b"salt of the tests"
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=16, r=8, p=1, dklen=32)
    return f"scrypt$16$8$1${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def board_settings(*overlays: Mapping[str, Any]) -> Settings:
    """Make a home of forty rooms with the people AB and CD (care), TK (technician) and DP (protection)."""
    care = {"roles": ["care"], "pin": pin_hash()}
    tree: dict[str, Any] = {
        "site": {"title": "Solhjem", "phone": "0000"},
        "place": {f"room-{n:02d}": {"label": f"Bolig {n}"} for n in ROOMS}
        | {"bath-02": {"label": "Bad, bolig 2", "kind": "bath", "within": "room-02"}},
        "device": {
            f"kald-{n:02d}": {
                "address": f"A4:C1:38:00:01:{n:02X}",
                "place": f"room-{n:02d}",
                "profile": "call-button",
            }
            for n in ROOMS
        }
        | {
            "kald-02-bad": {
                "address": "A4:C1:38:00:02:01",
                "place": "bath-02",
                "profile": "call-button",
            },
            "fald-02": {"address": "A4:C1:38:00:02:02", "place": "room-02", "profile": "fall-pendant"},
        },
        "person": {
            "AB": {
                **care,
                "rights": ["see_values", "audit", "basis", "enrol"],
                "token": hashlib.sha256(TOKEN.encode()).hexdigest(),
            },
            "CD": care,
            "TK": {"roles": ["technician"], "pin": pin_hash(), "language": "en"},
            "DP": {"roles": ["protection"], "rights": ["audit"], "pin": pin_hash()},
        },
        "group": {"nat": {"label": "Nat øst", "persons": ["AB", "CD"]}},
        "board": {"port": 0},
        "alerts": {"tests": {"enabled": False}},  # whatever time of day it is while the tests run
    }
    return home_settings(tree, *overlays)


@dataclass
class BoardClock:
    """The machine's time with a quality that a test sets, and a boot of the test's own."""

    quality: ClockQuality = ClockQuality.SYNCED
    ahead_s: float = 0.0
    """How far wall and monotonic time are ahead of the machine's."""

    def now(self) -> Instant:
        """Give the present moment."""
        ahead_ns = round(self.ahead_s * NS)
        return Instant(
            time.time_ns() + ahead_ns, time.monotonic_ns() + ahead_ns, "boot-of-the-test", self.quality
        )


@dataclass
class BoardHouse:
    """One home with its staff page. `open_board` makes it."""

    state: Path
    settings: Settings
    clock: BoardClock = field(default_factory=BoardClock)
    url: str = ""
    port: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=dict)
    ready: bool = True
    accepted: list[str] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    numbers: Any = field(default_factory=lambda: count(1))
    heard: dict[str, Any] = field(default_factory=dict)

    async def open(self) -> None:
        """Open the journal, start the alerts and serve."""
        self.journal = await Journal.open(self.state, self.clock, self.told)
        random = Random(1)
        self.engine = AlertEngine(
            journal=self.journal,
            settings=self.settings,
            clock=self.clock,
            new_id=uuid7,
            random=random,
            channels=self.channels,
            driver_of=no_driver,
            heard=lambda: self.heard,
            phones=self.phones,
        )
        await self.furnish()
        await self.journal.alarms.write(self._allow)
        await self.engine.start()
        self.rows = [self.row(name) for name in self.settings.device]
        self.health = self.good_health()
        self.tasks = [asyncio.create_task(self.engine.run()), asyncio.create_task(self.journal.run())]
        await self.start_serving()

    async def furnish(self) -> None:
        """Open what stands between the journal and the alerts: nothing here."""

    def channels(self, settings: Settings) -> Mapping[str, Channel]:
        """Make the channels: none here."""
        del settings
        return {}

    def phones(self, person: str) -> tuple[str, ...]:
        """Name the channels by which somebody's phones take pushes: none here."""
        del person
        return ()

    def _allow(self, ledger: Any) -> None:
        for concern in ("fall", "presence"):
            ledger.put_basis(
                Basis(
                    place="room-02",
                    concern=concern,
                    kind="consent",
                    until=date(2099, 1, 1),
                    case=None,
                    recorded=self.clock.now(),
                    by="AB",
                )
            )

    async def start_serving(self) -> None:
        """Serve the page; again on the same port after `stop_serving`."""
        opened: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()
        if self.port:
            board = self.settings.board.model_copy(update={"port": self.port})
            self.settings = self.settings.model_copy(update={"board": board})
        self.serving = asyncio.create_task(serve(self.house(), ready=opened.set_result))
        await asyncio.wait([self.serving, opened], return_when=asyncio.FIRST_COMPLETED)
        if self.serving.done():
            self.serving.result()
        doors = opened.result()
        self.url, self.socket = doors.url, doors.socket
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))

    async def stop_serving(self) -> None:
        """Stop the page; the alerts go on."""
        self.serving.cancel()
        with suppress(asyncio.CancelledError):
            await self.serving

    async def close(self) -> None:
        """Stop everything."""
        await self.stop_serving()
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.journal.close()

    def house(self) -> House:
        """Give what the board is given."""

        async def accept(device: str) -> None:
            self.accepted.append(device)

        async def reload() -> Sequence[Finding]:
            return self.findings

        return House(
            settings=lambda: self.settings,
            clock=self.clock,
            version="0.0.0",
            state=self.state,
            engine=self.engine,
            journal=self.journal,
            health=lambda: {**self.health, "alerts": self.counts()},
            devices=lambda: self.rows,
            ready=lambda: self.ready,
            accept=accept,
            reload=reload,
            on_air=lambda: [{"address": "A4:C1:38:00:00:09", "signal": -60}],
        )

    def row(self, name: str, **changes: Any) -> dict[str, Any]:
        """Give the row of a device that is well."""
        device = self.settings.device[name]
        return {
            "device": name,
            "place": device.place,
            "driver": "bthome",
            "available": True,
            "last_seen": iso(self.clock.now().wall_ns),
            "battery": 63,
            "signal": -61,
            "label": self.settings.label(device.place),
            "title": {"da": "Kaldeknap", "en": "Call button"},
            "silent": False,
            "refused": None,
            "battery_low": False,
            "battery_type": "CR2477",
            "calls": True,
            "pressed_only": True,
        } | changes

    def good_health(self) -> dict[str, Any]:
        """Give the health of a gateway that is well."""
        known = len(self.settings.device)
        return {
            "schema": "velgate/health/1",
            "time": iso(self.clock.now().wall_ns),
            "gateway": self.settings.site.gateway,
            "version": "0.0.0",
            "level": "ok",
            "uptime_s": 60,
            "clock": "synced",
            "adapters": [{"name": "hci0", "state": "up", "silent_s": 0.4}],
            "rooms": [{"name": "journal", "state": "running", "restarts": 0, "queue": 0}],
            "outlets": [{"name": "mqtt", "state": "up", "lag": 0, "aside": 0}],
            "journal": {"records": 12, "fsync_p99_ms": 6.1, "disk_free": 0.63},
            "devices": {"known": known, "heard": known},
            "drivers": {"quarantined": []},
        }

    def counts(self) -> dict[str, int]:
        """Count the open alerts as health does."""
        alerts = [shown.alert for shown in self.engine.open()]
        return {
            "unacknowledged": sum(a.handling == "unacknowledged" for a in alerts),
            "acknowledged": sum(a.handling == "acknowledged" for a in alerts),
            "technical": sum(a.priority == "technical" for a in alerts),
        }

    def record(self, device: str, quantity: str, value: Value, *, test: bool = False) -> Record:
        """Make a record of now."""
        now = self.clock.now()
        event = quantities.find(quantity, Kind.EVENT)
        kind = Kind.EVENT if event else Kind.STATE if isinstance(value, bool) else Kind.MEASUREMENT
        return Record(
            id=uuid7(now.wall_ns),
            device=device,
            place=self.settings.device[device].place,
            quantity=quantity,
            kind=kind,
            value=value,
            unit=None,
            channel=None,
            time_ns=now.wall_ns,
            at=now,
            driver="bthome/1.0.0",
            test=test,
        )

    async def press(
        self, device: str = "kald-12", word: str = "press", quantity: str = "help_call", *, test: bool = False
    ) -> Alert:
        """Press a button, and give the alert that it raised or joined."""
        record = self.record(device, quantity, word, test=test)
        guard = Guard(device, "sequence", str(next(self.numbers)), self.clock.now())
        await self.engine.event([record], [guard])

        def raised() -> Alert | None:
            found = (s.alert for s in self.engine.open() if record.id in s.alert.readings and s.durable)
            return next(found, None)

        alert = await eventually(raised)
        assert alert is not None
        return alert

    async def does(self, alert: Alert | str, action: str, by: str = "AB", **fields: Any) -> Alert:
        """Let a person do something, past the page."""
        name = alert if isinstance(alert, str) else alert.id
        return await self.engine.act(name, action, by=by, source="test", fields=fields)

    async def audit(self) -> list[tuple[str, str | None]]:
        """Give the audit log: what, by whom."""
        rows = await self.journal.alarms.read(lambda ledger: ledger.audit_entries(0, 1000))
        return [(row.what, row.by) for row in rows]

    def told(self, trouble: Trouble) -> None:
        """Take what the journal tells."""
        self.engine.trouble(trouble)

    def later(self, **span: float) -> None:
        """Let the clock be ahead by so much more."""
        self.clock.ahead_s += timedelta(**span).total_seconds()


@asynccontextmanager
async def open_board(state: Path, *overlays: Mapping[str, Any]) -> AsyncIterator[BoardHouse]:
    """Open a home with its staff page on a free port."""
    house = BoardHouse(state / "state", board_settings(*overlays))
    await house.open()
    try:
        yield house
    finally:
        await house.close()
