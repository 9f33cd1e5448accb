"""Under load: each press counted once, and what was taken in is kept when the gateway is asked to stop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from firmware_sim.devices.load import load_specs
from support.children import die_with_parent, end
from support.eventually import eventually, holds
from support.gateway_process import Gateway, Home, Simulated, button, home

CHATTER = 300
PRESSES = 100
STOP_WITHIN_S = 10.0
KEY = "5b51a7c91e4f2c0d8896aa10f3e27b64"
BUTTONS = [button(1), button(2), button(3, key=KEY), button(4), button(5, key=KEY)]
KNOWN = {
    spec.name: {"address": spec.address, "place": "room-01", "driver": "bthome", "profile": "climate"}
    for spec in load_specs(CHATTER)
}


async def press_all(house: Home, count: int) -> Counter[str]:
    """Press the buttons in turn, as fast as the simulator takes it; give how often each was pressed."""
    pressed: Counter[str] = Counter()
    for number in range(count):
        name = BUTTONS[number % len(BUTTONS)].name
        await asyncio.to_thread(house.do, name, "press")
        pressed[name] += 1
    return pressed


async def counted(gateway: Gateway, pressed: Counter[str]) -> bool:
    """Tell whether alerts and history say what was pressed, no more and no less."""
    alerts = {one["device"]: one["count"] for one in await gateway.alerts()}
    events = Counter(row["device"] for row in await gateway.readings("quantity=help_call"))
    assert alerts == pressed
    assert events == pressed
    return True


async def test_a_hundred_presses_among_three_hundred_devices_count_once_each(tmp_path: Path) -> None:
    """Five buttons, two of them encrypted, pressed in one go; a dozen copies of each press are on the air."""
    chatter = ["--devices", str(CHATTER), "--rate", "0.5"]
    with home(tmp_path, BUTTONS, settings={"device": KNOWN}, simulator=chatter) as house:
        gateway = house.start()
        await eventually(lambda: _heard(gateway))
        pressed = await press_all(house, PRESSES)
        assert pressed.total() == PRESSES
        await eventually(lambda: counted(gateway, pressed))
        await holds(lambda: counted(gateway, pressed), for_s=2.5, every_s=0.25)  # the last copies come
        assert all(one["concern"] != "technical" for one in await gateway.every_alert())


async def _heard(gateway: Gateway) -> bool:
    """Tell whether most of the house was heard."""
    rows = (await gateway.get("/api/v1/devices"))["devices"]
    return sum(row["last_seen"] is not None for row in rows) > CHATTER / 2


async def test_asked_to_stop_under_load_it_keeps_what_it_took_and_ends_in_time(tmp_path: Path) -> None:
    """Exit code 0 in under ten seconds; every measurement and every press heard before is in the journal."""
    slow = Simulated(
        name="klima-01", kind="climate", address="A4:C1:38:00:02:01", place="room-01", interval=600
    )
    chatter = ["--devices", str(CHATTER), "--rate", "1"]
    with home(tmp_path, [*BUTTONS, slow], settings={"device": KNOWN}, simulator=chatter) as house:
        gateway = house.start()
        values = [19 + step % 7 for step in range(21)]  # each differs from the one before
        async with gateway.stream(), gateway.stream():  # somebody looks on
            pressed = await press_all(house, 20)
            for value in values:
                sent_s = house.do("klima-01", "measure", str(value))
                await eventually(partial(_seen_since, gateway, sent_s))
            await eventually(lambda: counted(gateway, pressed))
            asked = time.monotonic()
            assert gateway.stop() == 0
            assert time.monotonic() - asked < STOP_WITHIN_S
        assert "Traceback" not in gateway.log()
        assert "not everything stopped" not in gateway.log()
        gateway = house.start()
        await counted(gateway, pressed)
        rows = await gateway.readings("device=klima-01&quantity=temperature")
        kept = [round(row["value"]) for row in rows]
        assert kept[-len(values) :] == values, "the last group was not committed when it was asked to stop"


async def _seen_since(gateway: Gateway, sent_s: float) -> bool:
    """Tell whether the sensor was heard since: by the frame itself, or at the latest by its repetition."""
    rows = (await gateway.get("/api/v1/devices"))["devices"]
    seen = next(row["last_seen"] for row in rows if row["device"] == "klima-01")
    return seen is not None and datetime.fromisoformat(seen).timestamp() >= sent_s - 0.001


@contextmanager
def computing_beside() -> Iterator[None]:
    """Run a report on every processor: children that compute all the time, nice 19, as reports do."""
    parent_dies = die_with_parent()

    def nicely() -> None:
        parent_dies()
        os.nice(19)

    reports = [
        subprocess.Popen(
            [sys.executable, "-c", "while True: sum(range(100_000))"],
            preexec_fn=nicely,  # noqa: PLW1509  (prctl, getppid and nice alone, which take no lock)
        )
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for report in reports:
            end(report)


async def test_a_report_that_computes_beside_loses_no_call(tmp_path: Path) -> None:
    """Ten seconds of presses while every processor is busy: each is told, kept, and can be taken."""
    with home(tmp_path, BUTTONS) as house:
        gateway = house.start()
        await gateway.outlet_is("up")
        pressed: Counter[str] = Counter()
        async with gateway.stream() as stream, house.mqtt() as client:
            await client.subscribe("velgate/v1/+/+/device/+/help_call", qos=1)
            with computing_beside():
                ends = time.monotonic() + 10
                while time.monotonic() < ends:
                    pressed += await press_all(house, len(BUTTONS))
                    await eventually(partial(counted, gateway, pressed))
                assert await gateway.text("/readyz") == (200, "ok")
                for name in pressed:
                    alert = await gateway.alert_of(name)
                    assert (await gateway.act(alert["id"], "acknowledge"))[0] == 200
            published = 0
            while published < pressed.total():
                async with asyncio.timeout(60):
                    await anext(client.messages)
                published += 1
            for name, count in pressed.items():
                await stream.seen("alert", device=name, count=count, durable=True)
        assert all(room["restarts"] == 0 for room in (await gateway.get("/api/v1/health"))["rooms"])
