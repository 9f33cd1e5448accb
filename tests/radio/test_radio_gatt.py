"""Devices that are connected to, through real bleak: heard, lost, found again, and each in its turn."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model.frames import GattValue
from gateway.model.gatt import GattPlan, GattWrite, merged
from support.children import die_with_parent, end
from support.eventually import eventually
from support.radio import Heard, radio_of, settings
from support.simulator import Simulator, simulator

STRAPS = {f"hjerte-{n}": f"A4:C1:38:00:01:0{n}" for n in range(1, 5)}
THERMOMETER = "A4:C1:38:00:01:09"
SCENARIO = 'title = "Straps and a thermometer"\n' + "".join(
    f'[[device]]\nname = "{name}"\nkind = "{kind}"\naddress = "{address}"\ninterval = 0.2\n'
    for name, kind, address in [
        *((name, "heart-rate-strap", address) for name, address in STRAPS.items()),
        ("termo-1", "thermometer", THERMOMETER),
    ]
)
RATE, LOCATION, LEVEL, TEMPERATURE = "2a37", "2a38", "2a19", "2a1c"


def strap(n: int, **more: object) -> GattPlan:
    plan = {"address": STRAPS[f"hjerte-{n}"], "device": f"hjerte-{n}", "listen": (RATE,)}
    return GattPlan(**(plan | more))  # type: ignore[arg-type]


THERMO = GattPlan(address=THERMOMETER, device="termo-1", listen=(TEMPERATURE,), brief=True)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("sim"), SCENARIO) as running:
        yield running


def of(heard: Heard, address: str, characteristic: str | None = None) -> list[GattValue]:
    return [v for v in heard.values if v.address == address and characteristic in (None, v.characteristic)]


async def test_notifications_and_reads(sim: Simulator) -> None:
    """Values come as frames with service and characteristic; what notifies is read once, before."""
    heard = Heard()
    plan = strap(1, listen=(RATE, LEVEL), read=(LEVEL, LOCATION))
    async with radio_of(settings(), heard, plans=[plan]) as radio:
        await eventually(lambda: len(of(heard, plan.address, RATE)) >= 2)
        assert radio.links() == {"hjerte-1": True}
        levels = of(heard, plan.address, LEVEL)
        assert len(levels) == 1
        sim.do("hjerte-1", "battery", "41")
        await eventually(lambda: [v.value for v in of(heard, plan.address, LEVEL)] == [levels[0].value, b")"])
        rate = of(heard, plan.address, RATE)[0]
        assert (rate.service, rate.source) == ("180d", "hci0")
        assert rate.heard is not None
        assert [v.service for v in of(heard, plan.address, LOCATION)] == ["180d"]


async def test_a_link_that_drops_is_made_anew(sim: Simulator) -> None:
    """The device goes out of range, or in the middle of a read: it is connected to again."""
    heard = Heard()
    plan = strap(1)
    async with radio_of(settings(), heard, plans=[plan]) as radio:
        await eventually(lambda: of(heard, plan.address))
        for fault in ("drop", "silence"):
            sim.do("hjerte-1", fault)
            if fault == "silence":
                await eventually(lambda: radio.links() == {"hjerte-1": False})
                sim.do("hjerte-1", "wake")
            before = len(of(heard, plan.address))
            await eventually(lambda before=before: len(of(heard, plan.address)) > before)
    sim.do("hjerte-1", "drop_on_read")
    heard = Heard()
    async with radio_of(settings(), heard, plans=[strap(1, read=(LEVEL,))]):
        await eventually(lambda: of(heard, plan.address, LEVEL) and of(heard, plan.address, RATE))


async def test_connecting_and_subscribing_refused(sim: Simulator) -> None:
    """Tried again, less and less often."""
    heard = Heard()
    sim.do("adapter", "fail", "Connect:Failed:1")
    sim.do("adapter", "fail", "StartNotify:NotSupported:1")
    async with radio_of(settings(), heard, plans=[strap(1)]):
        await eventually(lambda: of(heard, STRAPS["hjerte-1"]))


async def test_bluetoothd_restarted_takes_the_links_along(sim: Simulator) -> None:
    """All links are lost whatever bleak says; they come back with the devices."""
    heard = Heard()
    plans = [strap(1), strap(2)]
    async with radio_of(settings(), heard, plans=plans):
        await eventually(lambda: all(of(heard, plan.address) for plan in plans))
        sim.do("adapter", "restart")
        heard.frames.clear()
        await eventually(lambda: all(len(of(heard, plan.address)) > 1 for plan in plans))


async def test_a_connection_left_by_a_crash_is_taken_over(sim: Simulator) -> None:
    """A gateway that was killed leaves its devices connected, and so silent on the air."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(Path(__file__).parents[1]), STRAPS["hjerte-1"]],
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  (prctl and getppid alone)
    )
    try:
        assert child.stdout is not None
        assert await asyncio.to_thread(child.stdout.readline) == b"connected\n"
        child.kill()
    finally:
        end(child)
        child.communicate()
    heard = Heard()
    async with radio_of(settings(), heard, plans=[strap(1)]):
        await eventually(lambda: of(heard, STRAPS["hjerte-1"]))
        assert not [frame for frame in heard.advertisements if frame.address == STRAPS["hjerte-1"]]


