"""The programs beside the demo: a broker and the simulated devices. They die with it, however it ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.model.problem import Exit, Problem

READY_WITHIN_S = 30.0
END_WITHIN_S = 4.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """Run in the child: the kernel ends it when the demo ends, also by kill -9. Source: prctl(2)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def port_or_free(wanted: int) -> int:
    """Give the wanted loopback port, or a free one where somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise Problem(
        "127.0.0.1",
        expected="a free port for the demo",
        found="none",
        do="End what uses them, then try again.",
    )


@dataclass(slots=True)
class Child:
    """One program of the demo."""

    name: str
    process: Process
    log: Path

    async def end(self) -> None:
        """Ask it to end; kill it if it does not."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(END_WITHIN_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    def failed(self, expected: str) -> Problem:
        """Make the problem to raise where it does not come up."""
        return Problem(
            self.name,
            expected=expected,
            found=f"nothing within {READY_WITHIN_S:.0f} s"
            if self.process.returncode is None
            else f"it ended with {self.process.returncode}",
            do=f"Read its log: {self.log}",
        )


async def _start(name: str, command: list[str], folder: Path, *, answers: bool = False, **env: str) -> Child:
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE if answers else out,
            stderr=out,
            env=os.environ | env,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    return Child(name, process, log)


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach the demo's broker."""

    port: int
    username: str
    password: str
    host: str = "127.0.0.1"


async def start_broker(folder: Path) -> tuple[Child, Broker]:
    """Start a private Mosquitto, or the broker of the `demo` extra where Mosquitto is not installed."""
    broker = Broker(port_or_free(18830), "demo", secrets.token_urlsafe(12))
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program:
        child = await _start("mosquitto", [program, "-c", str(await _mosquitto_file(folder, broker))], folder)
    else:
        child = await _start("broker", _rumqttd(folder, broker), folder)
    loop = asyncio.get_running_loop()
    ends = loop.time() + READY_WITHIN_S
    while child.process.returncode is None and loop.time() < ends:
        try:
            _, writer = await asyncio.open_connection(broker.host, broker.port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return child, broker
    await child.end()
    raise child.failed("a broker that answers")


async def _mosquitto_file(folder: Path, broker: Broker) -> Path:
    passwords = folder / "passwords"
    passwords.unlink(missing_ok=True)
    passwords.touch(0o600)
    hashing = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-b", str(passwords), broker.username, broker.password
    )
    await hashing.wait()
    config = folder / "mosquitto.conf"
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {passwords}",
        "max_inflight_messages 20",
        "max_queued_messages 10000",
        "set_tcp_nodelay true",
        "persistence false",
        f"listener {broker.port} {broker.host}",
    ]
    if os.getuid() == 0:
        lines.insert(0, "user root")  # else it gives up root and cannot read the password file
    config.write_text("\n".join(lines) + "\n")
    return config


def _rumqttd(folder: Path, broker: Broker) -> list[str]:
    """Give the command for rumqttd out of the `iotcore` wheel, which speaks MQTT 5 as well."""
    try:
        import iotcore  # noqa: F401
    except ImportError:
        raise Problem(
            "mosquitto",
            expected="the program on the PATH",
            found="nothing",
            do="Install it:  sudo apt install mosquitto   (or  pip install 'velgate[demo]')",
            exit=Exit.UNREACHABLE,
        ) from None
    config = folder / "rumqttd.toml"
    limits = (
        "connection_timeout_ms = 5000\nmax_payload_size = 262144\nmax_inflight_count = 200\n"
        "dynamic_filters = true\n"
    )
    config.write_text(
        "id = 0\n\n[router]\nid = 0\nmax_connections = 100\nmax_outgoing_packet_count = 200\n"
        "max_segment_size = 10485760\nmax_segment_count = 10\n\n[v5.1]\nname = 'v5'\n"
        f"listen = '{broker.host}:{broker.port}'\nnext_connection_delay_ms = 1\n"
        f"[v5.1.connections]\n{limits}[v5.1.connections.auth]\n{broker.username} = '{broker.password}'\n"
    )
    code = "import sys, iotcore; iotcore.Broker(config_path=sys.argv[1]).run_forever()"
    return [sys.executable, "-c", code, str(config)]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Where the simulated devices are heard and steered."""

    bus: str
    control: str


async def start_simulator(
    folder: Path, broker: Broker, *, scenario: str | None, quiet: bool
) -> tuple[Child, Simulation]:
    """Start `velgate-sim run` and wait until its devices speak."""
    command = [*simulator(), "run", *([scenario] if scenario else []), "--json", "--state", str(folder)]
    command += ["--mqtt", f"{broker.host}:{broker.port}", "--mqtt-username", broker.username]
    command += ["--quiet"] if quiet else []
    child = await _start(
        "velgate-sim", command, folder, answers=True, VELGATE_SIM_MQTT_PASSWORD=broker.password
    )
    assert child.process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            first = await child.process.stdout.readline()
        ready: dict[str, Any] = orjson.loads(first)
    except (TimeoutError, orjson.JSONDecodeError):
        await child.end()
        raise child.failed("its ready line") from None
    return child, Simulation(ready["bus"], ready["control"])


async def simulated_devices(scenario: str | None) -> list[dict[str, Any]]:
    """Ask the simulator which devices a scenario has, and what a gateway must know of them."""
    command = [*simulator(), "devices", *([scenario] if scenario else []), "--json"]
    asking = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await asking.communicate()
    if asking.returncode:
        raise Problem(
            scenario or "the demo's scenario",
            expected="a scenario of velgate-sim",
            found=err.decode(errors="replace").strip() or f"exit code {asking.returncode}",
            do="List them:  velgate-sim devices --help",
            exit=Exit(asking.returncode) if asking.returncode in set(Exit) else Exit.FAILED,
        )
    devices: list[dict[str, Any]] = orjson.loads(out)["devices"]
    return devices


def simulator() -> list[str]:
    """Give the command of the simulator, which stands beside this interpreter."""
    program = Path(sys.executable).with_name("velgate-sim")
    return [str(program)] if program.exists() else [shutil.which("velgate-sim") or "velgate-sim"]
