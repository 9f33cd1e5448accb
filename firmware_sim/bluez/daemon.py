"""bluetoothd: one life of it, and the service that gives it the next, with the faults it can be given."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from dbus_fast import Message, Variant

from firmware_sim.air import Air, Packet
from firmware_sim.bluez.adapter import Adapter
from firmware_sim.bluez.calls import Calls
from firmware_sim.bluez.controller import Controller
from firmware_sim.bluez.names import ADAPTER
from firmware_sim.bluez.tree import Tree
from firmware_sim.bluez.wire import Wire, open_wire
from firmware_sim.problem import Exit, SimProblem

EXPIRE_EVERY_S: Final = 1.0
HELD_MAX: Final = 1_000  # calls that a hung daemon finds when it goes on; older ones are lost
DOWN_S: Final = 0.5  # systemd restarts bluetoothd after about so long
POWER_UP_S: Final = 0.1  # between the adapter's appearance and its power (AutoEnable=true)


class Daemon:
    """One life of bluetoothd on one connection to the bus."""

    def __init__(self, wire: Wire, controller: Controller, air: Air, tasks: asyncio.TaskGroup) -> None:
        """Show what there is, and serve from now on."""
        self._wire = wire
        self._controller = controller
        self._air = air
        self._tasks = tasks
        self._tree = Tree(wire)
        self._calls = Calls(wire, self._tree)
        self._held: deque[Message] = deque(maxlen=HELD_MAX)
        wire.on_call = self._on_call
        wire.on_gone = self._on_gone
        self._tree.add("/org/bluez", {})
        if controller.present:
            self.adapter_came()

    @property
    def adapter(self) -> Adapter | None:
        """The adapter, if the controller is there."""
        return self._calls.adapter

    @property
    def hung(self) -> bool:
        """Whether the daemon answers nothing."""
        return self._wire.muted

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    def _on_call(self, call: Message) -> None:
        if self.hung:
            self._held.append(call)
        else:
            self._later(self._calls.serve(call))

    def _on_gone(self, sender: str) -> None:
        if self.adapter is not None:
            self.adapter.sender_gone(sender)

    def receive(self, packet: Packet) -> None:
        """Take a packet that the controller passed up."""
        if self.adapter is not None and not self.hung:
            self.adapter.receive(packet)

    def adapter_came(self) -> None:
        """Show the adapter."""
        adapter = Adapter(self._controller, self._air, self._tree, self._wire, self._later)
        self._calls.adapter = adapter
        adapter.export()

    def adapter_went(self) -> None:
        """Take the adapter away."""
        adapter, self._calls.adapter = self.adapter, None
        if adapter is not None:
            adapter.withdraw()

    def hang(self) -> None:
        """Answer nothing and tell nothing from now on; calls are kept."""
        self._wire.muted = True

    def go_on(self) -> None:
        """Answer what was asked meanwhile, and go on."""
        self._wire.muted = False
        self.tell_power()  # what the kernel reported meanwhile
        while self._held:
            self._later(self._calls.serve(self._held.popleft()))

    async def expire(self) -> None:
        """Forget devices that fell silent; for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(EXPIRE_EVERY_S, self._controller.temporary_timeout_s / 4))
            if self.adapter is not None and not self.hung:
                self.adapter.expire(loop.time())

    def stop(self) -> None:
        """End this life: links break, what is stored is written, the name becomes free."""
        if self.adapter is not None:
            self.adapter.store()
            self._wire.muted = True  # a daemon that ends says no goodbyes
            self.adapter.drop_links()
        self._wire.close()

    def tell_power(self) -> None:
        """Tell the adapter's power as it is now."""
        if self.adapter is not None:
            powered = Variant("b", self._controller.powered)
            self._tree.change(self.adapter.path, ADAPTER, {"Powered": powered})


class Bluetoothd:
    """The service: runs one `Daemon` after the other on the bus at `address`, and applies faults."""

    def __init__(self, address: str, controller: Controller, air: Air) -> None:
        """Know bus, controller and air; `run` starts it."""
        self._address = address
        self.controller = controller
        self._air = air
        self._daemon: Daemon | None = None
        self._restart = asyncio.Event()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled. Raises SimProblem if the bus is not there or ends."""
        stop_listening = self._air.listen(self._receive)
        try:
            while True:
                await self._live()
                await asyncio.sleep(DOWN_S)
        finally:
            stop_listening()

    async def _live(self) -> None:
        wire = await open_wire(self._address)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._daemon = Daemon(wire, self.controller, self._air, tasks)
                idle = [tasks.create_task(self._daemon.expire()), tasks.create_task(self._watch(wire))]
                self._restart.clear()
                self.ready.set()
                await self._restart.wait()
                self.ready.clear()
                for task in idle:
                    task.cancel()
                self._daemon.stop()
                raise _LifeOver
        except* _LifeOver:
            pass
        finally:
            self._daemon = None
            wire.close()

    async def _watch(self, wire: Wire) -> None:
        with contextlib.suppress(OSError, EOFError):
            await wire.wait_for_disconnect()
        raise SimProblem(
            self._address,
            expected="a D-Bus that keeps the connection",
            found="that it was closed",
            do="Start the simulator again.",
            exit_code=Exit.UNREACHABLE,
        )

    def _receive(self, packet: Packet) -> None:
        if self._daemon is not None and self.controller.hears(packet, asyncio.get_running_loop().time()):
            self._daemon.receive(packet)

    @property
    def dropped(self) -> int:
        """How many packets this life of bluetoothd dropped because the bus was too slow."""
        adapter = None if self._daemon is None else self._daemon.adapter
        return 0 if adapter is None else adapter.dropped

    # --- faults ---

    def restart(self) -> None:
        """Stop bluetoothd; it comes back by itself after `DOWN_S`."""
        self._restart.set()

    def hang(self) -> None:
        """Let no method be answered and no signal sent."""
        if self._daemon is not None:
            self._daemon.hang()

    def unhang(self) -> None:
        """Let a hung bluetoothd go on."""
        if self._daemon is not None:
            self._daemon.go_on()

    def off(self) -> None:
        """Switch the adapter off (rfkill, or somebody's command)."""
        self._power(on=False)

    def on(self) -> None:
        """Switch the adapter on; nobody's discovery comes back by itself."""
        self._power(on=True)

    def _power(self, *, on: bool) -> None:
        if self._daemon is not None and self._daemon.adapter is not None:
            self._daemon.adapter.set_power(on)
        else:
            self.controller.powered = on

    def vanish(self) -> None:
        """Unplug the controller."""
        self.controller.present = False
        if self._daemon is not None:
            self._daemon.adapter_went()

    async def come_back(self) -> None:
        """Plug the controller in; bluetoothd powers it after a moment."""
        if self.controller.present:
            return
        self.controller.present = True
        self.controller.powered = False
        if self._daemon is not None:
            self._daemon.adapter_came()
        await asyncio.sleep(POWER_UP_S)
        self.on()

    def deafen(self, *, deaf: bool) -> None:
        """Let discovery go on and hear nothing, or end that."""
        self.controller.deaf = deaf


class _LifeOver(Exception):
    """One life of bluetoothd has ended."""
