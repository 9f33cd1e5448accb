"""docs/reference/quantities.md: the vocabulary, one row a quantity."""

from __future__ import annotations

from docs.making import markdown
from docs.making.markdown import code, codes, table
from gateway.model.alert import Concern
from gateway.model.catalogue import shipped
from gateway.model.quantities import ALL, ANY
from gateway.model.quantity import Quantity

INTRODUCTION = """
A reading is a **measurement** (a number with a unit), a **state** (true or false, or a word, until it
changes) or an **event** (something that happened). Where [BTHome v2](https://bthome.io/format/) has a name
for a quantity, that name is used. Units are [UCUM](https://ucum.org/); `dBm` stands beside it.

- A value outside *can be* is [implausible](errors.md#errors-of-one-frame) and is not kept: the sensor is
  wrong. What is healthy is nobody's business here.
- Another unit that a format may send is converted before it is kept; `velgate decode` shows what was sent.
- Free text from a device may hold a name: it is shown by `velgate decode` and never kept.
- The name is the MQTT topic and the InfluxDB measurement. Where a name is both a measurement and a state,
  the topic of the state ends in `-state`.
- LOINC and MDC (IEEE 11073-10101) codes stand where a public source agrees on one.
"""

CONCERNS = {
    Concern.SELF: "Calls. Need no legal basis; are never suppressed.",
    Concern.FALL: "Falls. Need a [legal basis](../how-to/legal-basis.md).",
    Concern.PRESENCE: "Where somebody is, and whether. Need a [legal basis](../how-to/legal-basis.md).",
    Concern.VITAL: "Measures of the body. Need a [legal basis](../how-to/legal-basis.md).",
    Concern.ROOM: "The room and its things. Need no legal basis.",
    Concern.TECHNICAL: "The device itself. Needs no legal basis.",
}

HEADS = ("quantity", "kind", "unit", "can be", "also sent in", "Danish", "English", "LOINC", "MDC")


def page() -> str:
    """Write the page."""
    parts = [INTRODUCTION]
    for concern, says in CONCERNS.items():
        found = sorted((q for q in ALL.values() if q.concern is concern), key=lambda q: q.key)
        name = shipped().text(f"concern.{concern}", "en")
        parts += [f"## {name} ({code(concern)})", says, table(HEADS, map(_row, found))]
    return markdown.page("Quantities", *parts)


def _row(quantity: Quantity) -> tuple[object, ...]:
    name = code(quantity.name)
    if quantity.key != quantity.name:
        name += f" (topic {code(quantity.key)})"
    return (
        name,
        quantity.kind,
        quantity.unit and code(quantity.unit),
        bounds(quantity),
        codes(quantity.accepts),
        quantity.da,
        quantity.en,
        " ".join(quantity.loinc),
        quantity.mdc,
    )


def bounds(quantity: Quantity) -> str:
    """Say what a quantity can be: a range, words, or yes and no."""
    if quantity.free_text:
        return "free text"
    if quantity.words:
        return codes(quantity.words)
    if quantity.unit is None:
        return "`true`, `false`"
    low, high = quantity.low, quantity.high
    if high >= ANY:
        return "any" if low <= -ANY else f"from {low:g}"
    return f"{low:g} to {high:g}"
