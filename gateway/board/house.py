"""What the board is given of the house. `gateway.app` gives it; functions are asked anew each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.alerts.channels.base import Channel
from gateway.alerts.channels.push import Push
from gateway.alerts.engine import AlertEngine
from gateway.alerts.reach import Reach
from gateway.journal.journal import Journal
from gateway.model.clock import Clock
from gateway.model.problem import Finding
from gateway.settings.models import Settings


@dataclass(kw_only=True)
class House:
    """Everything the board needs. Nothing here is the board's own."""

    settings: Callable[[], Settings]
    """The effective configuration; another one after a reload."""
    clock: Clock
    version: str
    state: Path
    """The state folder; the Unix socket is made here."""
    engine: AlertEngine
    journal: Journal
    health: Callable[[], dict[str, Any]]
    """The document `velgate/health/1`."""
    devices: Callable[[], list[dict[str, Any]]]
    """Rows as of `GET /api/v1/devices`; each may also carry `label` (of its place), `title` (what it is),
    `silent`, `refused`, `battery_low`, `battery_type`, `calls` (carries calls or falls), `pressed_only`."""
    ready: Callable[[], bool]
    """Whether everything answers and no room is stopped."""
    accept: Callable[[str], Awaitable[None]]
    """`await accept(device)`: its battery was changed, take its new counter; returns after the commit."""
    reload: Callable[[], Awaitable[Sequence[Finding]]]
    """Read the configuration anew; gives what is wrong with it (errors: the old one holds)."""
    origin: Callable[[str], str | None] = lambda _key: None
    """Where a value of the configuration comes from, by key path: `kommune/alarmer.toml:14`."""
    on_air: Callable[[], list[dict[str, Any]]] = field(default=list)
    """What the radio hears now, known or not."""
    channels: Callable[[], Mapping[str, Channel]] = dict
    """The channels of the configuration in force."""
    push: Push | None = None
    """The phones that take pushes; None where nothing is pushed from here."""
    reach: Reach | None = None
    """Trials of who can be reached; the board makes its own where none is given."""
