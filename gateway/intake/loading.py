"""Finds drivers by the entry points of the group `velgate.drivers`. A broken package stops no other."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import get_args

from gateway.driver import API, Driver
from gateway.intake.children import Children
from gateway.intake.index import Loaded
from gateway.model.ids import is_slug
from gateway.model.problem import Finding

GROUP = "velgate.drivers"
OWN = "velgate"  # the distribution whose drivers run in this process
DRIVER_TYPES = get_args(Driver)


def load(
    children: Children, *, only: str | None = None, points: Iterable[EntryPoint] | None = None
) -> tuple[list[Loaded], list[Finding]]:
    """Load every driver that is installed, or the one named `only`; shipped ones first.

    A driver of another distribution is not imported here: a child process does, and tells what it is.
    """
    loaded: list[Loaded] = []
    findings: list[Finding] = []
    found = entry_points(group=GROUP) if points is None else points
    for point in sorted(found, key=lambda point: (distribution(point) != OWN, point.name)):
        if only is not None and point.name != only:
            continue
        try:
            if distribution(point) == OWN:
                driver, file = imported(point)
            else:
                driver, file = children.start(point)
            fault = checked(driver, point.name)
        except Exception as error:  # noqa: BLE001  (an import may raise anything; it must not stop the rest)
            fault = f"{type(error).__name__}: {error}"
            file = point.value
        if fault is not None:
            findings.append(
                Finding(
                    where=file,
                    expected=f"a driver named {point.name}",
                    found=fault,
                    do=f"remove or mend the package {distribution(point)}; the other drivers work",
                )
            )
            continue
        own = distribution(point) == OWN
        loaded.append(Loaded(driver=driver, file=file, distribution=distribution(point), shipped=own))
    return loaded, findings


def imported(point: EntryPoint) -> tuple[Driver, str]:
    """Import a driver into this process. Raises whatever its module raises."""
    driver = point.load()
    return driver, getattr(sys.modules.get(point.module), "__file__", None) or point.value


def checked(driver: object, name: str) -> str | None:
    """Say what keeps an object from being the driver of this name; None if nothing does."""
    if not isinstance(driver, DRIVER_TYPES):
        return f"an object of type {type(driver).__name__}"
    if driver.name != name or not is_slug(name):
        return f"a driver that calls itself {driver.name!r}"
    if driver.api > API:
        return f"one for version {driver.api} of the driver API; this Velgate has {API}"
    wrong = [str(match) for match in driver.matches if match.where not in driver.takes]
    if wrong or not driver.matches:
        return f"a match that such a driver cannot have: {', '.join(wrong) or 'none at all'}"
    return None


def distribution(point: EntryPoint) -> str:
    """Give the name of the package that brings an entry point."""
    return point.dist.name if point.dist is not None else "?"
