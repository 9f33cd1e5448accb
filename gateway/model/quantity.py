"""What a quantity is: kind, unit, plausible range, words, codes and concern, and how it makes readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.alert import Concern
from gateway.model.readings import Kind, Reading, Value


@dataclass(frozen=True, slots=True)
class Conversion:
    """From another unit to the quantity's own: `value * times / per + plus`."""

    times: float = 1
    per: float = 1
    plus: float = 0

    def __call__(self, value: float) -> float:
        """Convert one number."""
        return value * self.times / self.per + self.plus


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantity:
    """One row of the vocabulary. Called with a value, it makes a `Reading`: `q.temperature(21.5)`."""

    name: str
    kind: Kind
    unit: str | None = None
    """UCUM (and dBm, which UCUM lacks); None for states and events."""
    low: float = float("-inf")
    high: float = float("inf")
    """What can be, in `unit`: outside, a reading is implausible and is not kept."""
    accepts: Mapping[str, Conversion] = field(default_factory=dict)
    """Other units a format may send; intake converts them."""
    words: tuple[str, ...] = ()
    """Of an event, or of a state that is no boolean. Empty for an event: free text."""
    concern: Concern
    loinc: tuple[str, ...] = ()
    """More than one where FHIR asks for several codings of one observation."""
    mdc: int | None = None
    """IEEE 11073-10101 code, 32 bits (partition * 65536 + term)."""
    da: str
    en: str

    def __call__(self, value: Value, *, channel: int | None = None, unit: str | None = None) -> Reading:
        """Make a reading; `unit` only where the format sends another than the quantity's own."""
        return Reading(self.name, self.kind, value, unit or self.unit, channel)

    @property
    def key(self) -> str:
        """Its name, with `-state` where the same name is a measurement too: unique, and fit for a topic."""
        return f"{self.name}-state" if self.kind is Kind.STATE and self.name in SHARED_NAMES else self.name

    @property
    def free_text(self) -> bool:
        """Whether its value is text that a device carries, which may hold a name."""
        return self.kind is Kind.EVENT and not self.words

    def in_own_unit(self, value: Value, unit: str | None) -> Value | None:
        """Give the value in `self.unit`; None if `unit` is none that this quantity is sent in."""
        if unit == self.unit:
            return value
        conversion = self.accepts.get(unit or "")
        if conversion is None or isinstance(value, bool | str):
            return None
        return conversion(value)

    def fits(self, value: Value, unit: str | None) -> bool:
        """Tell whether such a value can be: a number within the range, a boolean or a known word."""
        if self.kind is Kind.MEASUREMENT:
            own = value if unit == self.unit else self.in_own_unit(value, unit)
            return own.__class__ in NUMBERS and self.low <= own <= self.high  # type: ignore[operator]
        if unit is not None:
            return False
        if self.words:
            return value in self.words
        return isinstance(value, bool if self.kind is Kind.STATE else str)


NUMBERS = frozenset({int, float})  # a boolean is none
SHARED_NAMES = frozenset({"power", "moisture", "gas"})
"""Names that BTHome gives to a measurement and to a state; elsewhere `kind` tells them apart."""
