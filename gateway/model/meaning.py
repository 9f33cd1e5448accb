"""What a product's readings mean here: a button that is a call button, an occupancy that is a bed's.

A profile says `means = {button = "help_call", occupancy = "bed_occupancy"}`, or word by word
`means = {button = {press = "help_call.press", long_press = "help_call.cancelled"}}`. A press never means
nothing: a word that is not named counts as `press`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.quantities import PRESSES, named
from gateway.model.quantity import Quantity
from gateway.model.readings import Kind, Value


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one quantity of a product means: another quantity, or other words."""

    target: Quantity
    """What every value means that `words` does not name."""
    words: Mapping[str, tuple[Quantity, str]]

    def of(self, value: Value) -> tuple[Quantity, Value] | None:
        """Give quantity and value; None for a word that is no press and means nothing here."""
        if not isinstance(value, str):
            return self.target, value
        said = self.words.get(value)
        if said is None and not self.words and value in self.target.words:
            said = self.target, value
        if said is None and value in PRESSES:
            said = self.words.get("press") or (self.target, press_of(self.target))
        return said


def press_of(quantity: Quantity) -> str:
    """Give the word by which a quantity says that somebody pressed: `press`, or its first (`detected`)."""
    return "press" if "press" in quantity.words else quantity.words[0]


def read(means: Mapping[str, object]) -> dict[tuple[str, Kind], Meaning]:
    """Read the table `means` of a profile, by quantity and kind.

    Raises ValueError, naming the key and what was expected, for a quantity or word that does not exist,
    and where the two are of different kinds: a temperature can mean no call.
    """
    out: dict[tuple[str, Kind], Meaning] = {}
    for name, target in means.items():
        sources = named(name)
        if not sources:
            raise ValueError(f"means.{name}: expected a quantity, found an unknown name")
        if not isinstance(target, str | Mapping):
            raise ValueError(f"means.{name}: expected a quantity, or a table of words")  # noqa: TRY004
        if isinstance(target, str):
            pairs = [(source, aim) for source in sources for aim in named(target) if aim.kind is source.kind]
            if not pairs:
                raise ValueError(f"means.{name}: expected a quantity of its kind, found {target!r}")
            out |= {(source.name, source.kind): Meaning(aim, {}) for source, aim in pairs}
        else:
            events = [source for source in sources if source.kind is Kind.EVENT]
            if not events:
                raise ValueError(f"means.{name}: expected another quantity; only events have words")
            out[name, Kind.EVENT] = _by_word(events[0], target)
    return out


def _by_word(source: Quantity, table: Mapping[object, object]) -> Meaning:
    words: dict[str, tuple[Quantity, str]] = {}
    for word, target in table.items():
        if word not in source.words:
            choices = ", ".join(source.words)
            raise ValueError(f"means.{source.name}: expected one of {choices}; found {word!r}")
        name, _, meant = str(target).partition(".")
        aim = next((row for row in named(name) if row.kind is Kind.EVENT), None)
        if aim is None or meant not in aim.words:
            raise ValueError(f'means.{source.name}.{word}: expected "quantity.word", found {target!r}')
        words[str(word)] = (aim, meant)
    # a press that is not named is a call where the table speaks of calls at all, else what it was
    calls = next((aim for aim, _ in words.values() if "press" in aim.words), source)
    return Meaning(calls, words)
