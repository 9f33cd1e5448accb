"""Running the demo: children up, home written, gateway run, everything down again."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.app.process import Process, on_loop, print_line, ready_line, set_up_logging
from gateway.app.running import Running
from gateway.board.pins import hash_pin
from gateway.demo.children import (
    Broker,
    Simulation,
    port_or_free,
    simulated_devices,
    start_broker,
    start_simulator,
)
from gateway.demo.home import PEOPLE, draw_pin, write_home
from gateway.journal.folder import StateFolder
from gateway.model.alert import Concern
from gateway.model.clock import NS
from gateway.settings.loader import load

log = logging.getLogger(__name__)

BASIS_FOR = timedelta(days=365)


def run_demo(
    *, seconds: float | None, quiet: bool, state: Path | None, scenario: str | None, json: bool
) -> int:
    """Run the demo; gives the exit code. Without `state` everything is gone afterwards.

    `state` is the gateway's own state folder; what the demo needs besides lies in folders within it.
    """
    os.environ.setdefault("VELGATE_LOG_LEVEL", "WARNING")
    set_up_logging()
    if state is None:
        with tempfile.TemporaryDirectory(prefix="velgate-demo-") as folder:
            return _run_in(Path(folder), seconds=seconds, quiet=quiet, scenario=scenario, json=json)
    return _run_in(state.absolute(), seconds=seconds, quiet=quiet, scenario=scenario, json=json)


def _run_in(folder: Path, *, seconds: float | None, quiet: bool, scenario: str | None, json: bool) -> int:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    StateFolder(folder).close()  # taken: refused before the other demo's settings are overwritten
    for part in ("config", "broker", "simulator"):
        (folder / part).mkdir(exist_ok=True, mode=0o700)
    return on_loop(_demo(folder, seconds=seconds, quiet=quiet, scenario=scenario, json=json))


async def _demo(folder: Path, *, seconds: float | None, quiet: bool, scenario: str | None, json: bool) -> int:
    async with AsyncExitStack() as stack:
        devices, (broker_child, broker) = await asyncio.gather(
            simulated_devices(scenario), start_broker(folder / "broker")
        )
        stack.push_async_callback(broker_child.end)
        pins = {name: draw_pin() for name in PEOPLE}
        config, state = folder / "config", folder
        child, simulation = await start_simulator(
            folder / "simulator", broker, scenario=scenario, quiet=quiet
        )
        stack.push_async_callback(child.end)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = simulation.bus
        hashes = await asyncio.to_thread(lambda: {name: hash_pin(pin) for name, pin in pins.items()})
        write_home(config, devices, broker=broker, board_port=port_or_free(8734), pins=hashes)

        async def when_ready(running: Running) -> None:
            await record_basis(running)
            if json:
                print_line(
                    ready_line(
                        running,
                        config=config,
                        state=state,
                        sign_in={"person": "demo", "pin": pins["demo"]},
                        mqtt={
                            "host": broker.host,
                            "port": broker.port,
                            "username": broker.username,
                            "password": broker.password,
                        },
                        control=simulation.control,
                    )
                )
            else:
                said = greeting(running, broker, simulation, pins, config=config, state=state, quiet=quiet)
                sys.stdout.write(said)
                sys.stdout.flush()

        process = Process(config, state, load(config), when_ready, seconds=seconds)
        return await process.live()


async def record_basis(running: Running) -> None:
    """Record the legal basis of the demo's places: residents who do not exist, and do not mind."""
    now = running.clock.now()
    until = datetime.fromtimestamp(now.wall_ns / NS, UTC).date() + BASIS_FOR
    have = {(basis.place, basis.concern) for basis in await running.basis() if basis.withdrawn is None}
    for place in running.settings.place:
        missing = [c for c in (Concern.FALL, Concern.PRESENCE, Concern.VITAL) if (place, c.value) not in have]
        if missing:
            await running.record_basis(place, missing, until=until, by="demo")


def greeting(
    running: Running,
    broker: Broker,
    simulation: Simulation,
    pins: dict[str, str],
    *,
    config: Path,
    state: Path,
    quiet: bool,
) -> str:
    """Say where everything is, and what to try."""
    else_ = "nothing happens by itself" if quiet else "in the first 20 s nothing happens by itself"
    people = "".join(f"    {name:<6} PIN {pin}\n" for name, pin in pins.items())
    root = running.root
    subscribe = (
        f"mosquitto_sub -h {broker.host} -p {broker.port} -u {broker.username} -P {broker.password}"
        f" -V 5 -t '{root}/#' -v"
    )
    sim = f"{program('velgate-sim')} do"
    return f"""
Velgate's demo runs: a care home with {len(running.settings.device)} simulated devices.

  Staff page   {running.board}
  Sign in as
{people}
  MQTT         {subscribe}
  Status       {program("velgate")} status --state {state}
  Settings     {config}

  Let something happen (in another terminal; {else_}):
    {sim} kald-01 press         a resident calls
    {sim} kald-01-bad press     somebody calls from the bathroom
    {sim} fald-02 fall          somebody falls
    {sim} seng-03 leave_bed     somebody gets up
    {sim} adapter off           the radio fails, {sim} adapter on mends it

  Ctrl-C ends it all.

"""


def program(name: str) -> str:
    """Give what to type to run one of our programs from here."""
    if shutil.which(name):
        return name
    path = Path(sys.executable).with_name(name)
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
