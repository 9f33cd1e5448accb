"""The InfluxDB outlet; 2.x OSS, 3 Core and 1.8 speak the same write API.

A partial write is a 400 after which part is stored; since the same point twice is one point, a refused batch
is halved and written again until the bad line stands alone, and that one is set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.outlets.deliver import Rows
from gateway.outlets.influx_lines import line
from gateway.outlets.influx_server import InfluxServer, Server
from gateway.outlets.outcome import OutletDown, Refused
from gateway.settings.models import Influx, Site


class InfluxOutlet:
    """One bucket of one server."""

    def __init__(
        self, settings: Influx, site: Site, *, clock: Callable[[], Instant], server: Server | None = None
    ) -> None:
        """Nothing is connected yet; the first send does that. `server`: else that of the settings."""
        self._settings = settings
        self._site = site
        self._clock = clock
        self._server = server or InfluxServer(settings)

    async def warm(self) -> None:
        """Make the client ready before the first reading."""
        await self._server.warm()

    def close(self) -> None:
        """Let go of the server; a request under way is not waited for."""
        self._server.close()

    async def send(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Write the rows. Gives those that the server refuses for good; raises OutletDown for the rest."""
        await self._wait_for_clock(rows)
        refused: list[Refused] = []
        lines: list[tuple[int, Record, str]] = []
        for seq, record in rows.rows:
            text = line(record, municipality=self._site.municipality, home=self._site.home)
            if text is None:
                refused.append(_refused(seq, record, "not a finite number"))
            else:
                lines.append((seq, record, text))
        pending = [lines] if lines else []
        while pending:
            part = pending.pop()
            answer = await self._server.write([text for *_, text in part])
            if answer is None:
                continue
            if len(part) == 1:
                seq, record, _ = part[0]
                refused.append(_refused(seq, record, answer))
            else:
                half = len(part) // 2
                pending += [part[half:], part[:half]]
        return refused

    async def _wait_for_clock(self, rows: Rows[Record]) -> None:
        """Hold back measurements of a boot whose clock was never right: both points would stay for ever."""
        now = self._clock()
        wait = self._settings.wait_for_clock
        for _, record in rows.rows:
            young = record.at.boot == now.boot and now.since(record.at) < wait
            if record.kind is not Kind.EVENT and record.clock is ClockQuality.UNSYNCED and young:
                if now.quality is ClockQuality.UNSYNCED:
                    left = (wait - now.since(record.at)).total_seconds()
                    raise OutletDown("the clock is not set yet", retry_after_s=min(5.0, left))
                return


def _refused(seq: int, record: Record, reason: str) -> Refused:
    return Refused(seq, record.id, reason, record.device, record.quantity)
