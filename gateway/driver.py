"""The whole public face for driver authors. A driver imports from here and from nothing else of Velgate.

A driver is a value named `driver`, found by an entry point of the group `velgate.drivers`: what it is,
which frames are its own, and a pure function that turns one of them into facts. It keeps no state; repeats,
replay counters and plausibility are judged by the host. See `drivers/` for six that are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeAlias

from gateway.model import quantities
from gateway.model.bytes import (
    Field,
    Fields,
    Reader,
    code,
    flags,
    float32,
    i8,
    i16,
    i24,
    i32,
    sequence,
    sfloat,
    sfloat_field,
    signed,
    skip,
    u8,
    u16,
    u24,
    u32,
)
from gateway.model.ccm import decrypt_ccm
from gateway.model.decoding import (
    DecodeError,
    KeyMissing,
    KeyWrong,
    Malformed,
    Truncated,
    Unsupported,
    known,
)
from gateway.model.matching import Match, Where
from gateway.model.numbering import numbered
from gateway.model.quantity import Quantity
from gateway.model.readings import (
    Availability,
    Counter,
    Fact,
    Kind,
    LastSeen,
    Reading,
    Sequence,
    Standing,
    Value,
)
from gateway.model.views import Advertisement, GattValue, Message, address_bytes, address_text

__all__ = [
    "API",
    "Advertisement",
    "AdvertisementDriver",
    "Availability",
    "Counter",
    "DecodeError",
    "Driver",
    "Fact",
    "Field",
    "Fields",
    "GattDriver",
    "GattValue",
    "KeyMissing",
    "KeyWrong",
    "Kind",
    "LastSeen",
    "Malformed",
    "Match",
    "Message",
    "MessageDriver",
    "Quantity",
    "Reader",
    "Reading",
    "Sequence",
    "Standing",
    "Truncated",
    "Unsupported",
    "Value",
    "Where",
    "Write",
    "address_bytes",
    "address_text",
    "code",
    "decrypt_ccm",
    "flags",
    "float32",
    "i8",
    "i16",
    "i24",
    "i32",
    "known",
    "numbered",
    "quantities",
    "sequence",
    "sfloat",
    "sfloat_field",
    "signed",
    "skip",
    "u8",
    "u16",
    "u24",
    "u32",
]

API = 1
"""The version of this face; a driver written for a later one is refused."""


@dataclass(frozen=True, kw_only=True)
class _Driver:
    name: str
    """A slug; configuration and `velgate driver list` know it by this."""
    version: str
    models: tuple[str, ...]
    """The products or formats it knows, as a technician looks them up."""
    match: Match | tuple[Match, ...]
    """Which frames are its own. Two drivers with an equal match do not load together."""
    heard_every: timedelta | None
    """How often such a device speaks by itself: silence is an alarm. None: only when it is pressed, or it
    differs from product to product (then a profile or the device says it)."""
    reports: tuple[Quantity, ...] = ()
    """What it may report: whether calls or falls hang on it follows from this. `Fields` say it themselves."""
    api: int = API

    takes: ClassVar[frozenset[Where]] = frozenset()

    @property
    def matches(self) -> tuple[Match, ...]:
        """Its matches, always as a tuple."""
        return self.match if isinstance(self.match, tuple) else (self.match,)

    @property
    def said(self) -> tuple[Quantity, ...]:
        """All that it may report: `reports`, or what its `Fields` name."""
        decode = getattr(self, "decode", None)
        return self.reports or (decode.quantities if isinstance(decode, Fields) else ())


@dataclass(frozen=True, kw_only=True)
class AdvertisementDriver(_Driver):
    """Decodes what devices broadcast."""

    decode: Callable[[Advertisement], Iterable[Fact]]
    quiet_gap: timedelta = timedelta(seconds=2)
    """Equal bytes within it are one transmission; after it they are news, if nothing in them counts."""

    takes = frozenset({Where.SERVICE_DATA, Where.COMPANY, Where.SERVICE, Where.NAME})


@dataclass(frozen=True, slots=True)
class Write:
    """A value to write to a characteristic after each connection, before anything is read."""

    characteristic: str
    value: bytes


@dataclass(frozen=True, kw_only=True)
class GattDriver(_Driver):
    """Decodes values of characteristics; the host connects, writes, reads, listens and retries."""

    decode: Callable[[GattValue], Iterable[Fact]]
    listen: tuple[str, ...] = ()
    """Characteristics to be notified of."""
    read: tuple[str, ...] = ()
    """Characteristics to read after connecting, and again every `poll_every`."""
    also: tuple[str, ...] = ()
    """Characteristics that the format has and nobody needs: a value of them is no unknown frame."""
    setup: tuple[Write, ...] = ()
    poll_every: timedelta | None = None
    brief: bool = False
    """It is on the air only at times, such as after a measurement: connected to at once."""
    companion: bool = False
    """Of use on every device that is connected to, beside its own driver."""

    takes = frozenset({Where.SERVICE})


@dataclass(frozen=True, kw_only=True)
class MessageDriver(_Driver):
    """Decodes MQTT messages of another system."""

    decode: Callable[[Message], Iterable[Fact]]

    takes = frozenset({Where.TOPIC})


Driver: TypeAlias = AdvertisementDriver | GattDriver | MessageDriver
