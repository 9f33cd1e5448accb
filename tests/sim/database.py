"""The time-series server: it takes lines, late or not at all, refuses some, takes a part, and hangs."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from gateway.outlets.outcome import OutletDown
from sim.trace import Trace
from sim.wires import Leaving, Wires


@dataclass
class Database:
    """One server, which outlives every life of the gateway."""

    trace: Trace
    leaving: Leaving
    random: Random
    away: bool = False
    hangs: bool = False
    takes_and_dies: float = 0.0
    """How likely it takes the lines, and its answer is lost."""
    partial: float = 0.0
    """How likely a batch of many lines is taken in part and answered with 400."""
    refuses: str = ""
    """Lines of this measurement are refused for good."""
    lines: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class SimServer:
    """The client of one life, with the face of `gateway.outlets.influx_server.Server`."""

    def __init__(self, database: Database, wires: Wires) -> None:
        """Nothing is connected."""
        self._database, self._wires = database, wires

    async def warm(self) -> None:
        """Nothing is to be made ready."""

    async def write(self, lines: list[str]) -> str | None:
        """Take lines, or not."""
        database = self._database
        await self._wires.takes(0.001, 0.03)
        if not self._wires.live or database.hangs:
            await self._wires.for_ever()
        if database.away:
            raise OutletDown("http://influx.test: NewConnectionError")
        database.leaving.note("influx", *(line.encode() for line in lines))
        bad = [line for line in lines if database.refuses and line.startswith(database.refuses + ",")]
        if bad and len(lines) == 1:
            database.refused.extend(bad)
            return "422: field type conflict"
        if bad or (len(lines) > 1 and database.random.random() < database.partial):
            good = [line for line in lines if line not in bad]
            database.lines.extend(good[: database.random.randint(0, len(good))])
            database.trace.fault("database_took_a_part")
            return "400: partial write"
        database.lines.extend(lines)
        if database.random.random() < database.takes_and_dies:
            database.trace.fault("database_died_after_taking")
            raise OutletDown("http://influx.test: ProtocolError")
        await self._wires.takes(0.001, 0.03)
        return None

    def close(self) -> None:
        """Nothing is held."""
