"""In which order one connection is used: against a peer that only notes what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from gateway.health.clock import SystemClock
from gateway.model.frames import GattValue
from gateway.model.gatt import GattPlan, GattWrite
from gateway.radio.gatt_link import Link, LinkPatience, NothingThere

pytestmark = pytest.mark.looptime


class Peer:
    """A connected client as far as a link uses one."""

    is_connected = True

    def __init__(self, **properties: tuple[str, ...]) -> None:
        self.asked: list[str] = []
        self.refuses: set[str] = set()
        self.callbacks: dict[str, Callable[[Any, bytearray], None]] = {}
        characteristics = [
            SimpleNamespace(
                uuid=uuid.removeprefix("c"), service_uuid="180f", handle=n, properties=list(words)
            )
            for n, (uuid, words) in enumerate(properties.items())
        ]
        self.services = [SimpleNamespace(characteristics=characteristics)]

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuses:
            raise BleakError("not permitted")

    async def write_gatt_char(self, characteristic: Any, data: bytes) -> None:
        self._ask(f"write {characteristic.uuid} {data.hex()}")

    async def read_gatt_char(self, characteristic: Any) -> bytearray:
        self._ask(f"read {characteristic.uuid}")
        return bytearray(b"\x01")

    async def start_notify(self, characteristic: Any, callback: Callable[[Any, bytearray], None]) -> None:
        self._ask(f"listen {characteristic.uuid}")
        self.callbacks[characteristic.uuid] = callback


def link(values: list[GattValue], **plan: Any) -> Link:
    device = BLEDevice("A", None, {})
    return Link(
        device,
        GattPlan(address="A", device="strap-1", **plan),
        adapter="hci0",
        clock=SystemClock(),
        put=values.append,
        patience=LinkPatience(),
    )


BATTERY = {"c2a37": ("notify",), "c2a19": ("read", "notify"), "c2a38": ("read",), "cffe9": ("write",)}


async def during(link: Link, peer: Peer, seconds: float) -> None:
    """Use the connection for so long, then let it go."""
    task = asyncio.create_task(link._converse(peer))  # type: ignore[arg-type]
    await asyncio.sleep(seconds)
    link.let_go()
    await task


async def test_set_up_then_read_then_listen() -> None:
    """What notifies is read before it is subscribed and never after; the rest again every interval."""
    values: list[GattValue] = []
    peer = Peer(**BATTERY)
    setup = (GattWrite("ffe9", b"\x55"),)
    used = link(
        values, listen=("2a37", "2a19"), read=("2a19", "2a38"), setup=setup, poll_every=timedelta(minutes=1)
    )
    await during(used, peer, 130)
    assert peer.asked == [
        "write ffe9 55", "read 2a19", "listen 2a37", "listen 2a19", "read 2a38", "read 2a38", "read 2a38",
    ]  # fmt: skip
    peer.callbacks["2a37"](peer.services[0].characteristics[0], bytearray(b"\x00\x48"))
    assert values[-1].value == b"\x00\x48"
    assert (values[-1].service, values[-1].characteristic) == ("180f", "2a37")


async def test_a_meter_is_listened_to_first() -> None:
    """It gives its value within seconds and goes: nothing comes before the subscription."""
    peer = Peer(c2a1c=("indicate", "read"), c2a1d=("read",))
    await during(link([], listen=("2a1c",), read=("2a1c", "2a1d"), brief=True), peer, 1)
    assert peer.asked == ["listen 2a1c", "read 2a1d"]


async def test_one_refusal_is_not_the_end() -> None:
    """What a device does not permit is passed over, in the set-up too; the rest is used."""
    values: list[GattValue] = []
    peer = Peer(**BATTERY)
    peer.refuses = {"write ffe9 55", "read 2a38", "listen 2a19"}
    await during(
        link(values, listen=("2a37", "2a19"), read=("2a38",), setup=(GattWrite("ffe9", b"\x55"),)), peer, 1
    )
    assert peer.asked == ["write ffe9 55", "listen 2a37", "listen 2a19", "read 2a38"]


@pytest.mark.parametrize("refused", [set(), {"read 2a38"}])
async def test_nothing_to_be_had(refused: set[str]) -> None:
    """Without any value or subscription the connection is worth nothing, and says so."""
    peer = Peer(c2a38=("read",)) if refused else Peer(c2a00=("read",))
    peer.refuses = refused
    with pytest.raises(NothingThere):
        await link([], listen=("2a37",), read=("2a38",))._converse(peer)  # type: ignore[arg-type]


async def test_a_call_without_an_answer_ends_the_connection() -> None:
    """bleak would wait for ever; a link that is gone raises what bleak says."""
    peer = Peer(c2a38=("read",))

    async def hang(_: Any) -> bytearray:
        await asyncio.Event().wait()
        return bytearray()

    peer.read_gatt_char = hang  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await link([], read=("2a38",))._converse(peer)  # type: ignore[arg-type]
    peer = Peer(c2a38=("read",))
    peer.refuses, peer.is_connected = {"read 2a38"}, False
    with pytest.raises(BleakError):
        await link([], read=("2a38",))._converse(peer)  # type: ignore[arg-type]
