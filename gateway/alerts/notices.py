"""What a notification row says about itself: whether it is still wanted, when to try it again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from gateway.alerts.book import UNSENT
from gateway.alerts.roster import Address
from gateway.model.alert import Alert, Handling
from gateway.model.clock import Instant
from gateway.model.rows import Notification
from gateway.settings.alerting import PAGE

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 30.0  # an emergency is never told less often than this while a channel fails


def row_for(alert: Alert, address: Address, now: Instant, *, about: str = "alert") -> Notification:
    """Make the row of one telling, as it is committed before the call.

    Its id is the idempotency key: the same alert in the same revision is told to the same receiver once. The
    time is part of it, for what is told from memory may turn out to have been another revision.
    """
    when = f"{now.wall_ns // 1_000_000:x}"
    parts = [alert.id, str(alert.rev), when, about, address.channel, address.person or ""]
    return Notification(
        id="/".join(parts),
        alert=alert.id,
        rev=alert.rev,
        step=alert.step if about == "alert" else 0,
        cycle=alert.cycle,
        target=address.target,
        channel=address.channel,
        person=address.person,
        state="sending",
        attempts=0,
        next=now,
        created=now,
        changed=now,
        about=about,
    )


def wanted(row: Notification, alert: Alert | None) -> bool:
    """Tell whether a row may still be sent. Asked in the moment before each attempt."""
    if alert is None:
        return False
    if row.about == "alert":
        return alert.handling is Handling.UNACKNOWLEDGED and row.cycle == alert.cycle
    if alert.handling is not Handling.ACKNOWLEDGED or alert.taken is None:
        return False
    same_holder = row.created.since(alert.taken.time) >= timedelta(0)
    return same_holder and (alert.warned or row.about != "return")


def receiver(row: Notification) -> tuple[str, str, str | None, str]:
    """Give whom a row tells about what: of two unsent rows for the same, the later says it all."""
    return row.alert, row.channel, row.person, row.about


def backoff(attempts: int, chance: float) -> timedelta:
    """Give how long to wait after so many failed attempts; `chance` (0 to 1) spreads them.

    1 s, 2 s, 4 s and so on, at most 30 s, of which the upper half is left to chance.
    """
    longest = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=longest * (0.5 + 0.5 * chance))


def reached_nobody(rows: Iterable[Notification]) -> bool:
    """Tell whether a step has failed: every channel did, and no page has shown it.

    The page alone never fails a step: it waits its `after` for somebody to look.
    """
    by_page, by_channel = _split(rows)
    return (
        bool(by_channel)
        and all(row.state == "failed" for row in by_channel)
        and not any(row.state == "delivered" for row in by_page)
    )


def surplus(rows: Sequence[Notification], keep: int) -> list[Notification]:
    """Give the rows that nobody needs of an alert that is told for ever; `rows` stand oldest first.

    Kept are the newest, what is still to be sent, and the last that was delivered of each receiver: that a
    page has it, or a pager, is known by that row alone. That it was told each time stands in the audit log.
    """
    delivered = {(row.channel, row.person): row.id for row in rows if row.state == "delivered"}
    needed = set(delivered.values())
    return [row for row in rows[:-keep] if row.state not in UNSENT and row.id not in needed]


def shown_on(rows: Iterable[Notification], cycle: int) -> tuple[int, int]:
    """Give on how many of how many people's pages an alert is shown: `vist på 2 af 2`."""
    pages = {
        row.person: row.state == "delivered"
        for row in sorted(rows, key=lambda row: row.state == "delivered")
        if row.channel == PAGE and row.person and row.about == "alert" and row.cycle == cycle
    }
    return sum(pages.values()), len(pages)


def shows(row: Notification, who: str) -> bool:
    """Tell whether `who` (a person, or a screen by its name) having it on the page delivers this row."""
    return row.channel == PAGE and (row.person is None or row.person.casefold() == who.casefold())


def _split(rows: Iterable[Notification]) -> tuple[Sequence[Notification], Sequence[Notification]]:
    every: list[Any] = list(rows)
    return [row for row in every if row.channel == PAGE], [row for row in every if row.channel != PAGE]
