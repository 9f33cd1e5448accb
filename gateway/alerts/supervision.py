"""Silence is an alarm: devices that do not speak, batteries that run down, and the gateway's own troubles.

Pure: told what was heard and what the rooms say, it gives verdicts. What it must remember over a restart
stands in the same `Memory` as the rules' conditions. Silence is counted anew from each start, for a gateway
that was off has heard nobody; while a radio or a broker is down that itself is told, once, and the silence
of what hangs on it is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from gateway.alerts.causes import FAMILIES, Down, Families, behind
from gateway.alerts.clockwork import Clockwork
from gateway.alerts.habits import Habit
from gateway.alerts.inputs import Suppression
from gateway.alerts.maintenance import OWN, maintained_until
from gateway.alerts.memory import Memory
from gateway.alerts.own import Own
from gateway.alerts.verdicts import Gone, Verdict
from gateway.alerts.watched import Source, Watched
from gateway.model.alert import Priority
from gateway.model.catalogue import OWN_KINDS, OWN_RULES, own_rule
from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.model.trouble import Trouble
from gateway.settings.models import Settings

SILENT, BATTERY, CLOCK = "device-silent", "battery-low", "clock-unsynced/clock"
SETTLE = timedelta(minutes=3)
"""After a start: what a room had told before and has not told again by then is over."""
LEARNED = "used to speak"
BENEFIT = timedelta(seconds=60)
"""How much longer a device may be silent where nothing else of its source was heard so long either: the
source itself may be deaf, and says so within this time."""
STEPPED = "clock-stepped/clock"
LOST = frozenset({"audit.broken", "clock.stepped", "frames.dropped", "journal.repaired"})
"""Troubles after which something may be lost for good: they stay until a person has seen them."""
_NOT_TOLD = frozenset({SILENT, BATTERY, *(name for name in OWN_RULES if name.startswith("basis-"))})


class Refused(Protocol):
    """Frames of a device that were refused, and none was accepted since."""

    @property
    def code(self) -> str:
        """Why the last one was: `replayed`, `key_wrong`, …"""
        ...

    @property
    def since(self) -> Instant:
        """When the first one was."""
        ...


class Heard(Protocol):
    """What intake knows of a device."""

    @property
    def last(self) -> Instant | None:
        """When it was last heard and believed; None: not since this gateway started."""
        ...

    @property
    def refused(self) -> Refused | None:
        """Whether it speaks and is not believed."""
        ...

    @property
    def available(self) -> bool | None:
        """The word of the system it is connected to, where there is one."""
        ...


class Supervision:
    """One for a run of the gateway. `configure` again after a reload; nothing that is known is lost."""

    def __init__(self, settings: Settings, watched: Mapping[str, Watched], now: Instant) -> None:
        """Begin to listen now."""
        self._started = now
        self._listening: dict[str, Instant] = {}
        """By device: since when it could have been heard."""
        self._down = Down()
        self._families = Families()
        self._habits: dict[str, Habit] = {}
        self._clockwork = Clockwork(now)
        self._told: set[str] = set()
        """Keys of troubles that this run was told of."""
        self._settle(settings, watched, now)

    def configure(
        self, settings: Settings, watched: Mapping[str, Watched], now: Instant, memory: Memory
    ) -> list[Verdict]:
        """Take over a new configuration; what was told of devices that are gone is over."""
        self._settle(settings, watched, now)
        gone = [
            key
            for key in memory
            for rule, _, subject in [key.partition("/")]
            if rule in (SILENT, BATTERY) and subject not in watched
        ]
        return [verdict for key in gone for verdict in _over(key, memory)]

    def learned(self) -> dict[str, timedelta]:
        """Give how often the devices speak of which nobody has stated it, as far as that is known."""
        return {name: every for name, habit in self._habits.items() if (every := habit.every) is not None}

    def check(self, heard: Mapping[str, Heard], now: Instant, memory: Memory) -> list[Verdict]:
        """Look at everything that is silent by itself; to be called every few seconds."""
        newest: dict[Source, Instant | None] = {
            source: self._newest(source, heard) for source in ("radio", "messages")
        }
        verdicts: list[Verdict] = []
        for name, device in self._watched.items():
            self._learn(device, heard.get(name))
            verdicts += self._device(device, heard.get(name), newest[device.source], now, memory)
        return [*verdicts, *self._clock(now, memory), *self._forgotten(now, memory)]

    def observe(self, record: Record, now: Instant, memory: Memory) -> list[Verdict]:
        """Look at a battery, by percentage or by the device's own word; with hysteresis."""
        device = self._watched.get(record.device)
        if device is None or (record.quantity, record.kind) not in _BATTERIES:
            return []
        key = f"{BATTERY}/{record.device}"
        slot = memory[key]
        was = record.quantity in slot.holds
        if isinstance(record.value, bool):
            low = record.value
        else:
            slack = self._rules.battery_hysteresis if was else 0.0
            low = float(record.value) <= device.battery_low + slack
        if low == was:
            return []
        holds = slot.holds | {record.quantity} if low else slot.holds - {record.quantity}
        if slot.holds and holds:
            memory.change(key, holds=holds)
            return []
        if not holds:
            return _over(key, memory, record.id)
        memory.change(key, holds=holds, active=True)
        told = self._own.occurrence(
            "battery.low",
            record.device,
            device=record.device,
            place=device.place,
            held_back=_held_back(device, now, memory),
            reading=record.id,
            battery=device.battery_type,
        )
        return [told]

    def trouble(self, trouble: Trouble, now: Instant, memory: Memory) -> list[Verdict]:
        """Take a trouble of the gateway's own: told once while it lasts, again if it becomes graver."""
        for device in self._down.note(trouble, self._watched, now):
            self._listening[device] = now
            self._habits.pop(device, None)
        # A kind that nobody knows is a technical fault all the same.
        kind = trouble.kind if trouble.kind in OWN_KINDS else "trouble"
        subject = trouble.subject if kind == trouble.kind else f"{own_rule(trouble.kind)}-{trouble.subject}"
        key = f"{own_rule(kind)}/{subject}"
        if not trouble.present:
            self._told.discard(key)
            return self._ends(key, memory)
        self._told.add(key)
        unheard = trouble.calls_unheard or behind(trouble, self._watched.values())
        said = (Priority.HIGH if unheard else Priority.TECHNICAL).value
        slot = memory[key]
        if slot.active and (slot.said == said or not unheard):
            return []
        memory.change(key, active=True, said=said)
        family, detail = FAMILIES.get((kind, subject)), trouble.detail
        lead = key
        if family is not None:
            lead, detail = self._families.join(family, key, detail, memory)
        known = self._watched.get(trouble.device or "")
        told = self._own.occurrence(
            kind,
            subject,
            unheard=unheard,
            device=trouble.device,
            place=trouble.place or (known.place if known else None),
            auto_resolve=kind not in LOST,
            held_back=_held_back(known, now, memory),
            detail=detail,
        )
        return [replace(told, key=lead, rule=lead.partition("/")[0])]

    def _ends(self, key: str, memory: Memory) -> list[Verdict]:
        """End a trouble; the alert of a family ends with the last of it."""
        active = memory[key].active
        memory.forget(key)
        over = self._families.leave(key, memory) if active else None
        return [Gone(over)] if over is not None else []

    def _settle(self, settings: Settings, watched: Mapping[str, Watched], now: Instant) -> None:
        self._rules = settings.alerts.supervision
        self._own = Own(settings)
        self._watched = dict(watched)
        self._listening = {name: self._listening.get(name, now) for name in watched}

    def _device(
        self,
        device: Watched,
        heard: Heard | None,
        newest: Instant | None,
        now: Instant,
        memory: Memory,
    ) -> list[Verdict]:
        key = f"{SILENT}/{device.device}"
        slot = memory[key]
        refused = self._refused(heard, now)
        if refused is not None and slot.said != "refused":
            return self._silent(device, key, "refused", f"its frames are refused: {refused}", now, memory)
        if refused is not None or (self._down.hides(device) and not slot.active):
            return []
        quiet = self._quiet(device, heard, newest, now)
        if quiet is not None and not slot.active:
            return self._silent(device, key, "silent", quiet, now, memory)
        again = heard is not None and heard.available is not False and heard.last is not None
        return _over(key, memory) if quiet is None and slot.active and again else []

    def _refused(self, heard: Heard | None, now: Instant) -> str | None:
        if heard is None or heard.refused is None:
            return None
        return heard.refused.code if now.since(heard.refused.since) >= self._rules.refused_after else None

    def _quiet(
        self, device: Watched, heard: Heard | None, newest: Instant | None, now: Instant
    ) -> str | None:
        """Say since when a device is silent for too long; None if it is not."""
        if heard is not None and heard.available is False and not self._down.just_back(device.device, now):
            return "the system it is connected to calls it offline"
        limit = self._limit(device)
        if limit is None:
            return None
        since = _later(heard.last if heard else None, self._listening[device.device])
        silent = now.since(since)
        # Others that were heard shortly after it prove nothing: the source may have fallen deaf since.
        others_heard = newest is not None and newest.since(since) >= limit
        if silent < limit or (not others_heard and silent < limit + BENEFIT):
            return None
        said = f"not heard for {silent.total_seconds():.0f} s; "
        if device.heard_every is not None:
            return f"{said}it should speak every {device.heard_every.total_seconds():g} s"
        every = self._habits[device.device].every
        assert every is not None, "its limit comes from its habit"
        return f"{said}it {LEARNED} at least every {every.total_seconds():.0f} s (learned; nobody stated it)"

    def _limit(self, device: Watched) -> timedelta | None:
        """Give after how much silence a device is silent; None where nobody can tell."""
        if device.heard_every is not None:
            return max(device.heard_every * self._rules.intervals, self._rules.at_least)
        habit = self._habits.get(device.device)
        return habit.silent_after if habit is not None and not device.stated else None

    def _silent(
        self, device: Watched, key: str, said: str, detail: str, now: Instant, memory: Memory
    ) -> list[Verdict]:
        memory.change(key, active=True, said=said)
        told = self._own.occurrence(
            "call_device.silent" if device.calls else "device.silent",
            device.device,
            rule=SILENT,
            # A habit is no promise: what was only learned must not stand among the calls.
            unheard=device.calls and LEARNED not in detail,
            device=device.device,
            place=device.place,
            # A call that was refused is gone: somebody has to look, also when the next one comes through.
            auto_resolve=not (device.calls and said == "refused"),
            held_back=_held_back(device, now, memory),
            detail=detail,
        )
        return [told]

    def _newest(self, source: Source, heard: Mapping[str, Heard]) -> Instant | None:
        """Give the last moment at which anything of a source was heard."""
        lasts = (
            each.last
            for name, each in heard.items()
            if each.last is not None and name in self._watched and self._watched[name].source == source
        )
        return max(lasts, key=lambda last: last.mono_ns, default=None)

    def _learn(self, device: Watched, heard: Heard | None) -> None:
        """Learn how often a device speaks of which nobody has stated it."""
        if not device.stated and heard is not None and heard.last is not None:
            self._habits.setdefault(device.device, Habit()).heard(heard.last)

    def _clock(self, now: Instant, memory: Memory) -> Iterable[Verdict]:
        seen = self._clockwork.look(now, unsynced_after=self._rules.clock_after)
        if seen.stepped_s is not None:
            memory.change(STEPPED, active=True, said=Priority.TECHNICAL.value)
            self._told.add(STEPPED)
            detail = f"the clock jumped by {seen.stepped_s:+.0f} s although it was right before"
            yield self._own.occurrence("clock.stepped", "clock", auto_resolve=False, detail=detail)
        if seen.fault is None:
            if CLOCK not in self._told and now.quality is not ClockQuality.UNSYNCED:
                yield from _over(CLOCK, memory)
            return
        if memory[CLOCK].active:
            return
        memory.change(CLOCK, active=True, said=Priority.TECHNICAL.value)
        yield self._own.occurrence("clock.unsynced", "clock", detail=seen.detail)

    def _forgotten(self, now: Instant, memory: Memory) -> Iterable[Verdict]:
        """End the troubles of an earlier run that nobody has told again."""
        if now.since(self._started) < SETTLE:
            return
        for key in memory:
            rule = key.partition("/")[0]
            ours = rule in OWN_RULES and rule not in _NOT_TOLD and key != CLOCK
            if ours and key not in self._told and not key.startswith(OWN):
                yield from self._ends(key, memory)


_BATTERIES = {("battery", Kind.MEASUREMENT), ("battery_low", Kind.STATE)}


def _over(key: str, memory: Memory, reading: str | None = None) -> list[Verdict]:
    active = memory[key].active
    memory.forget(key)
    return [Gone(key, reading)] if active else []


def _held_back(
    device: Watched | None, now: Instant, memory: Memory
) -> tuple[Suppression | None, Instant | None]:
    until = maintained_until(device, now, memory)
    return ("maintenance", until) if until is not None else (None, None)


def _later(one: Instant | None, other: Instant) -> Instant:
    return other if one is None or one.mono_ns < other.mono_ns else one
