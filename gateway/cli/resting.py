"""Rules that rest for lack of a legal basis: known offline, from the configuration and the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.model.problem import Finding
from gateway.settings.loader import Loaded
from gateway.settings.models import Settings


def resting(found: Loaded, settings: Settings, state: Path) -> Iterator[Finding]:
    """Warn of each rule and place without a basis in force. Raises `Problem` for want of a journal."""
    from gateway.alerts.basis import BasisBook
    from gateway.alerts.rules import RuleBook
    from gateway.alerts.watched import watched
    from gateway.health.clock import SystemClock
    from gateway.journal.offline import recorded_basis

    clock = SystemClock()
    basis = BasisBook(settings, recorded_basis(state, clock))
    devices = watched(settings, lambda _name, _device: None)
    book = RuleBook(settings, devices, basis.allows)
    for row in basis.no_basis(book, devices, clock.now(), {}):
        place, concern = row["place"], settings.alerts.rules[row["rule"]].concern.value
        origin = found.origin("place", place)
        yield Finding(
            where=str(origin or f"place {place}"),
            key=f"place.{place}",
            expected=f"a basis for {concern}, on which rule {row['rule']} stands",
            found=str(row["standing"]),
            do=f"velgate basis add {place} {concern} --kind KIND --until DATE, or switch the rule off there",
            warning=True,
        )
