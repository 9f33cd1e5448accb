"""`velgate driver`: which drivers are installed, what they take and what they report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.options import Json
from gateway.cli.say import count, emit, explain, say, show, table
from gateway.model.problem import Exit, Finding, Problem

if TYPE_CHECKING:
    from gateway.intake.index import Loaded
    from gateway.model.quantity import Quantity

app = typer.Typer(no_args_is_help=True, help="The drivers that are installed.")


@app.command("list", epilog="Example: velgate driver list")
def list_drivers(json: Json = False) -> None:
    """List the drivers, shipped ones first."""
    loaded, findings = installed()
    if json:
        emit({"drivers": [document(one) for one in loaded], "not_loaded": [broken(one) for one in findings]})
    else:
        heads = ("name", "version", "takes", "models", "from")
        rows = [(d.name, d.driver.version, kind(d), ", ".join(d.driver.models), origin(d)) for d in loaded]
        table(heads, rows)
        say(count(len(loaded), "driver"))
    explain(findings)


@app.command("show", epilog="Example: velgate driver show bthome")
def show_driver(name: str, json: Json = False) -> None:
    """Show one driver.

    Which frames it takes, how often its devices speak, and what they report.
    """
    loaded, findings = installed(name)
    if not loaded:
        explain(findings)
        raise Problem(
            name,
            expected="the name of an installed driver",
            found="one that does not load" if findings else "none of that name",
            do="see  velgate driver list",
            exit=Exit.NOT_FOUND,
        )
    one = loaded[0]
    if json:
        emit(document(one))
        return
    driver = one.driver
    show(f"{driver.name} {driver.version}, {kind(one)}, {origin(one)}")
    show(f"  models       {', '.join(driver.models)}")
    show(f"  takes        {', '.join(map(str, driver.matches))}")
    show(f"  heard every  {span(driver.heard_every) or 'depends on the product: see its profile'}")
    show(f"  file         {one.file}")
    table(("reports", "kind", "unit", "plausible", "Danish"), [row(quantity) for quantity in driver.said])


def installed(only: str | None = None) -> tuple[list[Loaded], list[Finding]]:
    """Load the drivers, or one; and say what did not load."""
    from gateway.intake.children import Children
    from gateway.intake.host import DriverHost
    from gateway.intake.loading import load

    children = Children()
    drivers, findings = load(children, only=only)
    host = DriverHost(drivers, children=children, findings=findings)
    host.close()
    return list(host.drivers.values()), host.findings


def document(one: Loaded) -> dict[str, Any]:
    """Give one driver as JSON."""
    driver = one.driver
    return {
        "name": driver.name,
        "version": driver.version,
        "takes": kind(one),
        "models": list(driver.models),
        "match": [str(match) for match in driver.matches],
        "heard_every": span(driver.heard_every),
        "reports": [
            {"quantity": q.name, "kind": q.kind.value, "unit": q.unit, "concern": q.concern.value}
            for q in driver.said
        ],
        "file": one.file,
        "distribution": one.distribution,
        "shipped": one.shipped,
        "vectors": vectors(one),
    }


def broken(finding: Finding) -> dict[str, str]:
    """Give a driver that did not load as JSON."""
    return {"where": finding.where, "expected": finding.expected, "found": finding.found, "do": finding.do}


def kind(one: Loaded) -> str:
    """Say what sort of frames a driver takes."""
    return type(one.driver).__name__.removesuffix("Driver").lower().replace("gatt", "GATT")


def origin(one: Loaded) -> str:
    """Say where a driver comes from, and so where it runs."""
    return "Velgate" if one.shipped else f"{one.distribution} (in a process of its own)"


def vectors(one: Loaded) -> int | None:
    """Count the frames with expected readings that stand beside a driver; None without such a file."""
    beside = Path(one.file).with_suffix(".jsonl")
    return len(beside.read_text().splitlines()) if beside.is_file() else None


def span(value: timedelta | None) -> str | None:
    """Write an interval as the configuration does."""
    from gateway.settings.span import write_span

    return None if value is None else write_span(value)


def row(quantity: Quantity) -> tuple[str, str, str | None, str, str]:
    """Give a quantity as a line of a table."""
    from gateway.model.quantities import ANY

    bounds = ", ".join(quantity.words)
    if quantity.unit is not None:
        low, high = (f"{bound:g}" if abs(bound) < ANY else "…" for bound in (quantity.low, quantity.high))
        bounds = f"{low} to {high}"
    return quantity.name, quantity.kind.value, quantity.unit, bounds, quantity.da
