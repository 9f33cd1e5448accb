"""What a house has of the world around it: air, disk, broker, database, channels, and who asks for its page.

The house takes all of it from here, so that a simulation can be that world while everything between the
frame and the notification is the program as it runs. The defaults are the real things.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.alerts.channels.base import Channel
from gateway.alerts.channels.configured import configured_channels
from gateway.alerts.channels.courier import Courier
from gateway.alerts.channels.mqtt import Publish
from gateway.board.house import House as BoardHouse
from gateway.board.serve import Doors, serve
from gateway.journal.journal import Journal
from gateway.model.clock import Clock
from gateway.outlets.influx_server import InfluxServer, Server
from gateway.outlets.mqtt_link import LinkTo, link_to
from gateway.radio.radio import Radio
from gateway.settings.models import Influx, Settings

MakeChannels: TypeAlias = Callable[[Settings, Clock, Publish | None, Courier], Mapping[str, Channel]]


async def serve_page(house: BoardHouse, opened: Callable[[Doors], None]) -> None:
    """Answer those who ask for the page, for ever; `opened` is told where."""
    await serve(house, ready=opened)


def settle() -> None:
    """Let a full collection of garbage look no more at what start-up made: it stays."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The makers of everything that leads out of the process."""

    radio: Callable[..., Radio] = Radio
    """Makes what hears; it is called as `Radio` is."""
    journal: Callable[..., Awaitable[Journal]] = Journal.open
    """Opens the journal of a state folder; it is called as `Journal.open` is."""
    channels: MakeChannels = configured_channels
    """Makes the channels of a configuration; they may send by the courier's process."""
    broker: LinkTo = link_to
    """Makes a connection to the broker of the settings, not yet connected."""
    influx: Callable[[Influx], Server] = InfluxServer
    """Makes the client of the time-series server."""
    page: Callable[[BoardHouse, Callable[[Doors], None]], Awaitable[None]] = serve_page
    """Serves the page and the API."""
    settle: Callable[[], None] = settle
    """Called once, when everything answers for the first time."""
