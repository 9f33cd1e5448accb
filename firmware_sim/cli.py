"""`velgate-sim`: run the simulated devices, act on them, and list them."""

from __future__ import annotations

import asyncio
import json as jsonlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from firmware_sim.control import STATUS, ask, nobody_there
from firmware_sim.problem import SimProblem
from firmware_sim.runtime import latest_control

if TYPE_CHECKING:
    from firmware_sim.world import Options

app = typer.Typer(
    help="Simulated devices of a care home, behind a simulated BlueZ on a D-Bus of their own.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_SCENARIO = typer.Argument(help="A scenario file, or the name of one that comes along (home).")
_CONTROL = typer.Option(help="The simulator's control address; without it the last one started.")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _emit(document: Any) -> None:
    print(jsonlib.dumps(document, ensure_ascii=False), flush=True)


def _fail(problem: SimProblem) -> NoReturn:
    _say(problem.text())
    raise typer.Exit(int(problem.exit_code))


def _first_problem(group: BaseExceptionGroup[Any]) -> SimProblem | None:
    for error in group.exceptions:
        found = _first_problem(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, SimProblem):
            return found
    return None


@app.command(epilog="Example: velgate-sim run home --seconds 60 --json")
def run(
    scenario: Annotated[str | None, _SCENARIO] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop by itself after so long.", min=0)] = None,
    seed: Annotated[int, typer.Option(help="What chance is drawn from.")] = 1,
    rate: Annotated[float, typer.Option(help="Frames a second of each load device.", min=0)] = 1.0,
    devices: Annotated[int, typer.Option(help="Load devices to add.", min=0, max=60_000)] = 0,
    quiet: Annotated[bool, typer.Option(help="Let only `velgate-sim do` act; beats go on.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the ready line as JSON.")] = False,
    bus: Annotated[str | None, typer.Option(help="Use this D-Bus instead of one of our own.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep the devices' counters and states in this folder.")
    ] = None,
    mqtt: Annotated[str | None, typer.Option(help="HOST:PORT of the broker for Zigbee devices.")] = None,
    mqtt_username: Annotated[
        str | None, typer.Option(help="Its user; the password is in VELGATE_SIM_MQTT_PASSWORD.")
    ] = None,
    die_with_parent: Annotated[
        bool, typer.Option(help="End when the program that started this one ends, however it ends.")
    ] = False,
) -> None:
    """Run a scenario until Ctrl-C."""
    import os

    from firmware_sim.bus import die_with_parent as bind
    from firmware_sim.mqtt import Broker
    from firmware_sim.scenario import load_scenario
    from firmware_sim.world import Options

    if die_with_parent:
        bind(os.getppid(), signal.SIGTERM)
    try:
        options = Options(
            scenario=load_scenario(scenario),
            seed=seed,
            load_devices=devices,
            rate_hz=rate,
            quiet=quiet,
            bus=bus,
            state=state,
            broker=None if mqtt is None else Broker.parse(mqtt, mqtt_username),
        )
        asyncio.run(_run(options, seconds, json=json))
    except SimProblem as problem:
        _fail(problem)
    except BaseExceptionGroup as group:
        found = _first_problem(group)
        if found is None:
            raise
        _fail(found)


async def _run(options: Options, seconds: float | None, *, json: bool) -> None:
    from firmware_sim.world import running

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    async with running(options) as world:
        if json:
            _emit(_ready(world.bus, world.control))
        else:
            _say(f"{options.scenario.title}: {len(world.devices)} devices")
            _say(f"  DBUS_SYSTEM_BUS_ADDRESS={world.bus}")
            _say("  velgate-sim do DEVICE ACTION    acts on it; Ctrl-C stops it")
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return


def _ready(bus: str, control: str) -> dict[str, Any]:
    keys = ("board", "sign_in", "socket", "mqtt", "root", "state", "config")
    return {"event": "ready", **dict.fromkeys(keys), "bus": bus, "control": control}


@app.command(epilog="Examples: velgate-sim do kald-01 press · velgate-sim do adapter off")
def do(
    device: Annotated[str, typer.Argument(help="A device of the scenario, or `adapter`.")],
    action: Annotated[str, typer.Argument(help="press, fall, leave_bed, open, battery, silence, …")],
    value: Annotated[str | None, typer.Argument(help="What the action needs, as in `battery 4`.")] = None,
    control: Annotated[str | None, _CONTROL] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Act on a device of the running simulation; answers when the first frame was sent."""
    answer = _asked(control, device, action, value)
    if json:
        _emit(answer)
    else:
        print(f"{device}: {answer['did']}")


@app.command(epilog="Example: velgate-sim status --json")
def status(
    control: Annotated[str | None, _CONTROL] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell what the running simulation has sent."""
    answer = _asked(control, STATUS, "status", None)
    if json:
        _emit(answer)
    else:
        print("\n".join(f"{name}  {value}" for name, value in answer.items()))


@app.command("devices", epilog="Example: velgate-sim devices home --json")
def list_devices(
    scenario: Annotated[str | None, _SCENARIO] = None,
    devices: Annotated[int, typer.Option(help="Load devices, as `run` would add them.", min=0)] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON, keys included.")] = False,
) -> None:
    """List a scenario's devices with what a gateway must know of them."""
    from firmware_sim.catalogue import entries, table
    from firmware_sim.devices.load import load_specs
    from firmware_sim.scenario import load_scenario

    try:
        specs = [*load_scenario(scenario).devices, *load_specs(devices)]
    except SimProblem as problem:
        _fail(problem)
    if json:
        _emit({"devices": entries(specs)})
    else:
        print(table(specs))


def _asked(control: str | None, device: str, action: str, value: str | None) -> dict[str, Any]:
    try:
        address = control or latest_control()
        if address is None:
            raise nobody_there("velgate-sim", "none that you started")
        return ask(address, device, action, value)
    except SimProblem as problem:
        _fail(problem)


def main() -> None:
    """Run the command line."""
    app()
