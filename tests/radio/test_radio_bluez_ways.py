"""The same radio on other BlueZ releases, controllers and settings of bluetoothd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.gatt import GattPlan
from support.eventually import eventually
from support.radio import Heard, radio_of, settings
from support.simulator import Simulator, simulator

BUTTON, STRAP, OTHER = "A4:C1:38:00:00:01", "A4:C1:38:00:01:01", "A4:C1:38:00:01:02"
PRESSED = bytes.fromhex("3a01")
LATER = f"""
title = "A later BlueZ, and a controller that drops repeats"
[adapter]
release = "5.88"
repeats = "changes"
[[device]]
name = "kald-01"
kind = "call-button"
address = "{BUTTON}"
interval = 0.3
"""
UNCACHED = f"""
title = "No GATT cache"
[adapter]
gatt_cache = "no"
[[device]]
name = "hjerte-1"
kind = "heart-rate-strap"
address = "{STRAP}"
interval = 0.2
[[device]]
name = "hjerte-2"
kind = "heart-rate-strap"
address = "{OTHER}"
interval = 0.2
"""
PLANS = [
    GattPlan(address=address, device=name, listen=("2a37",))
    for name, address in [("hjerte-1", STRAP), ("hjerte-2", OTHER)]
]


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Simulator]:
    with simulator(tmp_path, LATER) as running:
        yield running


@pytest.fixture
def uncached(tmp_path: Path) -> Iterator[Simulator]:
    with simulator(tmp_path, UNCACHED) as running:
        yield running


async def test_presses_are_told_apart(later: Simulator) -> None:
    """Each press comes with a packet that brought it."""
    heard = Heard()
    async with radio_of(settings(), heard) as radio:
        await eventually(lambda: radio.health()[0]["state"] == "up")
        for n in range(1, 4):
            later.do("kald-01", "press")

            def brought(n: int = n) -> bool:
                payloads = {
                    frame.service_data["fcd2"]
                    for frame in heard.advertisements
                    if frame.brought and PRESSED in frame.service_data.get("fcd2", b"")
                }
                return len(payloads) == n

            await eventually(brought)


async def test_connections_without_a_cache(uncached: Simulator) -> None:
    """The attributes vanish with each link and are found anew."""
    heard = Heard()
    async with radio_of(settings(), heard, plans=PLANS[:1]):
        await eventually(lambda: heard.values)
        uncached.do("hjerte-1", "drop")
        before = len(heard.values)
        await eventually(lambda: len(heard.values) > before)


async def test_a_controller_that_is_full(uncached: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    """Connecting fails in its own time and again; when there is room, it works."""
    heard = Heard()
    uncached.do("adapter", "slots", "1")
    try:
        async with radio_of(settings(), heard, plans=PLANS) as radio:
            await eventually(lambda: sum(radio.links().values()) == 1)
            await eventually(lambda: "hjerte-" in caplog.text)
            uncached.do("adapter", "slots", "7")
            await eventually(lambda: {value.address for value in heard.values} == {STRAP, OTHER})
    finally:
        uncached.do("adapter", "slots", "7")
