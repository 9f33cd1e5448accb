"""When the way from a device to the page was last proved, and how long it took: an empty board says so."""

from __future__ import annotations

from typing import Any

from gateway.board.house import House
from gateway.model.alert import Alert
from gateway.model.clock import iso

MEMO = "board/proved"
"""`{"time", "device", "ms", "ok"}`: by a chain test, or by any call that a page drew."""
FRESH_S = 30.0  # a call drawn later than this was drawn by a page that has just been opened


class Proofs:
    """The last proof, kept in the journal and at hand."""

    def __init__(self, house: House) -> None:
        """Know nothing before it is read."""
        self._house = house
        self._read = False
        self.last: dict[str, Any] | None = None
        """The last proof, once `read` has been called; None where there is none."""

    async def read(self) -> dict[str, Any] | None:
        """Give the last proof, from the journal the first time."""
        if not self._read:
            self.last = await self._house.journal.alarms.read(lambda ledger: ledger.memo(MEMO))
            self._read = True
        return self.last

    async def by_test(self, device: str, ms: float | None, *, ok: bool) -> None:
        """Keep what a chain test found. Returns after the commit."""
        await self._keep(device, ms, ok=ok)

    async def by_alert(self, alert: Alert) -> None:
        """Keep that a page has just drawn an alert for the first time. Returns after the commit."""
        begun = alert.last if alert.count > 1 else alert.raised
        taken_s = self._house.clock.now().since(begun).total_seconds()
        if alert.device is not None and 0 <= taken_s < FRESH_S:
            await self._keep(alert.device, taken_s * 1000, ok=True)

    async def _keep(self, device: str, ms: float | None, *, ok: bool) -> None:
        time = iso(self._house.clock.now().wall_ns)
        value = {"time": time, "device": device, "ms": None if ms is None else round(ms), "ok": ok}
        await self._house.journal.alarms.write(lambda ledger: ledger.put_memo(MEMO, value))
        self.last, self._read = value, True
