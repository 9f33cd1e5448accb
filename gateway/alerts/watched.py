"""What the alerts must know of each device: when it is to be heard, what hangs on it, what battery it takes.

Put together from the device, its profile and its driver, the nearer winning. Drivers are known to intake
alone, so the composition root hands their facts in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol, TypeAlias

from gateway.model.clock import parse_iso
from gateway.model.quantity import Quantity
from gateway.settings.models import Battery, Device, Profile, Settings

CALLS = frozenset({"help_call", "fall"})
"""Quantities that must never go unheard."""

CARRIED = {"call-button": "help_call", "call-cord": "help_call", "fall-detector": "fall"}
"""Kinds of product (`meets = "call-button/1"`) on which a call or a fall hangs."""

PRESENCE_BUTTON = "presence-button"
"""The kind of product that staff press at the door (`meets = "presence-button/1"`)."""

Source: TypeAlias = Literal["radio", "messages"]


class DriverFacts(Protocol):
    """What a driver says of its devices; `gateway.driver.Driver` does."""

    @property
    def name(self) -> str:
        """Its slug."""
        ...

    @property
    def heard_every(self) -> timedelta | None:
        """How often they speak by themselves; None: only when pressed, or it differs."""
        ...

    @property
    def said(self) -> Iterable[Quantity]:
        """All that it may report."""
        ...


DriverOf: TypeAlias = Callable[[str, Device], DriverFacts | None]
"""Gives the driver of a device, by its name; None while nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One device, as supervision and rules see it."""

    device: str
    place: str
    driver: str | None
    source: Source
    heard_every: timedelta | None
    """None: it speaks only when pressed, and is supervised by its chain test."""
    calls: bool
    """Help calls or falls hang on it."""
    says: frozenset[str]
    """Quantities that its profile says it means; none where only its driver knows."""
    battery_type: str
    battery_low: float
    """%; at or below it the battery is to be changed."""
    maintenance_until_ns: int | None
    """Unix nanoseconds."""
    bridge: str | None = None
    """The bridge that its messages come by, as a slug: `zigbee2mqtt` of `zigbee2mqtt/toilet-12`."""
    stated: bool = True
    """Somebody has said how often it speaks, or that it never does by itself."""
    presence: bool = False
    """A button at the door: pressed by staff, it says that somebody is there."""


def watched(settings: Settings, driver_of: DriverOf) -> dict[str, Watched]:
    """Put together every device that is configured, by name."""
    return {
        name: _one(name, device, settings, driver_of(name, device))
        for name, device in settings.device.items()
    }


def _one(name: str, device: Device, settings: Settings, driver: DriverFacts | None) -> Watched:
    profile = settings.profiles.get(device.profile or "")
    battery = (profile and profile.battery) or Battery()
    return Watched(
        device=name,
        place=device.place,
        driver=driver.name if driver else device.driver,
        source="radio" if device.address else "messages",
        heard_every=_interval(device, profile, driver),
        calls=not CALLS.isdisjoint(_carried(profile, driver)),
        says=frozenset(_meanings(profile.means)) if profile else frozenset(),
        battery_type=battery.type,
        battery_low=battery.low,
        maintenance_until_ns=parse_iso(device.maintenance_until) if device.maintenance_until else None,
        bridge=bridge_of(device.topic) if device.topic else None,
        stated=_stated(device, profile, driver) is not None,
        presence=product(profile) == PRESENCE_BUTTON,
    )


def bridge_of(topic: str) -> str | None:
    """Name the bridge of a device's topic, which speaks on `…/bridge/state`; None for a bare topic."""
    base, _, _ = topic.rpartition("/")
    return base.replace("/", "-").lower() or None


def product(profile: Profile | None) -> str:
    """Give the kind of product that a profile says it is: `call-button` of `call-button/1`."""
    return (profile.meets or "").partition("/")[0] if profile else ""


def _interval(device: Device, profile: Profile | None, driver: DriverFacts | None) -> timedelta | None:
    """The nearest that says one; a device or profile that says `0s` speaks only when pressed."""
    return _stated(device, profile, driver) or None


def _stated(device: Device, profile: Profile | None, driver: DriverFacts | None) -> timedelta | None:
    said = (
        device.heard_every,
        profile.heard_every if profile else None,
        driver.heard_every if driver else None,
    )
    return next((span for span in said if span is not None), None)


def _carried(profile: Profile | None, driver: DriverFacts | None) -> set[str]:
    """What may come of it: what the profile says it means, and what its kind or else its driver can say.

    A driver of a whole family (Zigbee2MQTT) can say calls of any device. That counts until a profile says
    which kind of product this is: better a thermometer too loud than a button too quiet.
    """
    carried = set() if profile is None else _meanings(profile.means)
    if profile is not None and profile.meets:
        return carried | {CARRIED.get(profile.meets.partition("/")[0], "")}
    return carried | {quantity.name for quantity in (driver.said if driver else ())}


def _meanings(means: Mapping[str, object]) -> set[str]:
    found: set[str] = set()
    for meaning in means.values():
        words = meaning.values() if isinstance(meaning, Mapping) else (meaning,)
        found.update(str(word).partition(".")[0] for word in words)
    return found
