"""`velgate run` as a child process, on a radio and a broker of the test's own that outlive it.

    with home(tmp_path, [BUTTON]) as house:
        gateway = house.start()
        house.do("kald-01", "press")
        alert = await gateway.alert_of("kald-01")
        gateway.kill()

The configuration is written by the test; what it does not say is a small home whose timers are the base's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import aiomqtt
import tomlkit

from firmware_sim.catalogue import entries
from firmware_sim.scenario import parse_scenario
from support.children import die_with_parent, end
from support.eventually import WITHIN_S, eventually, eventually_blocking
from support.mosquitto import PASSWORD, USER, Mosquitto, mosquitto
from support.sim_world import simulator_process
from support.simulator import Simulator

BIN = Path(sys.executable).parent
READY_WITHIN_S = 90.0
MUNICIPALITY, HOME, GATEWAY = "kommune-t", "huset", "gw-1"
ROOT = f"velgate/v1/{MUNICIPALITY}/{HOME}"
TOKEN = "a-token-of-the-tests-0123456789"
"""The bearer token of the person `ab`."""
PERSON = "ab"

Tables = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One simulated device; `told` is what the configuration says of it beside driver, profile and place."""

    name: str
    kind: str
    address: str | None = None
    key: str | None = None
    place: str = "room-01"
    interval: float | None = None
    told: Tables = field(default_factory=dict)
    unknown: bool = False
    """It speaks, and the configuration does not know it (yet)."""


def button(number: int, place: str | None = None, **more: Any) -> Simulated:
    """Make a call button `kald-NN` of its own dwelling."""
    return Simulated(
        name=f"kald-{number:02d}",
        kind="call-button",
        address=f"A4:C1:38:00:01:{number:02X}",
        place=place or f"room-{number:02d}",
        **more,
    )


BUTTON = button(1)


def scenario_of(devices: Sequence[Simulated]) -> str:
    """Write the simulator's scenario."""
    rows = []
    for each in devices:
        row: dict[str, Any] = {"name": each.name, "kind": each.kind, "place": each.place}
        row |= {
            key: value
            for key, value in (("address", each.address), ("key", each.key), ("interval", each.interval))
            if value is not None
        }
        rows.append(row)
    return tomlkit.dumps({"device": rows})


def merged(below: Tables, over: Tables) -> dict[str, Any]:
    """Lay one table over another, table by table; None takes a key away."""
    both = dict(below)
    for key, value in over.items():
        known = both.get(key)
        if value is None:
            both.pop(key, None)
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            both[key] = merged(known, value)
        else:
            both[key] = value
    return both


def policies(*steps_s: float, targets: Sequence[str] = ("page",)) -> dict[str, Any]:
    """Write `alerts` so that every call goes to `targets`, each step after so many seconds."""
    steps = [{"targets": list(targets), "after": f"{after:g}s"} for after in steps_s]
    return {"policies": {name: {"steps": steps} for name in ("emergency", "call", "high")}}


class Config:
    """A configuration folder that the test writes, and may write anew for a reload."""

    def __init__(self, folder: Path, tables: Tables, secrets: Tables) -> None:
        """Write it."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._tables, self._secrets = dict(tables), dict(secrets)
        self._write()

    def change(self, tables: Tables, secrets: Tables | None = None) -> None:
        """Lay something over it and write it anew."""
        self._tables, self._secrets = merged(self._tables, tables), merged(self._secrets, secrets or {})
        self._write()

    def spoil(self, text: str) -> None:
        """Append a text to it as it stands; the next `change` takes it away again."""
        with (self.folder / "gateway.toml").open("a") as file:
            file.write(text)

    def _write(self) -> None:
        for name, mode, tables in (
            ("secrets.toml", 0o600, self._secrets),
            ("gateway.toml", 0o644, self._tables),
        ):
            fresh = self.folder / f"{name}.new"  # whole or not at all, as every editor writes
            fresh.touch(mode)
            fresh.write_text(tomlkit.dumps(tables))
            fresh.replace(self.folder / name)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the stream, and when it was read (monotonic seconds)."""

    event: str
    id: int | None
    data: dict[str, Any]
    at_s: float


