"""From what a frame says to what is stored: mapped, converted, checked, and only what is new."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.driver import Reading, quantities
from gateway.intake.directory import Known
from gateway.intake.memory import Memory, Series, Slot, state_guard
from gateway.model.alert import Concern
from gateway.model.clock import Instant
from gateway.model.ids import NewId
from gateway.model.quantity import Quantity
from gateway.model.readings import Guard, Kind, Record, Value

Basis = Callable[[str, Concern], bool]
UNCHANGED_EVERY = timedelta(
    hours=1
)  # a value that stays the same is stored so often where no interval is known


@dataclass(slots=True)
class Taken:
    """What one frame comes to."""

    events: list[Record] = field(default_factory=list)
    routine: list[Record] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    """Of the states among `routine`."""


@dataclass(slots=True)
class Dropped:
    """What is not kept, and how often: counted, never silent."""

    implausible: Tally[str] = field(default_factory=Tally)
    """By quantity."""
    no_basis: Tally[tuple[str, Concern]] = field(default_factory=Tally)
    """By place and concern."""
    free_text: int = 0


class RecordMaker:
    """Makes the records of readings."""

    def __init__(self, new_id: NewId, basis: Basis) -> None:
        """`basis(place, concern)` tells whether readings of that concern may be kept there."""
        self._new_id, self._basis = new_id, basis
        self.dropped = Dropped()

    def make(
        self, known: Known, memory: Memory, readings: Iterable[Reading], driver: str, at: Instant, missed: int
    ) -> Taken:
        """Make the records of one frame. `driver` is name/version; `missed` goes with its first event."""
        taken = Taken()
        listed = list(readings)
        samples = _samples(listed)
        times = _times(listed, at.wall_ns)
        told: set[tuple[str, Value, int | None]] = set()
        for reading, time_ns in zip(listed, times, strict=True):
            meant = self._meant(known, memory, reading)
            if meant is None:
                continue
            quantity, value = meant
            slot = (quantity.name, quantity.kind, reading.channel)
            if quantity.kind is Kind.EVENT:
                if (quantity.name, value, reading.channel) not in told:
                    told.add((quantity.name, value, reading.channel))
                    record = self._record(
                        known, quantity, value, reading.channel, time_ns, at, driver, missed
                    )
                    taken.events.append(record)
                    missed = 0
                continue
            if quantity is quantities.battery and isinstance(value, float | int):
                memory.battery = value
            if slot not in samples and not self._is_news(known, memory, slot, value, at):
                continue
            record = self._record(known, quantity, value, reading.channel, time_ns, at, driver, 0)
            taken.routine.append(record)
            if quantity.kind is Kind.STATE:
                taken.guards.append(state_guard(known.slug, slot, value, at))
        return taken

    def _meant(self, known: Known, memory: Memory, reading: Reading) -> tuple[Quantity, Value] | None:
        """Give what a reading means here, in the unit of its quantity; None where it is not to be kept."""
        plain = quantities.find(reading.quantity, reading.kind)
        if plain is not None and plain.free_text:
            self.dropped.free_text += 1
            return None
        if plain is None or not plain.fits(reading.value, reading.unit):
            self.dropped.implausible[reading.quantity] += 1
            return None
        quantity, value, unit = plain, reading.value, reading.unit
        meaning = known.means.get((plain.name, plain.kind))
        if meaning is not None:
            meant = meaning.of(value)
            if meant is None:
                return None
            quantity, value = meant
        own = quantity.in_own_unit(value, unit)
        if own is None or not quantity.fits(own, quantity.unit):
            self.dropped.implausible[quantity.name] += 1
            return None
        if quantity.concern.personal and not self._basis(known.place, quantity.concern):
            self.dropped.no_basis[known.place, quantity.concern] += 1
            # Once there is a basis again, the first reading is news, whatever was kept before it ended.
            memory.series.pop((quantity.name, quantity.kind, reading.channel), None)
            if plain.concern is Concern.SELF:
                return quantities.help_call, "press"  # what a press would mean has no basis; the press has
            return None
        return quantity, own

    def _is_news(self, known: Known, memory: Memory, slot: Slot, value: Value, at: Instant) -> bool:
        """Tell whether a value is to be stored: it changed, or was not stored for its interval."""
        last = memory.series.get(slot)
        same = last is not None and last.value == value and type(last.value) is type(value)
        if same and last is not None and at.since(last.at) < (known.heard_every or UNCHANGED_EVERY):
            return False
        memory.series[slot] = Series(value, at)
        return True

    def _record(
        self,
        known: Known,
        quantity: Quantity,
        value: Value,
        channel: int | None,
        time_ns: int,
        at: Instant,
        driver: str,
        missed: int,
    ) -> Record:
        return Record(
            id=self._new_id(time_ns),
            device=known.slug,
            place=known.place,
            quantity=quantity.name,
            kind=quantity.kind,
            value=value,
            unit=quantity.unit,
            channel=channel,
            time_ns=time_ns,
            at=at,
            driver=driver,
            missed=missed,
        )


def _samples(readings: list[Reading]) -> set[Slot]:
    """Give the series of which one frame brings several: successive samples, each of them news."""
    count = Tally((r.quantity, r.kind, r.channel) for r in readings if r.kind is Kind.MEASUREMENT)
    return {slot for slot, times in count.items() if times > 1}


def _times(readings: list[Reading], wall_ns: int) -> list[int]:
    """Give each reading its time. Heart beats in one notification follow each other; the last ends now."""
    times = [wall_ns] * len(readings)
    later_ns = 0
    for at in range(len(readings) - 1, -1, -1):
        if readings[at].quantity == quantities.rr_interval.name:
            times[at] = wall_ns - later_ns
            later_ns += round(float(readings[at].value) * 1_000_000)
    return times
