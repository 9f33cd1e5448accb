"""Asked to stop while something hangs: it ends in time all the same, and what was confirmed is kept."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.disk import Disk
from support.eventually import eventually
from support.gateway_process import button, home, policies
from support.gateway_process import merged as over
from support.webhook import channel, receiver

STOP_WITHIN_S = 10.0


@pytest.mark.parametrize("what", ["bluetoothd", "broker", "webhook", "page", "disk"])
async def test_a_stop_waits_for_nothing_that_hangs(tmp_path: Path, what: str) -> None:
    """In under ten seconds it is gone; the next start has the alert as it was confirmed."""
    disk = Disk(tmp_path, tmp_path / "gateway-state")
    async with receiver() as hook:
        settings = over(channel(hook), {"alerts": policies(60, targets=["page", "channel:hook"])})
        with home(tmp_path, [button(1), button(2)], settings=settings) as house, ExitStack() as faults:
            gateway = house.start(env=disk.env)
            await gateway.outlet_is("up")
            house.do("kald-01", "press")
            alert = await gateway.alert_of("kald-01")
            assert (await gateway.act(alert["id"], "acknowledge"))[0] == 200
            if what == "bluetoothd":
                house.do("adapter", "hang")
            elif what == "broker":
                house.broker.pause()
                faults.callback(house.broker.resume)
            elif what == "webhook":
                hook.mood = "hangs"
                house.do("kald-02", "press")
                await eventually(lambda: hook.hanging)
            elif what == "disk":
                faults.enter_context(disk.hanging())
                async with gateway.stream() as stream:
                    house.do("kald-02", "press")
                    await stream.seen("alert", device="kald-02", durable=False)
            client = gateway.client()
            stuck = await client.get("http://gateway/api/v1/stream?readings=1")  # opened, and never read
            asked = time.monotonic()
            code = gateway.stop()
            took_s = time.monotonic() - asked
            stuck.close()
            await client.close()
            assert took_s < STOP_WITHIN_S
            assert "Traceback" not in gateway.log()
            assert code == 0
            faults.close()
            hook.mood = "answers"
            gateway = house.start(env=disk.env)
            after = await gateway.alert_of("kald-01")
            assert (after["id"], after["handling"]) == (alert["id"], "acknowledged")