class Stream:
    """The event stream as a client sees it; everything is kept, and `seen` waits for more."""

    def __init__(self, gateway: Gateway, path: str = "/api/v1/stream") -> None:
        """`async with` opens it."""
        self._gateway, self._path = gateway, path
        self.told: list[Told] = []
        self.raw = b""

    async def __aenter__(self) -> Self:
        """Open it, and wait until the gateway has let it in."""
        self._client = self._gateway.client(timeout_s=None)
        self._answer = await self._client.get(f"http://gateway{self._path}")
        assert self._answer.status == 200, await self._answer.text()
        self._reading = asyncio.create_task(self._read())
        await self.seen("beat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._answer.close()
        await self._client.close()

    async def _read(self) -> None:
        lines: list[str] = []
        try:
            async for line in self._answer.content:
                self.raw += line
                text = line.decode().rstrip("\n")
                if text:
                    lines.append(text)
                    continue
                fields = dict(each.partition(": ")[::2] for each in lines)
                lines = []
                if "event" in fields:
                    number = int(fields["id"]) if "id" in fields else None
                    data = json.loads(fields["data"])
                    self.told.append(Told(fields["event"], number, data, time.monotonic()))
        except aiohttp.ClientError:
            return  # the gateway was killed

    async def ended(self) -> None:
        """Wait until everything that a killed gateway had sent has been read."""
        await asyncio.wait([self._reading])

    def alerts(self, device: str | None = None) -> list[dict[str, Any]]:
        """Give each state of each alert that was told, of one device where that is named."""
        every = (each.data for each in self.told if each.event == "alert")
        return [alert for alert in every if device is None or alert["device"] == device]

    async def seen(self, event: str, within_s: float = WITHIN_S, **wanted: Any) -> Told:
        """Wait for an event whose data has these values."""

        def look() -> Told | None:
            for each in self.told:
                if each.event == event and wanted.items() <= each.data.items():
                    return each
            return None

        return await eventually(look, within_s=within_s)


class Gateway:
    """One life of `velgate run --json`."""

    def __init__(self, folder: Path, config: Config, state: Path, env: Mapping[str, str]) -> None:
        """Start it, without waiting for it."""
        self.folder, self.config, self.state = folder, config, state
        self.ready: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            str(BIN / "velgate"), "run", "--json", "--config", str(config.folder), "--state", str(state),
        ]  # fmt: skip
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("ab") as err:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **env},
                preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
            )

    # Its life

    def wait_until_ready(self) -> None:
        """Wait for the ready line."""

        def line() -> dict[str, Any] | None:
            text = (self.folder / "stdout").read_text()
            if self.process.poll() is not None and "\n" not in text:
                raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.log()}")
            document: dict[str, Any] | None = json.loads(text.splitlines()[0]) if "\n" in text else None
            return document

        ready = eventually_blocking(line, within_s=READY_WITHIN_S)
        assert ready is not None
        self.ready = ready

    def log(self) -> str:
        """What it has said on stderr, of all lives in this folder."""
        return (self.folder / "stderr").read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = WITHIN_S) -> int:
        """Ask it to end, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def reload(self) -> None:
        """Ask it to read its configuration anew."""
        self.process.send_signal(signal.SIGHUP)

    # What it answers

    def client(self, timeout_s: float | None = 15.0) -> aiohttp.ClientSession:
        """A client over the Unix socket, as the command line has it."""
        return aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self.state / "velgate.sock")),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        )

    async def get(self, path: str) -> Any:
        """Get a document over the socket."""
        async with self.client() as client, client.get(f"http://gateway{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def text(self, path: str) -> tuple[int, str]:
        """Get a text over the socket, with its status."""
        async with self.client() as client, client.get(f"http://gateway{path}") as answer:
            return answer.status, await answer.text()

    async def act(self, alert: str, action: str, by: str = PERSON, **fields: Any) -> tuple[int, Any]:
        """Do something about an alert over the socket; gives status and document."""
        path = f"http://gateway/api/v1/alerts/{alert}/{action}"
        async with self.client() as client, client.post(path, json={"by": by, **fields}) as answer:
            return answer.status, await answer.json(content_type=None)

    async def alerts(self, state: str = "open") -> list[dict[str, Any]]:
        """Give the alerts of residents."""
        return [one for one in await self.every_alert(state) if one["concern"] != "technical"]

    async def every_alert(self, state: str = "open") -> list[dict[str, Any]]:
        """Give all alerts."""
        page: dict[str, list[dict[str, Any]]] = await self.get(f"/api/v1/alerts?state={state}&limit=1000")
        return page["alerts"]

    async def alert_of(self, device: str, within_s: float = WITHIN_S, **wanted: Any) -> dict[str, Any]:
        """Wait for the one open alert of a resident's device, in a state that is kept and has these values.

        Kept, for on a busy machine the disk may take longer than the telling, and nobody can take it before.
        """
        wanted = {"durable": True, **wanted}

        async def look() -> dict[str, Any] | None:
            found = [one for one in await self.alerts() if one["device"] == device]
            assert len(found) <= 1, found
            return found[0] if found and wanted.items() <= found[0].items() else None

        return await eventually(look, within_s=within_s)

    async def trouble(self, kind: str, within_s: float = WITHIN_S) -> dict[str, Any]:
        """Wait for the one open alert of the gateway's own of this kind."""

        async def look() -> dict[str, Any] | None:
            found = [one for one in await self.every_alert() if one["kind"] == kind]
            assert len(found) <= 1, found
            return found[0] if found else None

        return await eventually(look, within_s=within_s)

    async def trouble_over(self, kind: str, within_s: float = WITHIN_S) -> None:
        """Wait until no alert of this kind is open."""

        async def look() -> bool:
            return all(one["kind"] != kind for one in await self.every_alert())

        await eventually(look, within_s=within_s)

    async def adapter_is(self, state: str | None, within_s: float = WITHIN_S) -> None:
        """Wait for a state of the adapter in the health document."""

        async def look() -> bool:
            found: bool = (await self.get("/api/v1/health"))["adapters"][0]["state"] == state
            return found

        await eventually(look, within_s=within_s)

    async def outlet_is(self, state: str, within_s: float = WITHIN_S) -> None:
        """Wait for a state of the MQTT outlet in the health document."""

        async def look() -> bool:
            outlets = (await self.get("/api/v1/health"))["outlets"]
            return any(each["name"] == "mqtt" and each["state"] == state for each in outlets)

        await eventually(look, within_s=within_s)

    async def readings(self, query: str) -> list[dict[str, Any]]:
        """Give the history that a query asks for, all pages of it."""
        rows: list[dict[str, Any]] = []
        path: str | None = f"/api/v1/readings?{query}&limit=1000"
        while path:
            page = await self.get(path)
            rows += page["readings"]
            path = page["next"] and f"/api/v1/readings?{query}&limit=1000&after={page['next']}"
        return rows

    def stream(self, path: str = "/api/v1/stream") -> Stream:
        """The event stream."""
        return Stream(self, path)


