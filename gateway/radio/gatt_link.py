"""One connection to one device: set it up, listen, read, and let it go.

BlueZ confirms indications by itself, and a meter then forgets the measurement: so values go out the moment
they come. A characteristic that is subscribed is never read, because BlueZ reports a read as a notification.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from gateway.model.clock import Clock
from gateway.model.frames import GattValue, short_uuid
from gateway.model.gatt import GattPlan
from gateway.radio.saying import said

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPatience:
    """How long to wait for what, in seconds. bleak itself would wait for some of it for ever."""

    connect_within_s: float = 10.0
    """Nobody else can connect meanwhile; a device that was heard just now answers in a second or three."""
    call_within_s: float = 5.0
    let_go_within_s: float = 5.0


class NothingThere(Exception):
    """The device has none of the characteristics that its plan names, or gave none of them."""


class Link:
    """One connection. `serve` runs it; `let_go` and `lost` end it from outside."""

    def __init__(
        self,
        device: BLEDevice,
        plan: GattPlan,
        *,
        adapter: str,
        clock: Clock,
        put: Callable[[GattValue], None],
        patience: LinkPatience,
    ) -> None:
        """Prepare a connection to a device that was heard; `put` takes each value and returns at once."""
        self._device, self._plan, self._adapter = device, plan, adapter
        self._clock, self._put, self._patience = clock, put, patience
        self._ended = asyncio.Event()
        self.listens = False
        """It has subscribed to something."""
        self.values = 0
        """How many values it has given."""
        self.connected = False
        self.was_connected = False
        self.given_up = False
        """It was asked to make room for another device."""

    def let_go(self) -> None:
        """Ask it to end: another device waits for a connection."""
        self.given_up = True
        self._ended.set()

    def lost(self) -> None:
        """End it: the connection is gone, whatever bleak says."""
        self._ended.set()

    async def serve(self, connecting: asyncio.Lock) -> None:
        """Connect, do what the plan says, and stay while there is something to hear.

        Only one connection is being made at a time: `connecting`. Returns when the device went, was let go,
        or had been read and has nothing to listen to. Raises what bleak raises, TimeoutError, NothingThere.
        """
        client = BleakClient(
            self._device,
            disconnected_callback=lambda _: self._ended.set(),
            timeout=self._patience.connect_within_s,
            bluez={"adapter": self._adapter},
        )
        try:
            async with connecting, asyncio.timeout(self._patience.connect_within_s):
                await client.connect()
            self.connected = self.was_connected = True
            await self._converse(client)
        finally:
            self.connected = False
            await self._disconnect(client)

    async def _converse(self, client: BleakClient) -> None:
        plan = self._plan
        there = [c for service in client.services for c in service.characteristics]
        listen = [c for c in _named(plan.listen, there) if {"notify", "indicate"} & set(c.properties)]
        heard = {c.handle for c in listen}
        asked = (*plan.read, *plan.listen)
        read = [c for c in _named(asked, there) if "read" in c.properties]
        if not listen and not read:
            raise NothingThere(f"none of {', '.join(dict.fromkeys(asked))} can be read or listened to")
        for write in plan.setup:
            for characteristic in _named((write.characteristic,), there):
                await self._try(client, client.write_gatt_char(characteristic, write.value), characteristic)
        if not plan.brief:  # a meter gives its value within seconds: listening comes first there
            wanted = [c for c in _named(plan.read, there) if c.handle in heard and c in read]
            await self._read(client, wanted)
        for characteristic in listen:
            if await self._try(client, client.start_notify(characteristic, self._value), characteristic):
                self.listens = True
        rest = [c for c in read if c.handle not in heard]
        await self._read(client, rest)
        if not self.listens:
            if not self.values:
                raise NothingThere("it gave no value")
            return
        await self._stay(client, rest)

    async def _stay(self, client: BleakClient, rest: list[BleakGATTCharacteristic]) -> None:
        every = self._plan.poll_every
        while True:
            try:
                async with asyncio.timeout(every.total_seconds() if every and rest else None):
                    await self._ended.wait()
            except TimeoutError:
                await self._read(client, rest)
            else:
                return

    async def _read(self, client: BleakClient, characteristics: Iterable[BleakGATTCharacteristic]) -> None:
        for characteristic in characteristics:
            if self._ended.is_set():
                return
            await self._try(client, self._read_one(client, characteristic), characteristic)

    async def _read_one(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> None:
        self._value(characteristic, await client.read_gatt_char(characteristic))

    async def _try(
        self, client: BleakClient, call: Awaitable[object], characteristic: BleakGATTCharacteristic
    ) -> bool:
        """Make one call; False where the device refuses this one. Raises where the connection is gone."""
        try:
            async with asyncio.timeout(self._patience.call_within_s):
                await call
        except BleakError as error:
            if self._ended.is_set() or not client.is_connected:
                raise
            log.warning("%s: %s: %s", self._plan.device, short_uuid(characteristic.uuid), said(error))
            return False
        return True

    def _value(self, characteristic: BleakGATTCharacteristic, data: bytes | bytearray) -> None:
        self.values += 1
        self._put(
            GattValue(
                address=self._plan.address,
                service=short_uuid(characteristic.service_uuid),
                characteristic=short_uuid(characteristic.uuid),
                value=bytes(data),
                heard=self._clock.now(),
                source=self._adapter,
            )
        )

    async def _disconnect(self, client: BleakClient) -> None:
        try:
            async with asyncio.timeout(self._patience.let_go_within_s):
                await client.disconnect()
        except Exception as error:  # noqa: BLE001  like a scanner's stop: whatever it raises, this link is done with
            log.info("%s: letting go failed: %s", self._plan.device, said(error))


def _named(
    uuids: Iterable[str], characteristics: Iterable[BleakGATTCharacteristic]
) -> list[BleakGATTCharacteristic]:
    """Pick those with one of the UUIDs, each once, in the order of the UUIDs."""
    known = list(characteristics)
    return [c for uuid in dict.fromkeys(uuids) for c in known if short_uuid(c.uuid) == uuid]
