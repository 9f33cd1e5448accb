"""When a device is to be tested by the gateway itself, and when nobody has proved it for too long. Pure.

A test that the gateway makes proves the way from its rule to the pages. That a button still presses only a
press can prove, so for a device that speaks only when pressed such a test is no proof of the device: there a
press that a page has shown counts, or a test that a person asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from gateway.alerts.watched import Watched
from gateway.model.clock import NS, ClockQuality, Instant
from gateway.model.trouble import Trouble
from gateway.settings.load import ScheduledTests

MEMO = "chain/"
"""The keys of the memos of chain tests: `chain/kald-12`."""
LATE_MAX = timedelta(hours=6)
"""A test whose time passed while the gateway was off is made up for within this; later it is left out."""
OVERDUE, FAILING = "chain.overdue", "chain.failing"

How = Literal["event", "person", "schedule"]
"""What proved it: its own event, a test that a person asked for, a test that the gateway made by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is kept of the chain of one device. Times are Unix nanoseconds."""

    since_ns: int
    """When it was first known."""
    proved_ns: int | None = None
    """When it was last proved by its own event or by a person."""
    tested_ns: int | None = None
    """When the gateway itself last tested it, whatever came of it."""
    tested_ok: bool | None = None
    ms: float | None = None
    """How long the slowest hop took the last time."""

    @property
    def failing(self) -> bool:
        """Whether the gateway's last test did not get through, and nothing has since."""
        return self.tested_ok is False and (self.proved_ns or 0) < (self.tested_ns or 0)

    def document(self) -> dict[str, Any]:
        """Give it as it is kept."""
        return {
            "since": self.since_ns,
            "proved": self.proved_ns,
            "tested": self.tested_ns,
            "ok": self.tested_ok,
            "ms": self.ms,
        }


def read(memo: Mapping[str, Any] | None, now_ns: int) -> Record:
    """Read what was kept; a device that is new, or whose record nobody can read, begins now."""
    if memo is None or not isinstance(memo.get("since"), int):
        return Record(since_ns=now_ns)
    return Record(
        since_ns=memo["since"],
        proved_ns=memo.get("proved"),
        tested_ns=memo.get("tested"),
        tested_ok=memo.get("ok"),
        ms=memo.get("ms"),
    )


def proved(record: Record, how: How, now_ns: int, ms: float | None, *, ok: bool) -> Record:
    """Note what a test or an event has shown."""
    if how == "schedule":
        return replace(record, tested_ns=now_ns, tested_ok=ok, ms=ms)
    if not ok:
        return record
    return replace(record, proved_ns=now_ns, ms=ms)


def due(
    devices: Mapping[str, Watched],
    records: Mapping[str, Record],
    settings: ScheduledTests,
    zone: ZoneInfo,
    now: Instant,
) -> list[str]:
    """Give the devices that are to be tested now. None while nobody knows what time it is."""
    if not settings.enabled or now.quality is ClockQuality.UNSYNCED:
        return []
    local = datetime.fromtimestamp(now.wall_ns / NS, zone)
    found = []
    for name, device in devices.items():
        record = records.get(name)
        if not device.calls or record is None:
            continue
        slot_ns = round(_slot(name, settings, local).timestamp() * NS)
        last_ns = max(record.since_ns, record.tested_ns or 0)
        late = timedelta(microseconds=(now.wall_ns - slot_ns) / 1000)
        if last_ns < slot_ns and timedelta(0) <= late <= LATE_MAX:
            found.append(name)
    return found


def _slot(name: str, settings: ScheduledTests, local: datetime) -> datetime:
    """Give the last time at which a device was to be tested, in local time."""
    for back in range(8):
        day = (local - timedelta(days=back)).date()
        if settings.every == "week" and day.isoweekday() != weekday(name):
            continue
        at = datetime.combine(day, settings.at, local.tzinfo)
        if at <= local:
            return at
    raise AssertionError("a weekday comes once in eight days")


def weekday(name: str) -> int:
    """Give the weekday of a device, 1 to 7: the same on every gateway, and spread over the devices."""
    return zlib.crc32(name.encode()) % 7 + 1


def overdue(
    devices: Mapping[str, Watched],
    records: Mapping[str, Record],
    settings: ScheduledTests,
    now: Instant,
) -> dict[str, tuple[int, Trouble]]:
    """Give the devices that nobody has proved for too long, each with how insistently that is to be told."""
    if now.quality is ClockQuality.UNSYNCED:
        return {}
    found = {}
    for name, device in devices.items():
        record = records.get(name)
        if not device.calls or record is None:
            continue
        since = timedelta(microseconds=(now.wall_ns - _proof_ns(device, record)) / 1000)
        degree = sum(since > span for span in (settings.remind_after, settings.insist_after))
        if degree:
            found[name] = (degree, _overdue(device, record, since))
    return found


def _proof_ns(device: Watched, record: Record) -> int:
    proofs: Iterable[int | None] = (record.proved_ns, record.since_ns)
    if device.heard_every is not None and record.tested_ok:
        proofs = (*proofs, record.tested_ns)
    return max(proof for proof in proofs if proof is not None)


def _overdue(device: Watched, record: Record, since: timedelta) -> Trouble:
    never = "never proved since it was added" if record.proved_ns is None else "not proved"
    only = "; it speaks only when pressed, so only a press can prove it" if device.heard_every is None else ""
    return Trouble(
        kind=OVERDUE,
        subject=device.device,
        present=True,
        device=device.device,
        place=device.place,
        detail=f"{never}, {since.days} days ago{only}. Press it and see it on the page, or:"
        f" velgate alert test {device.device}",
    )
