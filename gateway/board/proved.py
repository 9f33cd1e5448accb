"""When the way from a device to the page was last proved, and how long it took: an empty board says so."""

from __future__ import annotations

from typing import Any

from gateway.board.house import House
from gateway.model.alert import Alert
from gateway.model.clock import iso

MEMO = "board/proved"
"""`{"time", "device", "ms", "ok"}`: by a chain test, or by any call that a page drew."""
FRESH_S = (
    30.0  # a call drawn later than this was drawn by a page that has just been opened: it proves nothing
)


async def last(house: House) -> dict[str, Any] | None:
    """Give the last proof, or None where there is none yet."""
    return await house.journal.alarms.read(lambda ledger: ledger.memo(MEMO))


async def by_test(house: House, device: str, ms: float | None, *, ok: bool) -> None:
    """Keep what a chain test found. Returns after the commit."""
    await _keep(house, device, ms, ok=ok)


async def by_alert(house: House, alert: Alert) -> None:
    """Keep that a page has just drawn an alert for the first time. Returns after the commit."""
    taken = house.clock.now().since(alert.last if alert.count > 1 else alert.raised).total_seconds()
    if alert.device is not None and 0 <= taken < FRESH_S:
        await _keep(house, alert.device, taken * 1000, ok=True)


async def _keep(house: House, device: str, ms: float | None, *, ok: bool) -> None:
    value = {"time": iso(house.clock.now().wall_ns), "device": device, "ms": ms and round(ms), "ok": ok}
    await house.journal.alarms.write(lambda ledger: ledger.put_memo(MEMO, value))
