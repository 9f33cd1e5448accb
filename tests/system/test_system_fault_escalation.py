"""An alert that nobody takes goes on, over the gateway's own death; what is taken is told to nobody."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from support.eventually import eventually, holds
from support.gateway_process import ROOT, button, home
from support.gateway_process import merged as over
from support.webhook import Receiver, channel, receiver
from support.whole_house import heard

HOOK = "channel:hook"


def steps(*each: tuple[list[str], float]) -> dict[str, object]:
    """Write the policy of plain calls."""
    rows = [{"targets": targets, "after": f"{after:g}s"} for targets, after in each]
    return {"alerts": {"policies": {"call": {"steps": rows}}}}


async def test_a_step_goes_on_over_a_kill_and_ends_with_the_acknowledgement(tmp_path: Path) -> None:
    """Step two comes due while the gateway is dead: told at once when it lives again, and signed."""
    async with receiver() as hook:
        settings = over(channel(hook), steps((["page"], 3), ([HOOK], 1)))
        with home(tmp_path, settings=settings) as house:
            gateway = house.start()
            house.do("kald-01", "press")
            alert = await gateway.alert_of("kald-01")
            gateway.kill()
            gateway = house.start()
            after = await gateway.alert_of("kald-01", step=2)
            assert after["id"] == alert["id"]
            first = (await eventually(lambda: hook.about(alert["id"])))[0]
            assert first.document["schema"] == "velgate/notification/1"
            assert first.document["step"] == 2
            assert first.document["text"]["da"].startswith("Kald – Bolig 01")
            await eventually(lambda: len(hook.received) >= 3)  # the last step of a call begins again
            assert (await gateway.act(alert["id"], "acknowledge"))[0] == 200
            told = len(hook.received)
            await holds(lambda: len(hook.received) == told, for_s=1.5)
            gateway.kill()
            gateway = house.start()
            await holds(lambda: len(hook.received) == told, for_s=1.5)
        assert hook.forged == []
        keys = [each.key for each in hook.received]
        assert len(set(keys)) >= 3


async def test_a_step_that_came_due_long_ago_is_told_once(tmp_path: Path) -> None:
    """The gateway was dead over several steps: the next one is told, not each that was missed."""
    async with receiver() as hook:
        settings = over(channel(hook), steps((["page"], 1), ([HOOK], 60)))
        with home(tmp_path, settings=settings) as house:
            gateway = house.start()
            house.do("kald-01", "press")
            alert = await gateway.alert_of("kald-01")
            gateway.kill()
            killed_s = time.monotonic()
            await eventually(lambda: time.monotonic() - killed_s > 1.5)
            house.start()
            await eventually(lambda: hook.about(alert["id"]))
            await holds(lambda: len({each.key for each in hook.received}) == 1, for_s=2)


async def test_a_webhook_that_hangs_delays_neither_page_nor_broker(tmp_path: Path) -> None:
    """While its request waits, another resident's call is on the page and on MQTT; then it is told."""
    async with receiver() as hook:
        hook.mood = "hangs"
        settings = over(channel(hook, timeout="1s"), steps((["page", HOOK], 120)))
        await _told_though_the_webhook_fails(tmp_path, settings, hook)


async def test_a_webhook_that_refuses_delays_neither_page_nor_broker(tmp_path: Path) -> None:
    """The same with an answer 500."""
    async with receiver() as hook:
        hook.mood = "refuses"
        settings = over(channel(hook), steps((["page", HOOK], 120)))
        await _told_though_the_webhook_fails(tmp_path, settings, hook)


async def _told_though_the_webhook_fails(folder: Path, settings: dict[str, object], hook: Receiver) -> None:
    with home(folder, [button(1), button(2)], settings=settings) as house:
        gateway = house.start()
        await gateway.outlet_is("up")
        async with gateway.stream() as stream, house.mqtt() as client:
            await client.subscribe(f"{ROOT}/alert/+", qos=1)
            house.do("kald-01", "press")
            first = (await stream.seen("alert", device="kald-01")).data
            await eventually(lambda: hook.about(first["id"]))
            house.do("kald-02", "press")
            second = (await stream.seen("alert", device="kald-02")).data
            for alert in (first, second):
                await heard(client, f"{ROOT}/alert/{alert['id']}")
            if hook.mood == "hangs":
                assert hook.hanging
            trouble = await gateway.trouble("channel.failing")
            assert trouble["concern"] == "technical"
            assert "hook" in trouble["key"]
            hook.mood = "answers"
            for alert in (first, second):
                keys = {each.key for each in await eventually(partial(hook.about, alert["id"]))}
                assert len(keys) == 1, "one telling, tried again"
                await eventually(partial(hook.answered.issuperset, keys))
            await gateway.trouble_over("channel.failing")
        assert hook.forged == []
