"""Which device of this home a frame comes from, and what the configuration says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.intake.index import Loaded
from gateway.model import meaning
from gateway.model.frames import Frame, Message
from gateway.model.quantities import fall, help_call
from gateway.model.readings import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.models import Device, Profile, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One configured device."""

    slug: str
    place: str
    address: str | None
    topic: str | None
    driver: Loaded | None
    """The one it is bound to; None: whichever takes its frames."""
    wants: str | None
    """The driver's name as configured; without `driver` it is not there."""
    heard_every: timedelta | None
    """None: it speaks only when it is pressed, as far as anybody knows."""
    means: Mapping[tuple[str, Kind], meaning.Meaning]

    @property
    def calls(self) -> bool:
        """Whether help calls or falls may come from it, by its driver and what its readings mean."""
        return self.driver is not None and carries_calls(self.driver, self.means)


def carries_calls(loaded: Loaded, means: Mapping[tuple[str, Kind], meaning.Meaning]) -> bool:
    """Tell whether help calls or falls may come out of a driver, given what its readings mean."""
    for quantity in loaded.driver.said:
        meant = means.get((quantity.name, quantity.kind))
        aims = {meant.target, *(aim for aim, _ in meant.words.values())} if meant else {quantity}
        if not CALLS.isdisjoint(aims):
            return True
    return False


CALLS = frozenset({help_call, fall})


class Directory:
    """The devices of one configuration, by address and topic."""

    def __init__(self, settings: Settings, drivers: Mapping[str, Loaded]) -> None:
        """Read the configuration. Raises ValueError for a profile whose `means` makes no sense."""
        self.devices: dict[str, Known] = {}
        self.keys: dict[str, bytes] = {}
        """By address. Never printed."""
        self._by_address: dict[str, Known] = {}
        self._by_topic: dict[str, Known] = {}
        for slug, device in settings.device.items():
            profile = settings.profiles.get(device.profile) if device.profile else None
            known = _known(slug, device, profile, drivers)
            self.devices[slug] = known
            if known.address is not None:
                self._by_address[known.address] = known
                if device.key is not None:
                    self.keys[known.address] = bytes.fromhex(device.key.get_secret_value())
            if known.topic is not None:
                self._by_topic[known.topic] = known

    def of(self, frame: Frame) -> Known | None:
        """Give the device of a frame; a topic also covers what is published below it."""
        if not isinstance(frame, Message):
            return self._by_address.get(frame.address)
        topic = frame.topic
        while topic:
            known = self._by_topic.get(topic)
            if known is not None:
                return known
            topic = topic.rpartition("/")[0]
        return None


def _first(*spans: timedelta | None) -> timedelta | None:
    """Give the first that is said; `0s` says that silence means nothing."""
    said = next((span for span in spans if span is not None), None)
    return said or None


def _known(slug: str, device: Device, profile: Profile | None, drivers: Mapping[str, Loaded]) -> Known:
    loaded = drivers.get(device.driver) if device.driver else None
    return Known(
        slug=slug,
        place=device.place,
        address=device.address,
        topic=device.topic,
        driver=loaded,
        wants=device.driver,
        heard_every=_first(
            device.heard_every,
            profile.heard_every if profile else None,
            loaded.driver.heard_every if loaded else None,
        ),
        means=meaning.read(profile.means) if profile else {},
    )
