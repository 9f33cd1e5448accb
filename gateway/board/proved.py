"""When the way from a device to the page was last proved, and how long it took: an empty board says so."""

from __future__ import annotations

from typing import Any

from gateway.alerts.tests_due import MEMO as CHAIN
from gateway.alerts.tests_due import How, Record, proved, read
from gateway.board.house import House
from gateway.journal.ledger import Ledger
from gateway.model.alert import Alert
from gateway.model.clock import ClockQuality, iso

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
        self.testing: set[str] = set()
        """Devices under test: what a page draws of those now is no event of theirs."""

    async def read(self) -> dict[str, Any] | None:
        """Give the last proof, from the journal the first time."""
        if not self._read:
            self.last = await self._house.journal.alarms.read(lambda ledger: ledger.memo(MEMO))
            self._read = True
        return self.last

    async def by_test(self, device: str, ms: float | None, *, ok: bool, how: How = "person") -> None:
        """Keep what a chain test found. Returns after the commit."""
        await self._keep(device, ms, ok=ok, how=how)

    async def by_alert(self, alert: Alert) -> None:
        """Keep that a page has just drawn an alert for the first time. Returns after the commit."""
        begun = alert.last if alert.count > 1 else alert.raised
        taken_s = self._house.clock.now().since(begun).total_seconds()
        made = alert.quiet or alert.device in self.testing
        if alert.device is not None and 0 <= taken_s < FRESH_S and not made:
            await self._keep(alert.device, taken_s * 1000, ok=True, how="event")

    async def records(self) -> dict[str, Record]:
        """Give what is kept of the chain of each device. Those that are new are noted: they begin now.

        Not while nobody knows what time it is: they would have begun in another year.
        """
        devices, now = self._house.engine.devices(), self._house.clock.now()
        now_ns = now.wall_ns
        kept = await self._house.journal.alarms.read(lambda ledger: ledger.memos(CHAIN))
        records = {name: read(kept.get(CHAIN + name), now_ns) for name, each in devices.items() if each.calls}
        new = {CHAIN + name: row.document() for name, row in records.items() if CHAIN + name not in kept}
        gone = [key for key in kept if key.removeprefix(CHAIN) not in devices]

        def note(ledger: Ledger) -> None:
            for key, value in new.items():
                ledger.put_memo(key, value)
            for key in gone:
                ledger.end_memo(key)

        if (new or gone) and now.quality is not ClockQuality.UNSYNCED:
            await self._house.journal.alarms.write(note, sync=False)
        return records

    async def _keep(self, device: str, ms: float | None, *, ok: bool, how: How) -> None:
        now = self._house.clock.now()
        now_ns = now.wall_ns
        time = iso(now_ns)
        value = {"time": time, "device": device, "ms": None if ms is None else round(ms), "ok": ok}
        key = CHAIN + device

        def keep(ledger: Ledger) -> None:
            ledger.put_memo(MEMO, value)
            if now.quality is ClockQuality.UNSYNCED:
                return  # it cannot be said how long ago that will have been
            before = read(ledger.memo(key), now_ns)
            ledger.put_memo(key, proved(before, how, now_ns, ms, ok=ok).document())

        await self._house.journal.alarms.write(keep)
        self.last, self._read = value, True
