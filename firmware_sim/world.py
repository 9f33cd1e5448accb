"""A running simulation: the bus, bluetoothd, the devices, the script and the control socket, as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from firmware_sim import faults
from firmware_sim.agenda import Agenda
from firmware_sim.air import Air
from firmware_sim.bluez.controller import Controller
from firmware_sim.bluez.daemon import Bluetoothd
from firmware_sim.bus import private_bus
from firmware_sim.control import STATUS, Answer, control_socket
from firmware_sim.devices.base import Device, Place
from firmware_sim.devices.climate import Climate
from firmware_sim.devices.kinds import make_device
from firmware_sim.devices.load import Load, load_specs
from firmware_sim.memory import MemoryFile
from firmware_sim.mqtt import Broker, MqttPublisher, NoBroker
from firmware_sim.problem import Exit, SimProblem
from firmware_sim.runtime import announce, running_folder, socket_folder
from firmware_sim.scenario import Scenario
from firmware_sim.script import perform

_NAMED_MAX: Final = 40  # names in one error


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a scenario."""

    scenario: Scenario
    seed: int = 1
    load_devices: int = 0
    rate_hz: float = 1.0
    quiet: bool = False
    bus: str | None = None
    state: Path | None = None
    broker: Broker | None = None


@dataclass(slots=True, kw_only=True)
class World:
    """What runs: its addresses, its devices, and a way to act on them."""

    bus: str
    air: Air
    bluetoothd: Bluetoothd
    adapter: faults.AdapterFaults
    devices: dict[str, Device]
    control: str = ""
    bus_pid: int | None = None  # of the bus of our own
    started_s: float = field(default_factory=time.time)

    async def act(self, name: str, action: str, value: str | None) -> Answer:
        """Do one thing and tell when its first frame had been sent. Raises SimProblem."""
        if name == STATUS:
            return self._status()
        actor = self.adapter if name == faults.NAME else self._device(name)
        did = await actor.act(action, value)
        return {"device": name, "action": action, "sent": time.time(), "did": did}

    def _device(self, name: str) -> Device:
        device = self.devices.get(name)
        if device is None:
            raise SimProblem(
                name,
                expected=f"one of: {', '.join([faults.NAME, *self.devices][:_NAMED_MAX])}",
                found="no such device in this simulation",
                do="Choose one of these;  velgate-sim devices  tells what they are.",
                exit_code=Exit.NOT_FOUND,
            )
        return device

    def _status(self) -> Answer:
        return {
            "devices": len(self.devices),
            "sent": self.air.sent,
            "dropped": self.bluetoothd.dropped,
            "uptime_s": round(time.time() - self.started_s, 3),
        }


def _check_script(scenario: Scenario, devices: Mapping[str, Device], adapter: faults.AdapterFaults) -> None:
    """Refuse a step that its device cannot do, before anything speaks."""
    for number, step in enumerate(scenario.script, start=1):
        known = (adapter if step.device == faults.NAME else devices[step.device]).actions
        if step.action not in known:
            raise SimProblem(
                f"{scenario.title}: script {number} ({step.device})",
                expected=f"one of: {', '.join(sorted(known))}",
                found=f"the action {step.action!r}",
                do="Mend the scenario file; nothing was started.",
                exit_code=Exit.CONFIGURATION,
            )


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[World]:
    """Run a simulation while inside; everything answers before this yields.

    Raises (in an exception group) SimProblem if it cannot start, or what ended one of its parts.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(running_folder())
        sockets = socket_folder(folder)
        memory_file = stack.enter_context(MemoryFile(options.state))
        own_bus = None
        address = options.bus or ""
        if not address:
            own_bus = await stack.enter_async_context(private_bus(sockets))
            address = own_bus.address
        air, agenda = Air(), Agenda()
        publisher = NoBroker() if options.broker is None else MqttPublisher(options.broker)
        place = Place(
            air=air, agenda=agenda, publisher=publisher, memory=memory_file.memory, seed=options.seed
        )
        specs = options.scenario.devices
        residents = {spec.name: make_device(spec, place) for spec in specs}
        sensors = {spec.name: Climate(spec, place) for spec in load_specs(options.load_devices)}
        adapter = options.scenario.adapter
        bluetoothd = Bluetoothd(
            address,
            Controller(
                slots=adapter.slots,
                release=adapter.release,
                repeats=adapter.repeats,
                gatt_cache=adapter.gatt_cache,
                temporary_timeout_s=adapter.temporary_timeout,
            ),
            air,
        )
        adapter_faults = faults.AdapterFaults(bluetoothd)
        _check_script(options.scenario, residents, adapter_faults)
        world = World(
            bus=address,
            air=air,
            bluetoothd=bluetoothd,
            adapter=adapter_faults,
            devices={**residents, **sensors},
            bus_pid=None if own_bus is None else own_bus.pid,
        )
        async with asyncio.TaskGroup() as group:
            parts: list[asyncio.Task[Any]] = [group.create_task(bluetoothd.run(), name="bluetoothd")]
            if own_bus is not None:
                parts.append(group.create_task(own_bus.watch(), name="bus"))
            await bluetoothd.ready.wait()
            world.control = await stack.enter_async_context(control_socket(sockets / "control", world.act))
            if isinstance(publisher, MqttPublisher):
                parts.append(group.create_task(publisher.run(), name="mqtt"))
            for device in residents.values():
                device.start()
            parts.append(group.create_task(agenda.run(), name="agenda"))
            parts.append(group.create_task(memory_file.run(), name="memory"))
            parts.append(group.create_task(Load([*sensors.values()], options.rate_hz).run(), name="load"))
            if not options.quiet:
                parts.append(group.create_task(perform(options.scenario.script, world.act), name="script"))
            announce(folder, world.control)
            yield world
            for part in parts:
                part.cancel()
