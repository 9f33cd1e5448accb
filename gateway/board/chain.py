"""A chain test from end to end: from the rule over disk and channels to a page that says it drew it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.alerts.tests_due import How

if TYPE_CHECKING:
    from gateway.board.board import Board

SHOWN_WITHIN_S = 5.0  # how long a chain test waits for a page to say that it drew the alert


async def prove(board: Board, device: str, *, by: str, how: How = "person") -> dict[str, Any]:
    """Test a device, keep what came of it, and give it as `velgate alert test --json` prints it.

    A test that the gateway makes by itself (`schedule`) wakes nobody and ends by itself. Where a page is open
    the test has failed if none draws it. Raises Problem, and NotDurable where the disk does not take it.
    """
    house, viewers, proofs = board.house, board.hub.viewers, board.hub.proofs
    quiet = how == "schedule" and not house.settings().alerts.tests.loud
    # Of pages by themselves, only one that says that it draws can be expected to: a phone sleeps.
    watching = viewers.drawing if how == "schedule" else viewers.pages
    proofs.testing.add(device)
    try:
        run = await house.engine.test(device, by=by, quiet=quiet)
        hops = [dict(hop) for hop in run.hops]
        if watching and run.ok:
            try:
                async with asyncio.timeout(SHOWN_WITHIN_S):
                    await viewers.until_drawn(run.alert)
            except TimeoutError:
                pass  # no page said so in time: the hop is missing from the answer, which says it
            else:
                ms = house.clock.now().since(run.begun).total_seconds() * 1000
                hops.append({"hop": "shown", "channel": "page", "ms": round(ms, 1)})
        if quiet:
            house.engine.end_test(run.alert)
    finally:
        proofs.testing.discard(device)
    shown = any(hop["hop"] == "shown" for hop in hops)
    ok = run.ok and (shown or not watching)
    last = max((float(hop["ms"]) for hop in hops if hop.get("ms") is not None), default=None)
    await proofs.by_test(device, last, ok=ok, how=how)
    return {"alert": run.alert, "hops": hops, "ok": ok}
