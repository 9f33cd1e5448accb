"""bluetoothd: one life of it, and the service that gives it the next, with the faults it can be given."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from dbus_fast import Message

from firmware_sim.air import Air, Packet
from firmware_sim.bluez.adapter import Adapter
from firmware_sim.bluez.calls import Calls
from firmware_sim.bluez.controller import Controller
from firmware_sim.bluez.names import BluezError
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
        self._missed: deque[Callable[[], None]] = deque(maxlen=HELD_MAX)
        wire.on_call = self._on_call
        wire.on_gone = self._on_gone
        self._tree.add("/org/bluez", {})
        if controller.present:
            self._show_adapter()

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
        method = call.member or ""
        if self.hung or method in self._controller.hung_methods:
            self._held.append(call)
            return
        error = self._controller.failure_of(method)
        if error is not None:
            self._wire.refuse(call, BluezError(*error))
            return
        self._later(self._calls.serve(call))

    def _on_gone(self, sender: str) -> None:
        self.event(lambda adapter: adapter.sender_gone(sender))

    def event(self, work: Callable[[Adapter], None]) -> None:
        """Take something that the kernel or the bus reports; a hung daemon finds it when it goes on."""

        def happen() -> None:
            if self.adapter is not None:
                work(self.adapter)

        self._now_or_later(happen)

    def _now_or_later(self, work: Callable[[], None]) -> None:
        if self.hung:
            self._missed.append(work)
        else:
            work()

    def receive(self, packet: Packet) -> None:
        """Take a packet that the controller passed up."""
        if self.adapter is not None and not self.hung:
            self.adapter.receive(packet)

    def controller_came(self) -> None:
        """Take notice of a controller."""
        self._now_or_later(self._show_adapter)

    def controller_went(self) -> None:
        """Take notice that the controller is gone."""
        self._now_or_later(self._hide_adapter)

    def _show_adapter(self) -> None:
        adapter = Adapter(self._controller, self._air, self._tree, self._wire, self._later)
        self._calls.adapter = adapter
        adapter.export()

    def _hide_adapter(self) -> None:
        adapter, self._calls.adapter = self.adapter, None
        if adapter is not None:
            adapter.withdraw()

    def hang(self) -> None:
        """Answer nothing and tell nothing from now on; calls are kept."""
        self._wire.muted = True

    def go_on(self) -> None:
        """Take in what happened meanwhile, answer what was asked, and go on."""
        self._wire.muted = False
        while self._missed:
            self._missed.popleft()()
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


class Bluetoothd:
    """The service: runs one `Daemon` after the other on the bus at `address`, and applies faults."""

    def __init__(self, address: str, controller: Controller, air: Air) -> None:
        """Know bus, controller and air; `run` starts it."""
        self._address = address
        self.controller = controller
        self._air = air
        self._daemon: Daemon | None = None
        self._end = asyncio.Event()
        self._may_run = asyncio.Event()
        self._may_run.set()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled. Raises SimProblem if the bus is not there or ends."""
        stop_listening = self._air.listen(self._receive)
        try:
            while True:
                await self._live()
                await asyncio.sleep(DOWN_S)
                await self._may_run.wait()
        finally:
            stop_listening()

    async def _live(self) -> None:
        wire = await open_wire(self._address)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._daemon = Daemon(wire, self.controller, self._air, tasks)
                idle = [tasks.create_task(self._daemon.expire()), tasks.create_task(self._watch(wire))]
                self._end.clear()
                self.ready.set()
                await self._end.wait()
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
        """Stop bluetoothd if it runs; it comes back by itself after `DOWN_S`."""
        self._may_run.set()
        self._end.set()

    def kill(self) -> None:
        """Stop bluetoothd; it stays away until `restart`."""
        self._may_run.clear()
        self._end.set()

    def hang(self, method: str | None = None) -> None:
        """Let no method (or only `method`) be answered; hung as a whole it sends no signal either."""
        if method is not None:
            self.controller.hung_methods.add(method)
        elif self._daemon is not None:
            self._daemon.hang()

    def unhang(self) -> None:
        """Let a hung bluetoothd go on."""
        self.controller.hung_methods.clear()
        if self._daemon is not None:
            self._daemon.go_on()

    def off(self) -> None:
        """Switch the adapter off (rfkill, or somebody's command)."""
        self._power(on=False)

    def on(self) -> None:
        """Switch the adapter on; nobody's discovery comes back by itself."""
        self._power(on=True)

    def _power(self, *, on: bool) -> None:
        if self.controller.powered == on:
            return
        self.controller.powered = on
        if self._daemon is not None:
            self._daemon.event(lambda adapter: adapter.power_changed(on=on))

    def vanish(self) -> None:
        """Unplug the controller."""
        self.controller.present = False
        if self._daemon is not None:
            self._daemon.controller_went()

    async def come_back(self) -> None:
        """Plug the controller in; bluetoothd powers it after a moment."""
        if self.controller.present:
            return
        self.controller.present = True
        self.controller.powered = False
        if self._daemon is not None:
            self._daemon.controller_came()
        await asyncio.sleep(POWER_UP_S)
        self.on()

    def deafen(self, *, deaf: bool) -> None:
        """Let discovery go on and hear nothing, or end that."""
        self.controller.deaf = deaf


class _LifeOver(Exception):
    """One life of bluetoothd has ended."""
