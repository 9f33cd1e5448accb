"""The server behind the InfluxDB outlet, by influxdb-client: one request at a time, each with its answer.

The library's synchronous API makes one request and raises, which is what a cursor needs; its batching API
hides losses. This is the one file that knows the library.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from gateway.outlets.outcome import OutletDown
from gateway.settings.models import Influx

if TYPE_CHECKING:
    from influxdb_client.client.write_api import WriteApi

TIMEOUT_MS = 10_000
HALVE_ON = frozenset({400, 413, 422})
"""The batch, or something in it, is wrong: it can never be taken as it is."""


class Server(Protocol):
    """Something that takes lines."""

    async def warm(self) -> None:
        """Get ready before the first reading."""
        ...

    async def write(self, lines: list[str]) -> str | None:
        """Write lines once. None: taken; a text: refused for good. Raises OutletDown for "not now"."""
        ...

    def close(self) -> None:
        """Let go of it; a request under way is not waited for."""
        ...


class InfluxServer:
    """One bucket of one server. The client lives in a thread of its own, imported there at start."""

    def __init__(self, settings: Influx) -> None:
        """Nothing is connected yet; the first write does that."""
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="influx")
        self._api: WriteApi | None = None
        self._client: Any = None

    async def warm(self) -> None:
        """Import the client library: half a second that must not fall on the first reading."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def write(self, lines: list[str]) -> str | None:
        """Write lines once. None: taken; a text: refused for good. Raises OutletDown for "not now"."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, lines)

    def close(self) -> None:
        """End the thread; a request under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

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
        """Write once, in the thread."""
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
