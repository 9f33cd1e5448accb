"""The adapter as a device: the faults that `velgate-sim do adapter …` and scripts give it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from firmware_sim.bluez.controller import Failure
from firmware_sim.bluez.daemon import Bluetoothd
from firmware_sim.problem import Exit, SimProblem

_Fault = Callable[[str | None], Awaitable[str]]
NAME: Final = "adapter"


class AdapterFaults:
    """Applies a fault by name."""

    def __init__(self, bluetoothd: Bluetoothd) -> None:
        """Know the service to hurt."""
        self._bluetoothd = bluetoothd
        self.actions: dict[str, _Fault] = {
            "off": self._simple(bluetoothd.off, "is switched off"),
            "on": self._on,
            "vanish": self._simple(bluetoothd.vanish, "is unplugged"),
            "return": self._come_back,
            "hang": self._hang,
            "unhang": self._simple(bluetoothd.unhang, "answers again"),
            "deaf": self._simple(lambda: bluetoothd.deafen(deaf=True), "scans on and hears nothing"),
            "hear": self._simple(lambda: bluetoothd.deafen(deaf=False), "hears again"),
            "restart": self._simple(bluetoothd.restart, "lost its bluetoothd, which starts again"),
            "kill": self._simple(bluetoothd.kill, "lost its bluetoothd, until `restart`"),
            "slots": self._slots,
            "fail": self._fail,
        }

    @staticmethod
    def _simple(work: Callable[[], None], did: str) -> _Fault:
        async def apply(_value: str | None) -> str:
            work()
            return did

        return apply

    async def _on(self, _value: str | None) -> str:
        """Mend it, whatever it had: switched off, unplugged or hung."""
        self._bluetoothd.unhang()
        await self._bluetoothd.come_back()
        self._bluetoothd.on()
        return "is on"

    async def _come_back(self, _value: str | None) -> str:
        await self._bluetoothd.come_back()
        return "is plugged in again"

    async def _hang(self, value: str | None) -> str:
        self._bluetoothd.hang(value)
        return "answers nothing any more" if value is None else f"does not answer {value} any more"

    async def _fail(self, value: str | None) -> str:
        method, _, rest = (value or "").partition(":")
        error, _, times = rest.partition(":")
        if not method.isalnum() or not (error or "Failed").isalnum() or not (times or "1").isdigit():
            raise SimProblem(
                f"{NAME} fail",
                expected="METHOD, METHOD:ERROR or METHOD:ERROR:TIMES",
                found="nothing" if value is None else repr(value),
                do=f"For example  velgate-sim do {NAME} fail StopDiscovery:InProgress:2",
                exit_code=Exit.USAGE,
            )
        failure = Failure(f"org.bluez.Error.{error or 'Failed'}", "Simulated", int(times or 1))
        self._bluetoothd.controller.failures[method] = failure
        return f"answers {failure.error} to the next {failure.times} of {method}"

    async def _slots(self, value: str | None) -> str:
        if value is None or not value.isdigit():
            raise SimProblem(
                f"{NAME} slots",
                expected="a whole number of connections",
                found="nothing" if value is None else repr(value),
                do=f"For example  velgate-sim do {NAME} slots 0",
                exit_code=Exit.USAGE,
            )
        self._bluetoothd.controller.slots = int(value)
        return f"has room for {value} connections"

    async def act(self, action: str, value: str | None) -> str:
        """Apply one fault. Raises SimProblem."""
        fault = self.actions.get(action)
        if fault is None:
            raise SimProblem(
                NAME,
                expected=f"one of: {', '.join(sorted(self.actions))}",
                found=f"the action {action!r}",
                do=f"Choose one, for example  velgate-sim do {NAME} off",
                exit_code=Exit.USAGE,
            )
        return await fault(value)