CHILD = """
    import asyncio, sys
    sys.path.insert(0, sys.argv[1])
    from support.radio import Heard, radio_of, settings
    from gateway.model.gatt import GattPlan

    async def main():
        heard = Heard()
        plan = GattPlan(address=sys.argv[2], device="hjerte-1", listen=("2a37",))
        async with radio_of(settings(), heard, plans=[plan]):
            while not heard.values:
                await asyncio.sleep(0.02)
            print("connected", flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
"""


async def test_more_devices_than_connections(sim: Simulator) -> None:
    """Four straps share two connections: each gets turns; one that carries calls keeps its own."""
    heard = Heard()
    plans = [strap(1, keep=True), *(strap(n) for n in (2, 3, 4))]
    lost = 0
    async with radio_of(settings(radio={"connections": 2}), heard, plans=plans) as radio:
        kept = STRAPS["hjerte-1"]
        await eventually(lambda: of(heard, kept))
        heard.frames.clear()

        def each_had_its_turn() -> bool:
            nonlocal lost
            lost += not radio.links()["hjerte-1"]
            assert sum(radio.links().values()) <= 2
            count = Counter(value.address for value in heard.values)
            return all(count[plan.address] for plan in plans)

        await eventually(each_had_its_turn)
    assert lost == 0


async def test_a_thermometer_is_connected_to_when_it_appears(sim: Simulator) -> None:
    """On the air only after a measurement: it does not wait for a strap's turn to end."""
    sim.do("termo-1", "silence")
    heard = Heard()
    async with radio_of(settings(radio={"connections": 1}), heard, plans=[strap(1), THERMO]):
        await eventually(lambda: of(heard, STRAPS["hjerte-1"]))
        sim.do("termo-1", "wake")
        sim.do("termo-1", "measure", "38.9")
        (value,) = await eventually(lambda: of(heard, THERMOMETER))
        assert (value.service, value.characteristic) == ("1809", TEMPERATURE)
        assert value.value[1:5] == bytes.fromhex("850100ff")  # 389 x 10^-1 as IEEE 11073 FLOAT
        sim.do("termo-1", "silence")
        before = len(of(heard, STRAPS["hjerte-1"]))
        await eventually(lambda: len(of(heard, STRAPS["hjerte-1"])) > before)
    sim.do("termo-1", "wake")


async def test_what_is_only_read_lets_go(sim: Simulator) -> None:
    """Devices with nothing to listen to share one connection, and are read again after their interval."""
    heard = Heard()
    plans = [strap(n, listen=(), read=(LEVEL,), poll_every=timedelta(seconds=0.4)) for n in (1, 2, 3)]
    async with radio_of(settings(radio={"connections": 1}), heard, plans=plans):
        await eventually(lambda: all(len(of(heard, plan.address)) >= 2 for plan in plans))
        assert {value.characteristic for value in heard.values} == {LEVEL}


async def test_a_device_without_what_is_wanted_is_left_alone(sim: Simulator) -> None:
    """Nothing of the plan is there: it is tried less and less often, and takes no connection meanwhile."""
    heard = Heard()
    plans = [
        strap(1, listen=("2a35",), setup=(GattWrite("2a9f", b"\x01"),)),
        strap(2, listen=(LOCATION,), poll_every=timedelta(seconds=0.3)),
    ]
    async with radio_of(settings(radio={"connections": 1}), heard, plans=plans) as radio:
        await eventually(lambda: len(of(heard, STRAPS["hjerte-2"])) >= 2)  # cannot notify, so it is read
        assert not of(heard, STRAPS["hjerte-1"])
        radio.reload(settings(radio={"connections": 2}))


async def test_plans_that_change_while_it_runs(sim: Simulator) -> None:
    """A device added is connected to, one removed is let go."""
    heard = Heard()
    plans = [strap(1)]
    async with radio_of(settings(), heard, plans=plans) as radio:
        await eventually(lambda: of(heard, STRAPS["hjerte-1"]))
        plans[:] = [strap(2)]
        radio.reload(settings())
        await eventually(lambda: radio.links() == {"hjerte-2": True})
        count = len(of(heard, STRAPS["hjerte-1"]))
        await eventually(lambda: len(of(heard, STRAPS["hjerte-2"])) >= 2)
        assert len(of(heard, STRAPS["hjerte-1"])) <= count + 1


def test_plans_of_several_drivers_become_one() -> None:
    """A strap has a driver for its rate and one for its battery, and one connection."""
    rate = strap(1, poll_every=timedelta(hours=2))
    battery = strap(1, listen=(LEVEL, RATE), read=(LEVEL,), poll_every=timedelta(hours=1), keep=True)
    other = strap(2)
    out = merged([rate, battery, other])
    assert list(out) == [rate.address, other.address]
    joined = out[rate.address]
    assert (joined.listen, joined.read) == ((RATE, LEVEL), (LEVEL,))
    assert (joined.poll_every, joined.keep, joined.brief) == (timedelta(hours=1), True, False)
