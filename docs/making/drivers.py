"""docs/reference/drivers.md: the drivers that ship, as `velgate driver list` and `show` know them."""

from __future__ import annotations

import ast
from importlib.metadata import entry_points
from pathlib import Path

from docs.making import markdown
from docs.making.markdown import code, codes, table, unwrapped
from docs.making.quantities import bounds
from gateway.driver import Driver, GattDriver
from gateway.intake.children import Children
from gateway.intake.index import Loaded
from gateway.intake.loading import GROUP, OWN, load
from gateway.settings.span import write_span

INTRODUCTION = """
These come with Velgate. `velgate driver list` shows what is installed, third parties' included. Which
frames a driver takes is data: two drivers that take the same do not load together.

*Heard every* is how often such a device speaks by itself. After three of these intervals without it, it
counts as silent. A [profile](configuration.md#profilesname) or a device may say otherwise.
"""

TAKES = {
    "AdvertisementDriver": "what devices broadcast over Bluetooth",
    "GattDriver": "values of a Bluetooth device that is connected to",
    "MessageDriver": "MQTT messages of another system",
}


def page() -> str:
    """Write the page. Raises AssertionError where a driver that ships does not load."""
    drivers = sorted(shipped(), key=lambda each: each.name)
    contents = table(
        ("driver", "for", "takes"),
        [(f"[{code(d.name)}](#{d.name})", ", ".join(d.driver.models), _takes(d.driver)) for d in drivers],
    )
    return markdown.page("Drivers", INTRODUCTION, contents, *map(_section, drivers))


def shipped() -> list[Loaded]:
    """Load the drivers of this distribution and no other, whatever else is installed."""
    found = [
        point for point in entry_points(group=GROUP) if point.dist is not None and point.dist.name == OWN
    ]
    loaded, findings = load(Children(), points=found)
    assert not findings, findings
    return loaded


def _takes(driver: Driver) -> str:
    return TAKES[type(driver).__name__]


def _section(one: Loaded) -> str:
    driver = one.driver
    facts = [
        ("version", driver.version),
        ("for", ", ".join(driver.models)),
        ("takes", f"{_takes(driver)}: {codes(driver.matches)}"),
        ("heard every", _heard_every(driver)),
        ("test vectors", _vectors(one)),
    ]
    if isinstance(driver, GattDriver):
        ways = [("listens to", driver.listen), ("reads", driver.read)]
        facts += [(word, codes(characteristics)) for word, characteristics in ways if characteristics]
    reports = [
        (code(q.name), q.kind, q.unit and code(q.unit), bounds(q), q.da)
        for q in sorted(driver.said, key=lambda q: q.key)
    ]
    return "\n\n".join(
        [
            f"## {driver.name}",
            unwrapped(docstring(one)),
            table(("", ""), facts),
            "It may report:",
            table(("quantity", "kind", "unit", "can be", "Danish"), reports),
        ]
    )


def _heard_every(driver: Driver) -> str:
    if driver.heard_every is not None:
        return write_span(driver.heard_every)
    return "only when it is used, or it depends on the product: the profile or the device says it"


def _vectors(one: Loaded) -> str:
    file = Path(one.file).with_suffix(".jsonl")
    if not file.is_file():
        return "none"
    link = f"../../{file.parent.name}/{file.name}"
    return f"{len(file.read_text(encoding='utf-8').splitlines())} frames in [{file.name}]({link})"


def docstring(one: Loaded) -> str:
    """Give what a driver's file says of itself, its sources included."""
    return ast.get_docstring(ast.parse(Path(one.file).read_text(encoding="utf-8"))) or ""
