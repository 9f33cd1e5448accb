"""A wall clock that jumps by hours: nothing escalates early or late, and calls go on.

Debian's libfaketime gives the gateway a wall clock that the test sets; its monotonic clock stays the
machine's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from support.eventually import eventually, holds
from support.gateway_process import Gateway, button, home

HOURS = 2
QUICK_S = 3.0


class WallClock:
    """What the gateway takes for the time of day."""

    def __init__(self, folder: Path) -> None:
        """Begin with the machine's own."""
        self._file = folder / "faketime"
        self.ahead(0)

    def ahead(self, hours: float) -> None:
        """Put it so much before the machine's."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{hours * 3600:+.0f}\n")
        fresh.replace(self._file)

    @property
    def env(self) -> dict[str, str]:
        """What lays it under a program."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def library() -> Path:
    """Find Debian's libfaketime, whatever the machine."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    assert found, "libfaketime is not installed: apt-get install libfaketime"
    return found[0]


async def hours_ahead(gateway: Gateway) -> float:
    """Tell how far the gateway's clock is before the machine's."""
    said = datetime.fromisoformat((await gateway.get("/api/v1/health"))["time"])
    return (said - datetime.now(UTC)).total_seconds() / 3600


async def jumped(gateway: Gateway, clock: WallClock, hours: float) -> None:
    """Put the clock, and see that the gateway has it."""
    clock.ahead(hours)

    async def so() -> bool:
        return abs(await hours_ahead(gateway) - hours) < 0.1

    await eventually(so)


async def test_two_hours_forward_and_back_escalate_nothing_early_or_late(tmp_path: Path) -> None:
    """Three minutes stay three minutes, three seconds stay three seconds, at any hour of the day."""
    clock = WallClock(tmp_path)
    step = {"targets": ["page"], "after": "3m"}
    settings = {
        "alerts": {
            "policies": {
                "call": {"steps": [step, step]},
                "emergency": {"steps": [{**step, "after": f"{QUICK_S:g}s"}, {**step, "after": "60s"}]},
            }
        }
    }
    with home(tmp_path, [button(n) for n in range(1, 6)], settings=settings, broker=False) as house:
        gateway = house.start(env=clock.env)
        async with gateway.stream() as stream:
            house.do("kald-01", "press")
            slow = await gateway.alert_of("kald-01")
            assert (await gateway.act(slow["id"], "acknowledge"))[0] == 200
            house.do("kald-02", "press")
            await gateway.alert_of("kald-02")
            for number, hours in ((3, HOURS), (4, -HOURS), (5, 0)):
                quick = f"kald-{number:02d}"
                pressed_s = time.monotonic()
                house.do(quick, "long_press")
                begun = await gateway.alert_of(quick)
                assert begun["priority"] == "emergency"
                await jumped(gateway, clock, hours)
                passed_on = await stream.seen("alert", device=quick, step=2)
                assert passed_on.at_s - pressed_s >= QUICK_S, "it escalated early"
                assert (await gateway.alert_of("kald-01"))["handling"] == "acknowledged", "it returned early"
                assert (await gateway.alert_of("kald-02"))["step"] == 1, "it escalated early"
                house.do("kald-02", "press")
            await gateway.alert_of("kald-02", count=4)

            async def calm() -> bool:
                steps = {one["device"]: one["step"] for one in await gateway.alerts()}
                return sorted(steps.items()) == [(f"kald-{n:02d}", 1 if n < 3 else 2) for n in range(1, 6)]

            await holds(calm, for_s=1.5)
        own = [one["kind"] for one in await gateway.every_alert() if one["concern"] == "technical"]
        assert own in ([], ["clock.stepped"]), "that it jumped is told, once, and nothing else"
        assert len(await gateway.alerts()) == 5
