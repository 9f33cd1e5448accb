"""The intake room with a clock that the test moves and a sink that keeps what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.intake.intake import Intake
from gateway.model.alert import Concern
from gateway.model.clock import ClockQuality, Instant
from gateway.model.frames import Advertisement, GattValue, Message
from gateway.model.readings import Guard, Record
from gateway.model.trouble import Trouble
from gateway.settings.models import Settings
from support.records import instant

ADDRESS = "A4:C1:38:10:20:30"
KEY = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
HELP = {"help": {"means": {"button": "help_call"}}}


class NotKept(Exception):
    """The disk refuses."""


class Room:
    """An intake with everything around it. `restart` makes a new one that knows what was committed."""

    def __init__(
        self,
        devices: Mapping[str, Mapping[str, Any]] | None = None,
        profiles: Mapping[str, Any] | None = None,
        basis: Callable[[str, Concern], bool] = lambda _place, _concern: True,
        host: Any = None,
    ) -> None:
        """Configure devices (default: one BTHome call button, `kald-01`) and start."""
        self.after_s = 0.0
        self.boot, self.quality = "boot-1", ClockQuality.SYNCED
        self.events: list[Record] = []
        self.routine_records: list[Record] = []
        self.kept: dict[tuple[str, str], Guard] = {}
        self.calls: list[tuple[str, list[Record], list[Guard]]] = []
        self.troubles: list[Trouble] = []
        self.refuses = False
        self.before_commit: Callable[[], Any] | None = None
        self._basis, self._host = basis, host
        self._ids = count(1)
        default = {"address": ADDRESS, "driver": "bthome", "profile": "help"}
        self.settings = self.configured(devices or {"kald-01": default}, profiles)
        self.intake = self._made()

    @staticmethod
    def configured(
        devices: Mapping[str, Mapping[str, Any]], profiles: Mapping[str, Any] | None = None
    ) -> Settings:
        """Make a configuration; a device without a place is in room-01."""
        return Settings.model_validate(
            {
                "site": {"municipality": "kommune-a", "home": "solhjem", "gateway": "gw-1"},
                "place": {"room-01": {}, "room-02": {}},
                "profiles": profiles or HELP,
                "device": {slug: {"place": "room-01", **device} for slug, device in devices.items()},
            }
        )

    def _made(self) -> Intake:
        return Intake(
            self.settings,
            list(self.kept.values()),
            self,
            lambda _ns: f"id-{next(self._ids)}",
            self,
            self._basis,
            self.troubles.append,
            self._host,
        )

    def restart(self, *, away_s: float = 5.0, boot: str = "boot-1") -> None:
        """Kill it and start again, with what was committed."""
        self.after_s += away_s
        self.boot = boot
        self.intake.close()
        self.intake = self._made()

    # -- Clock ------------------------------------------------------------------------------------------

    def now(self) -> Instant:
        """Give the present moment."""
        return instant(self.after_s, boot=self.boot, quality=self.quality)

    # -- Sink -------------------------------------------------------------------------------------------

    async def event(self, records: list[Record], guards: list[Guard]) -> None:
        """Commit events with their guards, or refuse."""
        if self.before_commit is not None:
            await self.before_commit()
        if self.refuses:
            raise NotKept
        self.calls.append(("event", records, guards))
        self.events += records
        self._keep(guards)

    def routine(self, records: list[Record], guards: list[Guard]) -> None:
        """Keep measurements and states."""
        self.calls.append(("routine", records, guards))
        self.routine_records += records
        self._keep(guards)

    def _keep(self, guards: list[Guard]) -> None:
        self.kept |= {(guard.device, guard.name): guard for guard in guards}

    # -- what happens ------------------------------------------------------------------------------------

    async def hear(self, data: str | bytes, after_s: float = 0.0, **more: Any) -> None:
        """Hear BTHome service data; `brought`, `rssi`, `source`, `address` as in the frame."""
        self.after_s += after_s
        payload = bytes.fromhex(data) if isinstance(data, str) else data
        frame: dict[str, Any] = {"address": ADDRESS, "rssi": -60, "source": "hci0"}
        frame |= {"service_data": {"fcd2": payload}, "heard": self.now(), **more}
        await self.intake.take(Advertisement(**frame))

    async def value(self, data: str, service: str, characteristic: str, address: str = ADDRESS) -> None:
        """Receive a value of a characteristic."""
        await self.intake.take(
            GattValue(
                address=address,
                service=service,
                characteristic=characteristic,
                value=bytes.fromhex(data),
                heard=self.now(),
            )
        )

    async def message(
        self,
        payload: str,
        topic: str = "zigbee2mqtt/kald-01",
        after_s: float = 0.0,
        *,
        retained: bool = False,
    ) -> None:
        """Receive an MQTT message."""
        self.after_s += after_s
        frame = Message(topic=topic, payload=payload.encode(), retained=retained, heard=self.now())
        await self.intake.take(frame)

    def said(self) -> list[tuple[str, Any]]:
        """Give the events so far: quantity and word."""
        return [(record.quantity, record.value) for record in self.events]

    def stored(self) -> list[tuple[str, Any]]:
        """Give the measurements and states so far."""
        return [(record.quantity, record.value) for record in self.routine_records]


def press(number: int, code: int = 1, *, battery: int = 100) -> bytes:
    """Make a plain BTHome press with a packet id, as a Shelly BLU button sends it."""
    return bytes([0x44, 0x00, number, 0x01, battery, 0x3A, code])


def encrypted(
    plain: bytes, counter: int, key: bytes = KEY, info: int = 0x45, address: str = ADDRESS
) -> bytes:
    """Encrypt BTHome objects."""
    number = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(address.replace(":", "")) + b"\xd2\xfc" + bytes([info]) + number
    body = AESCCM(key, 4).encrypt(nonce, plain, None)
    return bytes([info]) + body[:-4] + number + body[-4:]
