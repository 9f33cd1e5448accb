"""A gateway of the bench's own: real broker, simulated air, and a clock on what comes out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from support.board_house import pin_hash
from support.children import die_with_parent, end, free_port
from support.mosquitto import Mosquitto, mosquitto
from support.simulator import Simulator, simulator

BIN = Path(sys.executable).parent
BUTTONS = 10
PERSON = "BM"
TOKEN = "a-token-of-the-bench-0123456789"
"""The bearer token of that person."""
HERE = Path(__file__).parent


@dataclass(slots=True)
class Gateway:
    """A running gateway with what stands around it."""

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]
    start_s: float
    sim: Simulator
    broker: Mosquitto
    state: Path

    async def lag(self, outlet: str) -> int:
        """Tell how many rows wait for an outlet."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(self.ready["socket"])) as client,
            client.get("http://gateway/api/v1/health") as answer,
        ):
            health = await answer.json()
        return next(int(each["lag"]) for each in health["outlets"] if each["name"] == outlet)

    def rss_mb(self) -> float:
        """Give its resident memory."""
        for text in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if text.startswith("VmRSS:"):
                return int(text.split()[1]) / 1024
        raise RuntimeError("the kernel tells no VmRSS")

    def cpu_s(self) -> float:
        """Give the processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scenario() -> str:
    """Write a scenario of call buttons alone."""
    devices = [
        f'[[device]]\nname = "kald-{n:02d}"\nkind = "call-button"\n'
        f'address = "A4:C1:38:01:00:{n:02X}"\nplace = "room-{n:02d}"\n'
        for n in range(BUTTONS)
    ]
    return 'title = "Bench"\n\n' + "\n".join(devices)


def write_config(folder: Path, broker: Mosquitto, *, load: int, influx: str | None) -> None:
    """Write a configuration with the buttons and the load devices."""
    folder.mkdir()
    login = broker.login()
    places = "".join(f'place.room-{n:02d} = {{label = "Bolig {n}"}}\n' for n in range(BUTTONS))
    buttons = "".join(
        f'[device.kald-{n:02d}]\naddress = "A4:C1:38:01:00:{n:02X}"\nplace = "room-{n:02d}"\n'
        'driver = "bthome"\nprofile = "call-button"\nheard_every = "1h"\n'
        for n in range(BUTTONS)
    )
    loads = "".join(
        f'[device.{each["name"]}]\naddress = "{each["address"]}"\nplace = "room-00"\ndriver = "bthome"\n'
        for each in load_devices(load)
    )
    where = f'influx = {{url = "{influx}", bucket = "b"}}\n' if influx else ""
    (folder / "gateway.toml").write_text(
        'site = {municipality = "bench", home = "home", gateway = "gw-1"}\n'
        f'mqtt = {{host = "127.0.0.1", port = {login["port"]}, username = "{login["username"]}"}}\n'
        f"board = {{port = {free_port()}}}\n"
        f'person.{PERSON} = {{roles = ["care", "technician"]}}\n'
        f"{where}{places}{buttons}{loads}"
    )
    secrets = folder / "secrets.toml"
    secrets.touch(0o600)
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    secrets.write_text(
        f'mqtt = {{password = "{login["password"]}"}}\n'
        f'person.{PERSON} = {{pin = "{pin_hash()}", token = "{token}"}}\n'
    )


def load_devices(count: int) -> list[dict[str, Any]]:
    """Ask the simulator what its load devices are called."""
    command = [str(BIN / "velgate-sim"), "devices", "--devices", str(count), "--json"]
    answer = subprocess.run(command, capture_output=True, check=True)
    devices: list[dict[str, Any]] = orjson.loads(answer.stdout)["devices"]
    return devices[-count:] if count else []


@contextmanager
def gateway(
    folder: Path,
    *,
    load: int = 0,
    rate: float = 1.0,
    influx: str | None = None,
    sync_ms: int = 0,
) -> Iterator[Gateway]:
    """Run a gateway for the length of the block, with `load` devices that speak `rate` times a second."""
    env = dict(os.environ)
    if sync_ms:
        library = folder / "slow_disk.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "slow_disk.c"), "-ldl"],
            check=True,
        )
        env |= {"LD_PRELOAD": str(library), "VELGATE_BENCH_SYNC_MS": str(sync_ms)}
    options = ["--devices", str(load), "--rate", str(rate)] if load else []
    with mosquitto(folder) as broker, simulator(folder, scenario(), options=options) as sim:
        write_config(folder / "config", broker, load=load, influx=influx)
        command = [str(BIN / "velgate"), "run", "--json"]
        command += ["--config", str(folder / "config"), "--state", str(folder / "state")]
        began = time.monotonic()
        with (folder / "gateway.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env=env | {"DBUS_SYSTEM_BUS_ADDRESS": sim.bus},
                preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone, which take no lock)
            )
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            if not first:
                raise RuntimeError((folder / "gateway.log").read_text()[-2000:])
            took_s = time.monotonic() - began
            yield Gateway(process, orjson.loads(first), took_s, sim, broker, folder / "state")
        finally:
            end(process, within_s=12)
