"""Topic names below `velgate/v1/{municipality}/{home}`. Fixed: other programs rely on them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.readings import Kind, Record
from gateway.settings.models import Site

DOUBLE = frozenset({"power", "moisture", "gas"})
"""Names that exist as measurement and as state: the state's topic ends in `-state`."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one gateway."""

    root: str
    gateway: str

    @classmethod
    def of(cls, site: Site) -> Topics:
        """Make the topics of a site."""
        return cls(f"velgate/v1/{site.municipality}/{site.home}", site.gateway)

    @property
    def status(self) -> str:
        """The gateway's retained status, also its will."""
        return f"{self.root}/gateway/{self.gateway}/status"

    @property
    def health(self) -> str:
        """The gateway's health, retained, every 60 s."""
        return f"{self.root}/gateway/{self.gateway}/health"

    @property
    def duty(self) -> str:
        """Who is on duty: numbers, no persons."""
        return f"{self.root}/duty"

    @property
    def commands(self) -> str:
        """The subscription for commands to alerts."""
        return f"{self.root}/alert/+/command"

    def device(self, device: str) -> str:
        """A device's retained status."""
        return f"{self.root}/device/{device}/status"

    def alert(self, alert: str) -> str:
        """An alert, retained while it is open."""
        return f"{self.root}/alert/{alert}"

    def reading(self, record: Record) -> str:
        """A reading's own topic."""
        name = record.quantity
        if record.kind is Kind.STATE and name in DOUBLE:
            name += "-state"
        if record.channel is not None:
            name += f"-{record.channel}"
        return f"{self.root}/device/{record.device}/{name}"

    def command_alert(self, topic: str) -> str | None:
        """Give the alert that a command's topic names."""
        parts = topic.removeprefix(f"{self.root}/").split("/")
        return parts[1] if len(parts) == 3 and parts[0] == "alert" and parts[2] == "command" else None
