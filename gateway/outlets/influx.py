"""The InfluxDB outlet, by influxdb-client: 2.x OSS; 3 Core and 1.8 speak the same write API.

The library's synchronous API makes one request and raises, which is what a cursor needs; its batching API
hides losses. A partial write is a 400 after which part is stored; since the same point twice is one point,
a refused batch is halved and written again until the bad line stands alone, and that one is set aside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gateway.model.clock import ClockQuality, Instant
from gateway.model.readings import Kind, Record
from gateway.outlets.deliver import Rows
from gateway.outlets.influx_lines import line
from gateway.outlets.outcome import OutletDown, Refused
from gateway.settings.models import Influx, Site

if TYPE_CHECKING:
    from influxdb_client.client.write_api import WriteApi

log = logging.getLogger(__name__)

TIMEOUT_MS = 10_000
HALVE_ON = frozenset({400, 413, 422})
"""The batch, or something in it, is wrong: it can never be taken as it is."""


class InfluxOutlet:
    """One bucket of one server. The client lives in a thread of its own, imported there at start."""

    def __init__(self, settings: Influx, site: Site, *, clock: Callable[[], Instant]) -> None:
        """Nothing is connected yet; the first send does that."""
        self._settings = settings
        self._site = site
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="influx")
        self._api: WriteApi | None = None
        self._client: Any = None

    async def warm(self) -> None:
        """Import the client library: half a second that must not fall on the first reading."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def close(self) -> None:
        """End the thread; a request under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def send(self, rows: Rows[Record]) -> Sequence[Refused]:
        """Write the rows. Gives those that the server refuses for good; raises OutletDown for the rest."""
        await self._wait_for_clock(rows)
        loop = asyncio.get_running_loop()
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
            answer = await loop.run_in_executor(self._thread, self._write, [text for *_, text in part])
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

    def _open(self) -> WriteApi:
        if self._api is None:
            from influxdb_client.client.influxdb_client import InfluxDBClient
            from influxdb_client.client.write_api import SYNCHRONOUS

            token = self._settings.token.get_secret_value() if self._settings.token else ""
            self._client = InfluxDBClient(
                url=self._settings.url,
                token=token,
                org=self._settings.org,
                timeout=TIMEOUT_MS,
                enable_gzip=True,
                retries=False,
            )
            self._api = self._client.write_api(write_options=SYNCHRONOUS)
        return self._api

    def _write(self, lines: list[str]) -> str | None:
        """Write once, in the thread. None: taken; a text: refused for good. Raises OutletDown."""
        from influxdb_client.client.exceptions import InfluxDBError
        from influxdb_client.domain.write_precision import WritePrecision
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        ns: WritePrecision = WritePrecision.NS  # type: ignore[assignment]
        try:
            self._open().write(bucket=self._settings.bucket, record="\n".join(lines), write_precision=ns)
        except (ApiException, InfluxDBError) as answer:
            status = getattr(answer, "status", None)
            if status is None and answer.response is not None:
                status = answer.response.status
            said = f"{status}: {_said(answer)}"
            if status in HALVE_ON:
                return said
            raise OutletDown(said, retry_after_s=_retry_after(answer)) from None
        except (HTTPError, OSError) as broken:
            raise OutletDown(f"{self._settings.url}: {type(broken).__name__}") from None
        return None


def _refused(seq: int, record: Record, reason: str) -> Refused:
    return Refused(seq, record.id, reason, record.device, record.quantity)


def _said(answer: Any) -> str:
    """What the server said, shortened; a line of ours in it would hold a value, so only its first words."""
    body = getattr(answer, "body", None) or getattr(answer, "message", None) or ""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    for mark in ("unable to parse", "field type conflict", "partial write", "unauthorized", "not found"):
        if mark in text:
            return mark
    return "no reason we know"


def _retry_after(answer: Any) -> float | None:
    headers = getattr(answer, "headers", None) or {}
    wish = headers.get("Retry-After") or headers.get("retry-after")
    try:
        return min(float(wish), 600.0) if wish else None
    except ValueError:
        return None