class Home:
    """A radio, a broker and a configuration; gateways are started in it and may die."""

    def __init__(
        self,
        folder: Path,
        devices: Sequence[Simulated],
        simulator: Simulator,
        broker: Mosquitto | None,
        settings: Tables,
    ) -> None:
        """Use `home(...)`."""
        self.folder, self.devices, self.simulator = folder, devices, simulator
        self._broker = broker
        self._settings = settings
        self._gateways: list[Gateway] = []

    @property
    def broker(self) -> Mosquitto:
        """The broker."""
        assert self._broker is not None
        return self._broker

    def do(self, device: str, action: str, value: str | None = None) -> float:
        """Act on a simulated device, or on the adapter; gives when its first frame was sent (Unix s)."""
        sent: float = self.simulator.do(device, action, value)["sent"]
        return sent

    def config(self, name: str = "config", settings: Tables | None = None) -> Config:
        """Write a configuration; `settings` lie over those of the home."""
        known = [each for each in self.devices if not each.unknown]
        rows = entries(parse_scenario(scenario_of(known), "the test's").devices)
        devices = {each.name: told(each, row) for each, row in zip(known, rows, strict=True)}
        tables = merged(
            {
                "site": {"municipality": MUNICIPALITY, "home": HOME, "gateway": GATEWAY},
                "place": {each.place: {"label": f"Bolig {each.place[-2:]}"} for each in self.devices},
                "person": {
                    PERSON: {"roles": ["care", "technician"], "rights": ["see_values", "audit", "basis"]},
                    "cd": {"roles": ["care"]},
                },
                "board": {"host": "127.0.0.1", "port": 0},
                "alerts": {"tests": {"enabled": False}},  # whatever time of day it is while tests run
                "device": devices,
            },
            self._settings,
        )
        secrets: dict[str, Any] = {
            "person": {PERSON: {"token": hashlib.sha256(TOKEN.encode()).hexdigest()}},
            "device": {each.name: {"key": each.key} for each in known if each.key},
        }
        if self._broker is not None:
            host, port = self.broker.host, self.broker.port
            tables = merged(
                {"mqtt": {"host": host, "port": port, "username": USER, "unsigned_commands": True}}, tables
            )
            secrets["mqtt"] = {"password": PASSWORD}
        secrets = merged(secrets, tables.pop("secrets", {}))
        return Config(self.folder / name, merged(tables, settings or {}), secrets)

    def start(
        self,
        name: str = "gateway",
        *,
        config: Config | None = None,
        settings: Tables | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Gateway:
        """Start a gateway, or the same anew: `name` stands for its state folder and its log."""
        gateway = self.spawn(name, config=config, settings=settings, env=env)
        gateway.wait_until_ready()
        return gateway

    def spawn(
        self,
        name: str = "gateway",
        *,
        config: Config | None = None,
        settings: Tables | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Gateway:
        """Start it as `start` does, and wait for nothing."""
        before = next((each for each in reversed(self._gateways) if each.folder.name == name), None)
        if config is None:
            config = before.config if before and settings is None else self.config(f"{name}-config", settings)
        gateway = Gateway(
            self.folder / name,
            config,
            self.folder / f"{name}-state",
            {"DBUS_SYSTEM_BUS_ADDRESS": self.simulator.bus, **(env or {})},
        )
        self._gateways.append(gateway)
        return gateway

    def mqtt(self, **more: Any) -> aiomqtt.Client:
        """A client of the broker that is not the gateway's."""
        return aiomqtt.Client(**self.broker.login(), protocol=aiomqtt.ProtocolVersion.V5, **more)

    def close(self) -> None:
        """End every gateway that still runs."""
        for gateway in self._gateways:
            end(gateway.process, within_s=15)


def told(device: Simulated, row: Tables) -> dict[str, Any]:
    """Write what the configuration says of a device."""
    entry = {key: row[key] for key in ("address", "topic", "place", "driver", "profile") if row[key]}
    return {**entry, "heard_every": f"{row['interval']:g}s", **device.told}


@contextmanager
def home(
    folder: Path,
    devices: Sequence[Simulated] = (BUTTON,),
    *,
    settings: Tables | None = None,
    broker: bool = True,
    simulator: Sequence[str] = (),
) -> Iterator[Home]:
    """Run radio and broker for the length of the block; gateways started in it end with it.

    `settings` lie over the home's configuration (`secrets` in them goes to `secrets.toml`); `simulator` are
    further options of `velgate-sim run`.
    """
    scenario = folder / "scenario.toml"
    scenario.write_text(scenario_of(devices))
    with ExitStack() as stack:
        runs = stack.enter_context(mosquitto(folder, persistence=True)) if broker else None
        zigbee = ["--mqtt", f"{runs.host}:{runs.port}", "--mqtt-username", USER] if runs else []
        options = [str(scenario), "--quiet", *zigbee, *simulator]
        child = stack.enter_context(
            simulator_process(*options, runtime=folder, VELGATE_SIM_MQTT_PASSWORD=PASSWORD)
        )
        house = Home(folder, devices, Simulator(child.process, child.ready), runs, settings or {})
        stack.callback(house.close)
        yield house
