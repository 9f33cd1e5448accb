"""What the staff page is given of the house."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.board.house import House as BoardHouse
from gateway.intake.air import OnAir
from gateway.model.clock import iso

if TYPE_CHECKING:
    from gateway.app.house import House


def board_house(house: House) -> BoardHouse:
    """Give the page its view of the house."""

    async def accept(device: str) -> None:
        house.intake.accept_counter(device)
        await house.journal.readings.flush()

    return BoardHouse(
        settings=lambda: house.settings,
        clock=house.clock,
        version=__version__,
        state=house.state,
        engine=house.engine,
        journal=house.journal,
        health=house.health,
        devices=house.devices,
        ready=lambda: house.ready,
        accept=accept,
        reload=house.reload,
        origin=lambda key: _origin(house, key),
        on_air=lambda: [air_row(seen) for seen in house.intake.on_air()],
        channels=lambda: house.channels,
        push=house.push,
        reach=house.reach,
    )


def _origin(house: House, key: str) -> str | None:
    found = house.loaded.origin(*key.split("."))
    return str(found) if found else None


def air_row(seen: OnAir) -> dict[str, Any]:
    """Give a row of what is on the air, its time written out."""
    row = asdict(seen)
    for key, value in row.items():
        if isinstance(value, dict) and "wall_ns" in value:
            row[key] = iso(value["wall_ns"])
    return row
