"""What lies behind many troubles at once: one source that is down, one driver set aside, one disk.

Forty silent devices behind one radio are one trouble, and so is a disk that fills, drops readings, hangs and
at last keeps no call. Pure; belongs to `Supervision`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from gateway.alerts.maintenance import OWN
from gateway.alerts.memory import Memory
from gateway.alerts.watched import Watched
from gateway.model.clock import Instant
from gateway.model.trouble import Trouble

BROKER = "mqtt-in"
"""The subject of `source.down` where it is the broker that messages come from; else it is a bridge."""
GRACE = timedelta(seconds=60)
"""How long after its source is back another system's word that it cannot reach a device is no news: it says
so of each before it has asked any."""

FAMILIES: dict[tuple[str, str], str] = {
    ("disk.filling", "journal"): "disk",
    ("journal.failing", "alarms"): "disk",
    ("journal.slow", "alarms"): "disk",
    ("journal.slow", "journal"): "disk",
    ("journal.slow", "readings"): "disk",
    ("readings.dropped", "readings"): "disk",
}
"""Troubles (kind, subject) with one cause. Whichever comes first opens the alert, and the others join it."""

_NOTHING_HANGS_ON = frozenset({"alarm.chattering", "alarm.flood", "chain.overdue"})
"""Troubles that name a device and say nothing against it: its calls get through."""
_SPACE = " · "


class Down:
    """Sources and drivers that are down, and the devices behind them."""

    def __init__(self) -> None:
        """Begin with everything up."""
        self._adapters: set[str] = set()
        self._broker = False
        self._bridges: set[str] = set()
        self._drivers: set[str] = set()
        self._back: dict[str, Instant] = {}
        """By device: when its source came back."""

    def note(self, trouble: Trouble, watched: Mapping[str, Watched], now: Instant) -> list[str]:
        """Take a trouble, or its end; gives the devices that can be heard again from now on."""
        before = {name for name, device in watched.items() if self.hides(device)}
        match trouble.kind:
            case "adapter.down":
                _put(self._adapters, trouble)
            case "source.down" if trouble.subject == BROKER:
                self._broker = trouble.present
            case "source.down":
                _put(self._bridges, trouble)
            case "driver.quarantined":
                _put(self._drivers, trouble)
            case _:
                return []
        again = [name for name in before if not self.hides(watched[name])]
        self._back.update(dict.fromkeys(again, now))
        return again

    def hides(self, device: Watched) -> bool:
        """Tell whether a device cannot be heard, whatever it says."""
        if device.driver is not None and device.driver in self._drivers:
            return True
        if device.source == "radio":
            return bool(self._adapters)
        return self._broker or (device.bridge is not None and device.bridge in self._bridges)

    def just_back(self, device: str, now: Instant) -> bool:
        """Tell whether its source came back a moment ago."""
        back = self._back.get(device)
        return back is not None and timedelta(0) <= now.since(back) < GRACE


def behind(trouble: Trouble, watched: Iterable[Watched]) -> bool:
    """Tell whether a call or fall hangs on what is in trouble."""
    if trouble.kind in _NOTHING_HANGS_ON:
        return False
    return any(device.calls and _hangs_on(device, trouble) for device in watched)


def _hangs_on(device: Watched, trouble: Trouble) -> bool:
    if device.device == trouble.device:
        return True
    match trouble.kind:
        case "adapter.down":
            return device.source == "radio"
        case "source.down":
            return device.source == "messages" and trouble.subject in (BROKER, device.bridge)
        case "driver.quarantined":
            return device.driver == trouble.subject
        case _:
            return False


class Families:
    """Which alert tells of a whole family of troubles; kept in the memory, with what was said of each."""

    def __init__(self) -> None:
        """Begin with no details: those of an earlier run nobody knows."""
        self._details: dict[str, str] = {}

    def join(self, family: str, key: str, detail: str, memory: Memory) -> tuple[str, str]:
        """Add a member; gives the key of the family's alert, and the sentence that says all."""
        self._details[key] = detail
        slot = memory[_key(family)]
        lead = slot.said or key
        slot = memory.change(_key(family), said=lead, holds=slot.holds | {key})
        said = dict.fromkeys(
            self._details[each].rstrip(".") for each in sorted(slot.holds) if self._says(each)
        )
        return lead, _SPACE.join(said)

    def leave(self, key: str, memory: Memory) -> str | None:
        """Take a member out; gives the key of the alert that is over: its own, its family's, or none."""
        self._details.pop(key, None)
        for name in set(FAMILIES.values()):
            slot = memory[_key(name)]
            if key not in slot.holds:
                continue
            left = slot.holds - {key}
            if left:
                memory.change(_key(name), holds=left)
                return None
            memory.forget(_key(name))
            return slot.said
        return key

    def _says(self, key: str) -> bool:
        return bool(self._details.get(key))


def _put(names: set[str], trouble: Trouble) -> None:
    if trouble.present:
        names.add(trouble.subject)
    else:
        names.discard(trouble.subject)


def _key(family: str) -> str:
    return f"{OWN}family/{family}"
