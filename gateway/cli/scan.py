"""`velgate scan`: what is on the air, who would take it, and how well it is heard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from gateway.cli.options import CONFIG, Config, Json

if TYPE_CHECKING:
    from gateway.intake.air import Air, OnAir
    from gateway.settings.models import Settings

EXAMPLE = "Example: velgate scan --seconds 10"
ADAPTER = "hci0"
HEADS = ("signal", "address", "name", "driver", "device", "frames")


def scan(
    config: Config = CONFIG,
    seconds: Annotated[float | None, Option(min=0.1, metavar="N", help="Stop by itself.")] = None,
    adapter: Annotated[
        str | None, Option(metavar="NAME", help="Bluetooth adapter; else radio.adapter.")
    ] = None,
    unknown: Annotated[bool, Option("--unknown", help="Only what is not configured yet.")] = False,
    json: Json = False,
) -> None:
    """Show what is on the air, strongest first.

    Hold a device near, and it stands on top.

    With --json: one document at the end where --seconds is given, else a line for each device as it is
    first heard. Needs Bluetooth, but neither a running gateway nor a configuration.
    """
    from gateway.cli.say import emit

    settings = configured(config)
    radio = adapter or (settings.radio.adapter if settings else ADAPTER)
    view = _Live(json=json, bounded=seconds is not None, unknown=unknown)
    air = listen(radio, seconds, settings, view.update)
    rows = [row for row in air.list() if not (unknown and row.device)]
    if not json:
        view.end(rows)
    elif seconds is not None:
        emit({"adapter": radio, "devices": [document(row) for row in rows]})


def listen(
    adapter: str, seconds: float | None, settings: Settings | None, update: Callable[[Air, float], None]
) -> Air:
    """Listen for a while, or until Ctrl-C, and give what was heard. Raises `Problem`.

    `update(air, elapsed_s)` is called after each advertisement.
    """
    import asyncio
    import time

    from gateway.health.clock import SystemClock
    from gateway.intake.air import Air
    from gateway.intake.children import Children
    from gateway.intake.directory import Directory
    from gateway.intake.host import DriverHost
    from gateway.intake.loading import load
    from gateway.radio.scan import scan as frames

    children = Children()
    drivers, findings = load(children)
    host = DriverHost(drivers, children=children, findings=findings)
    known = Directory(settings, host.drivers) if settings else None
    air, clock, began = Air(), SystemClock(), time.monotonic()

    async def heard() -> None:
        async for frame in frames(adapter, seconds=seconds, clock=clock):
            air.note(frame, clock.now(), known.of(frame) if known else None, host)
            update(air, time.monotonic() - began)

    try:
        asyncio.run(heard())
    except KeyboardInterrupt:
        pass  # that is how a scan without --seconds ends
    finally:
        host.close()
    return air


def document(row: OnAir) -> dict[str, Any]:
    """Give one sender as JSON."""
    from gateway.model.clock import iso

    return {
        "address": row.address,
        "name": row.name,
        "signal": row.signal,
        "driver": row.driver,
        "device": row.device,
        "frames": row.frames,
        "last": iso(row.last.wall_ns),
    }


def configured(config: Path) -> Settings | None:
    """Give the configuration if there is a valid one: scanning is for beginning, too."""
    from gateway.settings.loader import load

    return load(config).valid if config.is_dir() else None


class _Live:
    """The table, drawn anew each half second on a terminal; JSON lines otherwise, if they were asked for."""

    EVERY_S = 0.5

    def __init__(self, *, json: bool, bounded: bool, unknown: bool) -> None:
        self._lines = json and not bounded
        self._draw = not json and sys.stdout.isatty()
        self._unknown = unknown
        self._told: set[str] = set()
        self._drawn_s = 0.0
        self._height = 0

    def update(self, air: Air, elapsed_s: float) -> None:
        from gateway.cli.say import emit

        if self._lines:
            for row in air.list():
                if row.address not in self._told and not (self._unknown and row.device):
                    self._told.add(row.address)
                    emit(document(row))
        if self._draw and elapsed_s - self._drawn_s >= self.EVERY_S:
            self._drawn_s = elapsed_s
            self._table([row for row in air.list() if not (self._unknown and row.device)])

    def end(self, rows: list[OnAir]) -> None:
        from gateway.cli.say import count, say

        self._table(rows, whole=True)
        strangers = sum(row.device is None and row.driver is not None for row in rows)
        say(f"{count(len(rows), 'sender')} heard, {strangers} of them new with a driver.")
        if strangers:
            say("Add one with  velgate device add")

    def _table(self, rows: list[OnAir], *, whole: bool = False) -> None:
        from shutil import get_terminal_size

        from gateway.cli.say import table

        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A\x1b[J")
        room = len(rows) if whole else max(1, get_terminal_size().lines - 3)
        shown = rows[:room]
        table(HEADS, [(r.signal, r.address, r.name, r.driver, r.device, r.frames) for r in shown])
        self._height = 0 if whole else len(shown) + 1
        sys.stdout.flush()
